from embassy.llama_stack.models.file import File, Purpose

__all__ = ["File", "Purpose"]
