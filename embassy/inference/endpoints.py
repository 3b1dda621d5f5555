"""Which addresses answer for a model, by what it does."""

from typing import Final

from embassy.inference.errors import wrong_endpoint

TEXT: Final = "text-generation"
CLASSIFICATION: Final = "classification"
EMBEDDING: Final = "embedding"
REGRESSION: Final = "regression"

ADDRESSES: Final = {
    TEXT: ("/v1/chat/completions", "/v1/completions"),
    CLASSIFICATION: ("/v1/classification",),
    EMBEDDING: ("/v1/embeddings",),
    REGRESSION: ("/v1/regression",),
}


def check_task(model: str, *, does: str, wanted: str) -> None:
    """Raises InvalidInput that names the right address, if the model does something else."""
    if does != wanted:
        raise wrong_endpoint(model, does, ADDRESSES[does])
