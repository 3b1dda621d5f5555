"""Every address of these families that Django answers."""

from embassy.llama_stack.files.api import urlpatterns as files
from embassy.llama_stack.fine_tuning.api import urlpatterns as fine_tuning
from embassy.llama_stack.inference.api import urlpatterns as inference
from embassy.llama_stack.inference.models_api import urlpatterns as models

urlpatterns = [*files, *inference, *models, *fine_tuning]
