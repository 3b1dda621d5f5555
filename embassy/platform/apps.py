from django.apps import AppConfig


class PlatformConfig(AppConfig):
    name = "embassy.platform"
    label = "platform"
