"""Put an adapter into its base model: `python -m embassy.training.runner.merge SPEC.json`.

The result is a folder that transformers loads as it is. The base is read in full precision, also where the
adapter was trained on a base in 4 bits. Exit status: 0 it is there, 1 it failed, 2 there was nothing to do.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from embassy.training.merge_spec import MergeOutcome, MergeSpec, read_spec, write
from embassy.training.runner.merge.preload import ENVIRONMENT

if TYPE_CHECKING:
    from embassy.training.runner.failures import RunnerError

_TINY_BYTES = 200_000_000
# What an export holds besides the adapter: it describes the merged model as well.
_NOT_COPIED = frozenset({"adapter_config.json", "adapter_model.safetensors", "README.md"})


def main(argv: list[str]) -> int:
    os.environ.update({**ENVIRONMENT, **os.environ})
    try:
        (path,) = argv
        spec = read_spec(Path(path))
    except (ValueError, TypeError, OSError) as error:
        print(f"nothing to merge: {error}", file=sys.stderr)
        return 2
    try:
        merge(spec)
    except Exception as error:  # noqa: BLE001 - the process's border: whatever went wrong must still be told
        traceback.print_exc()
        write(_outcome(error), Path(spec.outcome))
        return 1
    write(MergeOutcome(), Path(spec.outcome))
    return 0


def merge(spec: MergeSpec) -> None:
    """Write the merged model to the spec's target. Raises RunnerError and what the libraries raise."""
    models: Any = importlib.import_module("embassy.training.runner.models")
    base, adapter, target = Path(spec.base), Path(spec.adapter), Path(spec.target)
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    model = models.load_adapter(load_base(base, adapter), adapter).merge_and_unload()
    model.config.use_cache = True
    model.to(dtype=storage_dtype(base)).save_pretrained(partial)
    for file in adapter.iterdir():
        if file.is_file() and file.name not in _NOT_COPIED:
            shutil.copyfile(file, partial / file.name)
    partial.rename(target)


def load_base(base: Path, adapter: Path) -> Any:
    """The base model in full precision, with the adapter's kind of head."""
    transformers: Any = importlib.import_module("transformers")
    torch: Any = importlib.import_module("torch")
    options = {"dtype": torch.float32, "local_files_only": True, "use_safetensors": True}
    if _read(adapter / "adapter_config.json").get("task_type") != "SEQ_CLS":
        return transformers.AutoModelForCausalLM.from_pretrained(str(base), **options)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        str(base), **options, **head_shape(_read(adapter / "metadata.json"))
    )
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(adapter), local_files_only=True)
    model.config.pad_token_id = tokenizer.pad_token_id
    return model


def head_shape(metadata: dict[str, Any]) -> dict[str, Any]:
    labels = metadata.get("labels") or ["0"]
    return {
        "num_labels": len(labels),
        "problem_type": metadata["problem_type"],
        "id2label": dict(enumerate(labels)),
        "label2id": {label: index for index, label in enumerate(labels)},
    }


def storage_dtype(base: Path) -> Any:
    """Tiny models are kept in fp32, in which they are served; others in the base's own type."""
    torch: Any = importlib.import_module("torch")
    if sum(file.stat().st_size for file in base.glob("*.safetensors")) < _TINY_BYTES:
        return torch.float32
    config = _read(base / "config.json")
    dtype = getattr(torch, str(config.get("dtype") or config.get("torch_dtype") or "float32"), None)
    return dtype if isinstance(dtype, torch.dtype) else torch.float32


def _outcome(error: Exception) -> MergeOutcome:
    failures: Any = importlib.import_module("embassy.training.runner.failures")
    known: RunnerError = failures.explain(error)
    if known.code == "internal_error":
        problem = next(iter(str(error).splitlines()), "") or type(error).__name__
        return MergeOutcome(code="merge_failed", message=f"The adapter could not be merged: {problem}")
    return MergeOutcome(
        code=known.code, message=known.sentence, final=known.code in ("adapter_mismatch", "out_of_memory")
    )


def _read(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
