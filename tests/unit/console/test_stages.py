"""How far a job is, in the stages that its page shows."""

from datetime import UTC, datetime
from typing import Any

import pytest

from embassy.console.presenters.stages import stages_of
from embassy.training.models import JobEvent, TrainingJob

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def job(**columns: Any) -> TrainingJob:
    return TrainingJob(test_rows=5, attempts=1, **columns)


@pytest.mark.parametrize(
    ("columns", "attempt", "states"),
    [
        ({"status": "Pending"}, None, "now next next next"),
        ({"status": "Paused", "started_at": NOW}, 1, "now next next next"),
        ({"status": "Running", "started_at": NOW}, None, "done now next next"),
        ({"status": "Running", "started_at": NOW}, 0, "done now next next"),  # a step of an earlier attempt
        ({"status": "Running", "started_at": NOW}, 1, "done done now next"),
        ({"status": "Testing", "started_at": NOW, "trained_at": NOW}, 1, "done done done now"),
        ({"status": "Success", "started_at": NOW, "trained_at": NOW}, 1, "done done done done"),
        ({"status": "Failed", "started_at": NOW}, 1, "done done failed next"),
        ({"status": "Cancelled"}, None, "failed next next next"),
    ],
)
def test_stages(columns: dict[str, Any], attempt: int | None, states: str) -> None:
    step = None if attempt is None else JobEvent(kind="step", attempt=attempt)

    stages = stages_of(job(**columns), step)

    assert " ".join(stage.state for stage in stages) == states
    assert stages[-1].name == "Testing"


def test_without_test_rows_parity_alone_is_checked() -> None:
    assert stages_of(TrainingJob(status="Pending"), None)[-1].name == "Checking"
