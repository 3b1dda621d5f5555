from django.apps import AppConfig


class TrainingConfig(AppConfig):
    name = "embassy.training"
    label = "training"
