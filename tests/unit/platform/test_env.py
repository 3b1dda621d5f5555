"""Values from the environment that are more than text."""

import socket

import pytest

from embassy.platform import env


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("", 7),
        ("5000", 5000),
        ("12GB", 12 * 1000**3),
        ("12g", 12 * 1000**3),
        ("512MiB", 512 * 1024**2),
        ("1.5 GiB", 3 * 1024**3 // 2),
    ],
)
def test_size(monkeypatch: pytest.MonkeyPatch, text: str, size: int) -> None:
    monkeypatch.setenv("ROOM", text)
    assert env.size("ROOM", 7) == size


@pytest.mark.parametrize("text", ["much", "-1", "12 XB", "1e9"])
def test_what_is_no_size_refuses_to_start(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("ROOM", text)
    with pytest.raises(env.BadEnvironment, match="ROOM must be a size"):
        env.size("ROOM")


def test_host_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NAME_OF_IT", raising=False)
    assert env.host_name("NAME_OF_IT") == socket.gethostname()
    monkeypatch.setenv("NAME_OF_IT", "gpu-2.example")
    assert env.host_name("NAME_OF_IT") == "gpu-2.example"


@pytest.mark.parametrize("name", ["a:b", "a b", "x" * 101])
def test_bad_host_name_refuses_to_start(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A colon would end the name in the owner of a lease."""
    monkeypatch.setenv("NAME_OF_IT", name)
    with pytest.raises(env.BadEnvironment, match="NAME_OF_IT"):
        env.host_name("NAME_OF_IT")
