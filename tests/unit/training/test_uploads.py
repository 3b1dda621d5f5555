import tarfile
from pathlib import Path

import pytest

from embassy.training.supervisor.uploads import pack, rank_of


@pytest.mark.parametrize(
    ("config", "rank"),
    [
        (None, 0),
        ({"r": 16}, 16),
        ({"r": 8, "rank_pattern": {"q_proj": 32}}, 32),
        ({"r": 8, "rank_pattern": None}, 8),
    ],
)
def test_rank_is_the_largest(config: dict[str, object] | None, rank: int) -> None:
    assert rank_of(config) == rank


def test_files_lie_at_the_top_of_the_archive(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    (folder / "b.json").write_text("{}")
    (folder / "a.json").write_text("{}")

    pack(folder, tmp_path / "x.tar.gz")

    with tarfile.open(tmp_path / "x.tar.gz") as archive:
        assert archive.getnames() == ["a.json", "b.json"]
