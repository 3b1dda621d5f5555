from django.apps import AppConfig


class DeploymentsConfig(AppConfig):
    name = "embassy.deployments"
    label = "deployments"
