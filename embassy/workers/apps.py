from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "embassy.workers"
    label = "workers"
