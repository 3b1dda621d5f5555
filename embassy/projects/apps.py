from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "embassy.projects"
    label = "projects"

    def ready(self) -> None:
        from embassy.projects import schema  # noqa: F401  (registers the extension)
