from pathlib import Path

from embassy.evaluation.sandbox import command, interpreter
from embassy.evaluation.sandbox.interpreter import Interpreter
from embassy.evaluation.sandbox.policy import Level, Limits

PYTHON = Interpreter(
    executable="/opt/python/bin/python3.11",
    own=("/opt/python/bin/python3.11", "/opt/python/lib"),
    packages=("/srv/venv/lib/python3.11/site-packages",),
    system=("/usr",),
)


def strong(uid: int | None = None) -> list[str]:
    return command.command(Level.STRONG, PYTHON, Limits(scratch_mb=7), bwrap="/usr/bin/bwrap", uid=uid)


def binds(words: list[str]) -> dict[str, str]:
    """Place inside → option that brings it there."""
    options = ("--ro-bind", "--dev-bind", "--bind")
    return {words[at + 2]: word for at, word in enumerate(words) if word in options}


def test_every_namespace_is_its_own_and_no_right_is_left() -> None:
    words = strong()
    for word in ("user", "pid", "net", "ipc", "uts"):
        assert f"--unshare-{word}" in words
    assert {"--die-with-parent", "--new-session", "--clearenv"} <= set(words)
    assert words[words.index("--cap-drop") + 1] == "ALL"


def test_only_what_python_needs_is_there_and_nothing_can_be_written() -> None:
    found = binds(strong())
    assert set(found) == {
        *("/usr", *PYTHON.own, *PYTHON.packages, "/sandbox/guest"),
        *interpreter.DEVICES,
    }
    assert {option for place, option in found.items() if not place.startswith("/dev/")} == {"--ro-bind"}
    words = strong()
    assert words[words.index("--tmpfs") - 2 : words.index("--tmpfs") + 2] == [
        *("--size", str(7 << 20), "--tmpfs", "/tmp")
    ]
    assert words[words.index("--remount-ro") + 1] == "/"


def test_root_becomes_somebody_else_first() -> None:
    words = strong(uid=4321)
    assert Path(words[3]).name == "launch.py"
    assert '"uid": 4321' in words[4]
    assert "/usr/bin/bwrap" in words[4]


def test_basic_is_the_bare_interpreter() -> None:
    words = command.command(Level.BASIC, PYTHON, Limits(), bwrap=None, uid=None)
    assert words[:4] == [PYTHON.executable, "-I", "-S", "-B"]


def test_this_interpreter_is_found_without_the_folders_around_it() -> None:
    found = interpreter.find()
    assert Path(found.executable).is_file()
    root = Path(__file__).resolve().parents[3]
    assert all(not root.is_relative_to(path) for path in (*found.own, *found.packages, *found.system))
    assert not {"/", "/usr", "/opt", "/home"} & {*found.own, *found.packages, *found.system}
    assert any((Path(path) / "numpy").is_dir() for path in found.packages)
