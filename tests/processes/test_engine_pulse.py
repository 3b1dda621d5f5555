"""An engine that is there and does nothing any more is found out and ended."""

import os
import signal
import subprocess

import pytest

from embassy.engines import pulse
from embassy.engines.models import Engine
from embassy.engines.selectors import client_for
from embassy.engines.states import EngineStatus
from tests.factories.deployments import make_engine
from tests.processes.engine_host import EngineHost, alive, wait_until
from tests.waiting import PATIENCE_S, wait_for

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.processes]


@pytest.fixture
def engine(host: EngineHost) -> Engine:
    engine = make_engine()
    host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    return engine


def test_a_frozen_engine_is_ended_and_due_again(host: EngineHost) -> None:
    engine = make_engine()
    process = host.supervise(engine)
    wait_until(engine, EngineStatus.ACTIVE)
    pid = host.engine_pid()

    os.kill(pid, signal.SIGSTOP)

    assert process.wait(PATIENCE_S) == 0
    assert not alive(pid)
    engine.refresh_from_db()
    assert (engine.status, engine.reason) == (
        EngineStatus.CREATING,
        "The engine runs but no longer answers.",
    )


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pulse, "EVERY_S", 0.0)


@pytest.mark.usefixtures("quick")
class TestPulse:
    def test_a_good_engine_lives(self, host: EngineHost, engine: Engine) -> None:
        beat = pulse.Pulse(client_for(engine), host.engine_pid())
        assert [beat.failure() for _ in range(10)] == [""] * 10

    def test_one_missing_answer_is_nothing(self, host: EngineHost, engine: Engine) -> None:
        beat = pulse.Pulse(client_for(engine), host.engine_pid())
        for _ in range(3):
            host.behave("deaf")
            assert [beat.failure() for _ in range(pulse.SICK_CHECKS - 1)] == [""] * (pulse.SICK_CHECKS - 1)
            host.behave("")
            assert beat.failure() == ""
        host.behave("deaf")
        assert "no longer answers" in [beat.failure() for _ in range(pulse.SICK_CHECKS)][-1]

    def test_a_halted_process_of_it_counts(self, host: EngineHost, engine: Engine) -> None:
        """The core is a process of its own: the server answers without it for a while."""
        core = subprocess.Popen(["sleep", "600"])
        beat = pulse.Pulse(client_for(engine), os.getpid())  # as if we were the server
        with core:
            core.send_signal(signal.SIGSTOP)
            wait_for(lambda: pulse.is_stopped(core.pid), "it is halted")
            assert "no longer answers" in [beat.failure() for _ in range(pulse.SICK_CHECKS)][-1]
            core.kill()

    def test_a_core_that_says_nothing_for_long(
        self, host: EngineHost, engine: Engine, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("embassy.engines.client.HEALTH_S", 0.2)
        monkeypatch.setattr(pulse, "CORE_SILENT_S", 0.5)
        host.behave("stuck")
        beat = pulse.Pulse(client_for(engine), host.engine_pid())

        assert wait_for(beat.failure, "it is found out") == (
            "The engine takes requests but no longer works on them."
        )


def test_processes_that_are_gone_are_not_halted() -> None:
    assert not pulse.is_stopped(2**22 + 1)
