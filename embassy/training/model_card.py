"""The README of an archive: what the model is and how to load it. Pure; the runner imports it too."""

from collections.abc import Mapping
from typing import Any

_CLASSES = {
    "text-generation": "AutoModelForCausalLM",
    "classification": "AutoModelForSequenceClassification",
    "regression": "AutoModelForSequenceClassification",
}
_HEADS = frozenset({"classification", "regression"})
_TAGS = {
    "text-generation": "text-generation",
    "classification": "text-classification",
    "regression": "text-classification",
    "embedding": "sentence-similarity",
}


def render(facts: Mapping[str, Any]) -> str:
    """Markdown with the header that model hubs read. `facts` is the evidence of the export."""
    parts = [_header(facts), _what(facts), _usage(facts), _files(facts)]
    return "\n\n".join(parts) + "\n"


def _header(facts: Mapping[str, Any]) -> str:
    library = _library(facts)
    lines = [
        "---",
        f"library_name: {library}",
        f"base_model: {_base(facts)}",
        f"pipeline_tag: {_TAGS[facts['task']]}",
        "tags:",
        f"- {str(facts['technique']).lower()}",
        *(["- lora"] if library == "peft" else []),
        "---",
    ]
    return "\n".join(lines)


def _library(facts: Mapping[str, Any]) -> str:
    if facts["task"] == "embedding":
        return "sentence-transformers"
    return "transformers" if facts["merged"] else "peft"


def _base(facts: Mapping[str, Any]) -> str:
    return str(facts["base"]["name"]).partition("@")[0]


def _what(facts: Mapping[str, Any]) -> str:
    form = "The whole model" if facts["merged"] else "An adapter (LoRA)"
    revision = facts["base"].get("revision")
    base = f"`{_base(facts)}`" + (f" at revision `{revision}`" if revision else "")
    scores = [f"| {name} | {value:.6g} |" for name, value in sorted(_numbers(facts).items())]
    table = "\n".join(["", "| metric while training | value |", "| --- | --- |", *scores]) if scores else ""
    return (
        f"# {_base(facts)}, fine-tuned for {facts['task']}\n\n"
        f"{form}, made from {base} by {facts['technique']}: checkpoint {facts['checkpoint']} of training job"
        f" `{facts['job_id']}`, after {facts['step']} steps.\n{table}"
    ).rstrip()


def _numbers(facts: Mapping[str, Any]) -> dict[str, float]:
    metrics = facts.get("metrics") or {}
    return {
        name: value
        for name, value in metrics.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _usage(facts: Mapping[str, Any]) -> str:
    if facts["task"] == "embedding":
        code = _EMBED
    elif facts["merged"]:
        code = _WHOLE.format(kind=_CLASSES[facts["task"]])
    else:
        code = _ADAPTER.format(kind=_CLASSES[facts["task"]], base=_base(facts), options=_options(facts))
    question = _READ_HEAD if facts["task"] in _HEADS else _ASK
    asked = "" if facts["task"] == "embedding" else question
    return f"## Use it\n\nIn the folder of this file:\n\n```python\n{code}{asked}```"


def _options(facts: Mapping[str, Any]) -> str:
    """What the base must be loaded with, so that the adapter finds its place."""
    options = []
    if facts["base"].get("revision"):
        options.append(f'revision="{facts["base"]["revision"]}"')
    if facts["task"] in _HEADS:
        labels = (facts.get("metadata") or {}).get("labels") or ["value"]
        options.append(f"num_labels={len(labels)}")
    return "".join(f", {option}" for option in options)


_ADAPTER = """\
from peft import PeftModel
from transformers import {kind}, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
base = {kind}.from_pretrained("{base}"{options})  # or the path of its folder
model = PeftModel.from_pretrained(base, ".").eval()
"""

_WHOLE = """\
from transformers import {kind}, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained(".")
model = {kind}.from_pretrained(".").eval()
"""

_ASK = """\
messages = [{"role": "user", "content": "…"}]
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
output = model.generate(**inputs, max_new_tokens=64, do_sample=False)
print(tokenizer.decode(output[0, inputs["input_ids"].shape[1]:], skip_special_tokens=True))
"""

_READ_HEAD = """\
messages = [{"role": "user", "content": "…"}]
inputs = tokenizer.apply_chat_template(
    messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
)
print(model(**inputs).logits)  # metadata.json says what the outputs mean
"""

_EMBED = """\
from sentence_transformers import SentenceTransformer

print(SentenceTransformer(".").encode(["one text", "another"]))
"""


def _files(facts: Mapping[str, Any]) -> str:
    lines = ["## Files", ""]
    if not facts["merged"]:
        lines.append("- `adapter_config.json`, `adapter_model.safetensors`: the adapter, in PEFT's format.")
    else:
        lines.append("- `config.json`, `*.safetensors`: the model, in the format of transformers.")
    lines += [
        "- `tokenizer.json`, `chat_template.jinja`: the tokenizer, and how conversations become text.",
        "- `evidence.json`: from what, with what and how this was made, with the SHA-256 of the weights.",
    ]
    return "\n".join(lines)
