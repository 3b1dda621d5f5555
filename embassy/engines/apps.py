from django.apps import AppConfig


class EnginesConfig(AppConfig):
    name = "embassy.engines"
    label = "engines"
