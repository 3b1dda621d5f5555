"""Every address of these families that Django answers."""

from embassy.llama_stack.files.api import urlpatterns as files

urlpatterns = [*files]
