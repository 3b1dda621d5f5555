from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "embassy.console"
    label = "console"
