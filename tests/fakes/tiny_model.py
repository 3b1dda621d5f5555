"""A random model that trains in a moment: `python -m tests.fakes.tiny_model FOLDER [ARCHITECTURE]`.

It has the tokenizer and the chat template of the shipped base model, and has learned nothing. The
architecture is that of the shipped model unless another one is named, such as Qwen2ForCausalLM.
"""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "tiny-llama-instruct"
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
}
# What all kinds of models have in common; each leaves what it does not know.
_KEPT = ("vocab_size", "bos_token_id", "eos_token_id", "pad_token_id", "max_position_embeddings")


def build(folder: Path, architecture: str = "LlamaForCausalLM") -> None:
    """Write the model to `folder`; the same weights each time."""
    import torch
    import transformers

    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors"))
    config = json.loads((folder / "config.json").read_text())
    config.pop("layer_types", None)
    if architecture == config["architectures"][0]:
        settings: dict[str, Any] = {**config, **SIZES}
    else:
        kind = getattr(transformers, architecture).config_class
        sizes = SIZES if hasattr(kind(), "head_dim") else {k: v for k, v in SIZES.items() if k != "head_dim"}
        settings = {"model_type": kind.model_type, "architectures": [architecture], **sizes}
        settings |= {name: config[name] for name in _KEPT}
    (folder / "config.json").write_text(json.dumps({**settings, "dtype": "float32"}))
    torch.manual_seed(0)
    model = transformers.AutoModelForCausalLM.from_config(transformers.AutoConfig.from_pretrained(folder))
    model.generation_config.eos_token_id = config["eos_token_id"]
    model.save_pretrained(folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]), *sys.argv[2:])
