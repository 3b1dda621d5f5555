from django.apps import AppConfig


class InferenceConfig(AppConfig):
    name = "embassy.inference"
    label = "inference"
