"""The catalog itself: every base model that Embassy knows by name."""

from embassy.catalog.base_model import BaseModel
from embassy.catalog.rules import Value

# Measured on this very model: with less it learns a new task too slowly to be seen.
_TINY: dict[str, dict[str, Value]] = {
    "SFT": {
        "learning_rate": 3e-3,
        "num_train_epochs": 4,
        "per_device_train_batch_size": 16,
        "per_device_eval_batch_size": 16,
        "max_length": 512,
    },
    "DPO": {"learning_rate": 1e-3, "max_length": 512},
    "GRPO": {
        "learning_rate": 1e-3,
        "per_device_train_batch_size": 32,
        "max_completion_length": 32,
        "max_length": 512,
    },
    "classification": {
        "learning_rate": 3e-3,
        "num_train_epochs": 6,
        "per_device_train_batch_size": 8,
        "max_length": 512,
    },
    "regression": {
        "learning_rate": 3e-3,
        "num_train_epochs": 6,
        "per_device_train_batch_size": 8,
        "max_length": 512,
    },
}

_USUAL: dict[str, dict[str, Value]] = {
    "SFT": {"per_device_train_batch_size": 4, "gradient_accumulation_steps": 4, "max_length": 2048},
    "DPO": {"learning_rate": 5e-6, "per_device_train_batch_size": 2, "gradient_accumulation_steps": 8},
    "GRPO": {"learning_rate": 1e-5, "per_device_train_batch_size": 8, "max_completion_length": 256},
    "classification": {"per_device_train_batch_size": 8},
    "regression": {"per_device_train_batch_size": 8},
}

_BIG: dict[str, dict[str, Value]] = {
    recipe: {**values, "gradient_checkpointing": True} for recipe, values in _USUAL.items()
}

_EMBEDDING: dict[str, dict[str, Value]] = {
    "embedding": {"learning_rate": 5e-4, "per_device_train_batch_size": 16, "num_train_epochs": 2},
}

ENTRIES = (
    BaseModel(
        name="tiny-llama-instruct",
        type="chat",
        hf_id="",
        context_length=1024,
        size_parameters=3_475_712,
        dtype="float32",
        support_serverless=True,
        defaults=_TINY,
    ),
    BaseModel(
        name="Llama-3.2-1B-Instruct",
        type="chat",
        hf_id="meta-llama/Llama-3.2-1B-Instruct",
        context_length=131_072,
        size_parameters=1_235_814_400,
        dtype="bfloat16",
        defaults=_USUAL,
    ),
    BaseModel(
        name="Llama-3.2-3B-Instruct",
        type="chat",
        hf_id="meta-llama/Llama-3.2-3B-Instruct",
        context_length=131_072,
        size_parameters=3_212_749_824,
        dtype="bfloat16",
        defaults=_BIG,
    ),
    BaseModel(
        name="Llama-3.1-8B-Instruct",
        type="chat",
        hf_id="meta-llama/Llama-3.1-8B-Instruct",
        context_length=131_072,
        size_parameters=8_030_261_248,
        dtype="bfloat16",
        defaults=_BIG,
    ),
    BaseModel(
        name="Qwen3-0.6B",
        type="chat",
        hf_id="Qwen/Qwen3-0.6B",
        context_length=40_960,
        size_parameters=596_049_920,
        dtype="bfloat16",
        defaults=_USUAL,
    ),
    BaseModel(
        name="Qwen3-1.7B",
        type="chat",
        hf_id="Qwen/Qwen3-1.7B",
        context_length=40_960,
        size_parameters=1_720_574_976,
        dtype="bfloat16",
        defaults=_USUAL,
    ),
    BaseModel(
        name="Qwen3-4B",
        type="chat",
        hf_id="Qwen/Qwen3-4B",
        context_length=40_960,
        size_parameters=4_022_468_096,
        dtype="bfloat16",
        defaults=_BIG,
    ),
    BaseModel(
        name="SmolLM2-135M-Instruct",
        type="chat",
        hf_id="HuggingFaceTB/SmolLM2-135M-Instruct",
        context_length=8192,
        size_parameters=134_515_008,
        dtype="bfloat16",
        defaults=_USUAL,
    ),
    BaseModel(
        name="all-MiniLM-L6-v2",
        type="embeddings",
        hf_id="sentence-transformers/all-MiniLM-L6-v2",
        context_length=256,
        size_parameters=22_713_216,
        dtype="float32",
        task_types=("embedding",),
        support_serverless=True,
        defaults=_EMBEDDING,
    ),
)
