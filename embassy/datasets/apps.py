from django.apps import AppConfig


class DatasetsConfig(AppConfig):
    name = "embassy.datasets"
    label = "datasets"
