"""One random base model and one standby for all tests of the trainer."""

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.runner.runs import DEADLINE_S, PROGRAM, Trainer
from tests.waiting import wait_for

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("base") / "tiny-random"
    subprocess.run([sys.executable, "-m", "tests.fakes.tiny_model", str(folder)], cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="session")
def trainer() -> Iterator[Trainer]:
    # Not a folder of pytest: a unix socket's path must stay under 108 bytes.
    with tempfile.TemporaryDirectory(prefix="em-") as folder:
        path = Path(folder) / "s"
        standby = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "embassy.platform.forkserver",
                "--socket",
                str(path),
                "--program",
                PROGRAM,
            ],
            cwd=ROOT,
        )
        wait_for_socket(path, standby)
        yield Trainer(path)
        standby.terminate()
        standby.wait()


def wait_for_socket(path: Path, standby: subprocess.Popen[bytes]) -> None:
    def listens() -> bool:
        assert standby.poll() is None, "the standby ended"
        return path.exists()

    wait_for(listens, "the standby to listen", seconds=DEADLINE_S)
