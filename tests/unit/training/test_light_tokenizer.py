"""A model's tokenizer and chat template, read from its files."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from transformers import AutoTokenizer

from embassy.training.preflight.tokenizer import LightTokenizer

SHIPPED = Path(__file__).resolve().parents[3] / "models" / "tiny-llama-instruct"
TEXTS = ["Hello, world!", "", "  ü ✓ 12345\n\n", "<|eot_id|> as text"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copy(SHIPPED / name, tmp_path / name)
    return tmp_path


def read(folder: Path) -> LightTokenizer:
    found = LightTokenizer.read(folder)
    assert found is not None
    return found


@pytest.mark.parametrize("special", [True, False])
def test_it_gives_the_tokens_of_transformers(special: bool) -> None:
    theirs, ours = AutoTokenizer.from_pretrained(SHIPPED), read(SHIPPED)

    expected = theirs(TEXTS, add_special_tokens=special, return_offsets_mapping=True)
    found = ours(TEXTS, add_special_tokens=special, return_offsets_mapping=True)
    assert found["input_ids"] == expected["input_ids"]
    assert found["offset_mapping"] == expected["offset_mapping"]
    assert ours(TEXTS[0])["input_ids"] == theirs(TEXTS[0])["input_ids"]
    assert ours.chat_template == theirs.chat_template
    for name, text in ours.special_tokens_map.items():
        assert theirs.special_tokens_map[name] == text


def change_config(folder: Path, **changes: Any) -> None:
    path = folder / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_templates_may_stand_in_the_configuration(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink()
    change_config(folder, chat_template="{{ messages }}")
    assert read(folder).chat_template == "{{ messages }}"

    named = [{"name": "tool_use", "template": "no"}, {"name": "default", "template": "yes"}]
    change_config(folder, chat_template=named)
    assert read(folder).chat_template == "yes"


def test_special_tokens_may_be_objects(folder: Path) -> None:
    change_config(folder, bos_token={"content": "<s>", "lstrip": False}, pad_token=None)
    special = read(folder).special_tokens_map

    assert special["bos_token"] == "<s>"
    assert special["pad_token"] == special["eos_token"]


def test_a_model_without_the_file_has_none(tmp_path: Path) -> None:
    assert LightTokenizer.read(tmp_path) is None
