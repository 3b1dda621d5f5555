from embassy.llama_stack.models.file import File, Purpose
from embassy.llama_stack.models.fine_tuning_job import FineTuningJob
from embassy.llama_stack.models.stored_completion import StoredCompletion

__all__ = ["File", "FineTuningJob", "Purpose", "StoredCompletion"]
