"""Reads the headers of safetensors files: names, types and shapes, never the numbers."""

import json
import struct
from dataclasses import dataclass
from pathlib import Path

_LENGTH = struct.Struct("<Q")
_MAX_HEADER_BYTES = 100 * 1024**2


class UnreadableTensorsError(ValueError):
    """The file is not a whole safetensors file; the message says why."""


@dataclass(frozen=True)
class Tensor:
    """One entry of a header."""

    dtype: str
    shape: tuple[int, ...]


def read_header(path: Path) -> dict[str, Tensor]:
    """Tensors by name; raises UnreadableTensorsError, also for a file that was cut off, and OSError."""
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(_LENGTH.size)
        length = _LENGTH.unpack(start)[0] if len(start) == _LENGTH.size else 0
        if not 0 < length <= min(size, _MAX_HEADER_BYTES):
            raise UnreadableTensorsError(f"{path.name} is not a safetensors file")
        text = file.read(length)
    try:
        entries = json.loads(text)
        tensors = {name: _tensor(entry) for name, entry in entries.items() if name != "__metadata__"}
        end = max((entry["data_offsets"][1] for name, entry in entries.items() if name in tensors), default=0)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise UnreadableTensorsError(f"{path.name} has a damaged header") from error
    if _LENGTH.size + length + end != size:
        raise UnreadableTensorsError(f"{path.name} is cut off or has a damaged end")
    return tensors


def read_folder(folder: Path) -> dict[str, Tensor]:
    """Tensors of all safetensors files of a model; raises UnreadableTensorsError if there are none."""
    tensors: dict[str, Tensor] = {}
    for path in sorted(folder.glob("*.safetensors")):
        tensors |= read_header(path)
    if not tensors:
        raise UnreadableTensorsError(f"{folder.name} has no safetensors file with tensors")
    return tensors


def _tensor(entry: dict[str, object]) -> Tensor:
    shape = entry["shape"]
    if not isinstance(shape, list) or not all(isinstance(size, int) for size in shape):
        raise TypeError("shape")
    return Tensor(dtype=str(entry["dtype"]), shape=tuple(shape))
