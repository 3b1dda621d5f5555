"""The supervisor's manners: order, failures, output, and refusals before anything is started."""

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embassy.platform.launcher.testing import launched, output_of, temporary_home
from tests.processes.launcher_watch import remaining, stand_ins, wait_for_output
from tests.waiting import PATIENCE_S, wait_for

pytestmark = pytest.mark.processes


@pytest.fixture
def home() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


def _refusal(home: Path, *arguments: str) -> str:
    """What a launcher that does not start says."""
    with launched(home, *arguments) as process:
        assert process.wait(PATIENCE_S) == 1
    assert not remaining(home)
    return output_of(home).read_text()


def test_services_start_in_order_and_stop_in_the_reverse(home: Path) -> None:
    with launched(home, command=stand_ins("ordered")) as process:
        wait_for_output(home, "Embassy is ready")
        wait_for(lambda: "start last" in (home / "run/diary").read_text(), "the last start")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    diary = (home / "run/diary").read_text().splitlines()
    assert diary == ["start first", "start once", "start last", "stop last", "stop first"]


def test_service_that_never_starts_is_given_up_with_its_log(home: Path) -> None:
    with launched(home, command=stand_ins("failing")) as process:
        assert process.wait(PATIENCE_S) == 1
    output = output_of(home).read_text()
    assert output.count("exited with code 3; starting again") == 2
    assert "bad keeps failing (exited with code 3)" in output
    assert "      the reason" in output
    assert str(home / "logs/bad.log") in output


def test_platform_goes_on_without_an_optional_service(home: Path) -> None:
    with launched(home, command=stand_ins("optional")) as process:
        output = wait_for_output(home, "The platform goes on without it")
        assert "Embassy is ready" in output
        # Nor is it forgotten.
        again = "The platform goes on without it"
        wait_for(lambda: output_of(home).read_text().count(again) > 1, "another series of tries")
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0


def test_failed_preparation_is_shown_and_not_repeated(home: Path) -> None:
    with launched(home, command=stand_ins("unprepared")) as process:
        assert process.wait(PATIENCE_S) == 1
    output = output_of(home).read_text()
    assert "prepare failed (exited with code 1)" in output
    assert "· prepare          migrating" in output
    assert "starting again" not in output


def test_problems_of_a_running_service_are_shown_and_the_rest_is_logged(home: Path) -> None:
    with launched(home, command=stand_ins("chatty")):
        output = wait_for_output(home, "! chatty           2026 ERROR it broke")
    assert "ordinary" not in output
    assert "ordinary" in (home / "logs/chatty.log").read_text()


def test_taken_port_is_refused_with_its_holder(home: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        said = _refusal(home, "--only", "postgres,valkey,prepare,web", "--port", str(port))
    pid = Path("/proc/self").resolve().name
    assert f"Port {port} is already used by pid {pid} (" in said
    assert "--port" in said
    assert not (home / "postgres/data").exists()


def test_unknown_service_is_refused(home: Path) -> None:
    said = _refusal(home, "--only", "postgres,webb")
    assert "There is no service webb. --only takes postgres, valkey, prepare, web," in said


def test_services_without_their_store_are_refused(home: Path) -> None:
    assert "name it in --only too, or set DATABASE_URL" in _refusal(home, "--only", "web,prepare")


def test_terminal_that_went_away_stops_nothing(home: Path) -> None:
    """The pipe that we print into is closed; the services go on and are stopped in order."""
    command = [*stand_ins("ordered"), "--home", str(home), "--until-eof", "--verbose"]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdin
    assert process.stdout
    process.stdout.close()
    diary = home / "run/diary"
    wait_for(lambda: diary.exists() and "start last" in diary.read_text(), "the last start")
    process.stdin.close()
    assert process.wait(PATIENCE_S) == 0
    assert diary.read_text().endswith("stop last\nstop first\n")
