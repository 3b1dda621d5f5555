from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "embassy.projects"
    label = "projects"
