from django.apps import AppConfig


class WorkersConfig(AppConfig):
    name = "embassy.workers"
    label = "workers"

    def ready(self) -> None:
        from embassy.workers import checks  # noqa: F401
