from django.apps import AppConfig


class EvaluationConfig(AppConfig):
    name = "embassy.evaluation"
    label = "evaluation"
