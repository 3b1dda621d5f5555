"""A model's own tokenizer and chat template, without the libraries that train with them."""

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

_BLANK = "\u2581"  # how some tokenizers write a blank
_SPECIAL = ("bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token")


class LightTokenizer:
    """Can be called as those of transformers can, as far as examples need it."""

    def __init__(self, tokenizer: Tokenizer, chat_template: str | None, special: dict[str, str]) -> None:
        self._tokenizer, self.chat_template, self.special_tokens_map = tokenizer, chat_template, special

    @classmethod
    def read(cls, folder: Path) -> "LightTokenizer | None":
        """None if the folder has no tokenizer in the one form that needs no other library."""
        path = folder / "tokenizer.json"
        if not path.is_file():
            return None
        tokenizer = Tokenizer.from_file(str(path))
        tokenizer.no_truncation()  # some files keep the settings of whoever saved them
        tokenizer.no_padding()
        config = _read_json(folder / "tokenizer_config.json")
        special = {name: text for name in _SPECIAL if (text := _text(config.get(name)))}
        if "eos_token" in special:
            special.setdefault("pad_token", special["eos_token"])
        return cls(tokenizer, _chat_template(folder, config), special)

    def piece(self, token: int) -> str:
        """What one token stands for, its blanks kept; its name where it is only a part of a character."""
        name = self._tokenizer.id_to_token(token)
        if name is None:
            return ""
        if _BLANK in name:
            return str(name.replace(_BLANK, " "))
        text = self._tokenizer.decode([token], skip_special_tokens=False)
        return str(name if "\ufffd" in text or not text else text)

    @cached_property
    def special_ids(self) -> frozenset[int]:
        added = self._tokenizer.get_added_tokens_decoder()
        return frozenset(number for number, token in added.items() if token.special)

    def __call__(
        self,
        texts: str | Sequence[str],
        *,
        add_special_tokens: bool = True,
        return_offsets_mapping: bool = False,
    ) -> dict[str, Any]:
        several = [texts] if isinstance(texts, str) else list(texts)
        encodings = self._tokenizer.encode_batch(several, add_special_tokens=add_special_tokens)
        found: dict[str, Any] = {"input_ids": [encoding.ids for encoding in encodings]}
        if return_offsets_mapping:
            found["offset_mapping"] = [encoding.offsets for encoding in encodings]
        return {name: values[0] for name, values in found.items()} if isinstance(texts, str) else found


def _chat_template(folder: Path, config: dict[str, Any]) -> str | None:
    path = folder / "chat_template.jinja"
    if path.is_file():
        return path.read_text(encoding="utf-8")
    template = config.get("chat_template")
    if isinstance(template, list):  # several by name
        named = {entry["name"]: entry["template"] for entry in template}
        template = named.get("default")
    return template if isinstance(template, str) else None


def _text(token: Any) -> str:
    return str(token["content"]) if isinstance(token, dict) else str(token or "")


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document
