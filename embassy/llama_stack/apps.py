from django.apps import AppConfig


class LlamaStackConfig(AppConfig):
    name = "embassy.llama_stack"
    label = "llama_stack"
