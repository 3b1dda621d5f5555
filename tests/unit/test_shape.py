"""Guards of the code's shape that no other tool looks at."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for path in (ROOT / "embassy").rglob("*.py") if "migrations" not in path.parts)
STATES = ROOT / "embassy" / "platform" / "states.py"
STATUS_FIELDS = {"status"}


def status_writes(tree: ast.AST) -> Iterator[int]:
    """Lines that assign `.status` of something other than self, or update a `status` column."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and any(map(is_foreign_status, node.targets)):
            yield node.lineno
        if isinstance(node, ast.Call) and is_status_update(node):
            yield node.lineno


def is_foreign_status(target: ast.expr) -> bool:
    if not isinstance(target, ast.Attribute) or target.attr not in STATUS_FIELDS:
        return False
    return not (isinstance(target.value, ast.Name) and target.value.id in {"self", "error"})


def is_status_update(call: ast.Call) -> bool:
    named_update = isinstance(call.func, ast.Attribute) and call.func.attr == "update"
    return named_update and any(keyword.arg in STATUS_FIELDS for keyword in call.keywords)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_only_the_transition_function_writes_a_status(path: Path) -> None:
    if path != STATES:
        assert list(status_writes(ast.parse(path.read_text()))) == []


def test_the_web_process_loads_no_gpu_library() -> None:
    code = (
        "import sys, embassy.asgi\n"
        "heavy = {'torch', 'transformers', 'trl', 'peft', 'vllm', 'datasets', 'sklearn'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr


def test_the_package_folder_is_not_importable_by_itself() -> None:
    """`platform` and `datasets` must stay the standard library's and Hugging Face's."""
    code = "import platform; assert 'embassy' not in str(platform.__file__), platform.__file__"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
