from hashlib import sha256
from pathlib import Path

from embassy.training.digests import digests


def test_every_file_by_its_name_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_bytes(b"a")
    (tmp_path / "README.md").write_bytes(b"b")

    found = digests(tmp_path, known={"model.safetensors": "c" * 64})

    assert found == {
        "1_Pooling/config.json": sha256(b"a").hexdigest(),
        "README.md": sha256(b"b").hexdigest(),
        "model.safetensors": "c" * 64,
    }


def test_what_is_known_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x")

    assert digests(tmp_path, known={"big": "1" * 64}) == {"big": "1" * 64}
