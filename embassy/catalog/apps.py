from django.apps import AppConfig


class CatalogConfig(AppConfig):
    name = "embassy.catalog"
    label = "catalog"
