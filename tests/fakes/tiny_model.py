"""A random Llama that trains in a moment: `python -m tests.fakes.tiny_model FOLDER`.

It has the tokenizer and the chat template of the shipped base model, and has learned nothing.
"""

import json
import shutil
import sys
from pathlib import Path

SHIPPED = Path(__file__).resolve().parents[2] / "models" / "tiny-llama-instruct"
SIZES = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
}


def build(folder: Path) -> None:
    """Write the model to `folder`; the same weights each time."""
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM

    shutil.copytree(SHIPPED, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.safetensors"))
    config = json.loads((folder / "config.json").read_text())
    config.pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps({**config, **SIZES, "dtype": "float32"}))
    torch.manual_seed(0)
    AutoModelForCausalLM.from_config(AutoConfig.from_pretrained(folder)).save_pretrained(folder)


if __name__ == "__main__":
    build(Path(sys.argv[1]))
