"""The form that deploys a checkpoint or a base model."""

from typing import Any

import pytest
from django.test import Client

from embassy.deployments.models import Deployment
from embassy.deployments.schedule import parse_window
from embassy.deployments.services import create_engine
from embassy.engines.models import Engine
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training.models import TrainingJob
from tests.factories.deployments import BASE, make_checkpoint, make_job

HTMX = {"HX-Request": "true"}


@pytest.fixture
def job(project: Project) -> TrainingJob:
    job = make_job(project, name="tickets")
    make_checkpoint(job)
    return job


@pytest.fixture
def address(home: str) -> str:
    return f"{home}/deploy"


@pytest.fixture
def form(job: TrainingJob) -> dict[str, Any]:
    return {"reference": job.public_id, "checkpoint": "1", "name": "helper", "management": "idle"}


def own_engine(actor: Actor, name: str = "ours", **columns: Any) -> Engine:
    engine = create_engine(base_model=BASE, name=name, task_type=None, resource_management=None, actor=actor)
    Engine.objects.filter(pk=engine.pk).update(**columns)
    engine.refresh_from_db()
    return engine


def text(answer: Any, status: int = 200) -> str:
    assert answer.status_code == status, answer.content
    return str(answer.content.decode())


def test_the_form_in_a_dialog_and_as_a_page(member: Client, address: str, job: TrainingJob) -> None:
    query = {"reference": job.public_id, "checkpoint": 1}

    dialog = text(member.get(address, query, headers=HTMX))
    page = text(member.get(address, query))

    assert "<html" not in dialog
    assert 'value="tickets-1"' in dialog
    assert "<html" in page
    assert "Europe/Berlin" in page


def test_deploys_and_goes_to_the_deployment(
    member: Client, home: str, address: str, form: dict[str, Any]
) -> None:
    answer = member.post(address, form | {"minutes": "30"}, headers=HTMX)

    deployment = Deployment.objects.get()
    assert answer.headers["HX-Redirect"] == f"{home}/deployments/{deployment.public_id}"
    assert (deployment.name, deployment.inactive_timeout, deployment.schedule) == ("helper", 1800, None)
    assert deployment.engine.automatic
    assert not deployment.log_requests


def test_by_a_schedule_past_midnight(member: Client, address: str, form: dict[str, Any]) -> None:
    night = {"start_time": "22:00", "end_time": "06:00", "timezone": "Europe/Berlin"}

    answer = member.post(address, form | night | {"management": "schedule", "days": ["friday", "saturday"]})

    assert answer.status_code == 302
    assert Deployment.objects.get().schedule == night | {"days": ["friday", "saturday"]}


def test_always_up(member: Client, address: str, form: dict[str, Any]) -> None:
    member.post(address, form | {"management": "always"})

    window = parse_window(Deployment.objects.get().schedule)
    assert (window.start, len(window.days)) == (window.end, 7)


def test_keeps_requests_only_if_asked(member: Client, address: str, form: dict[str, Any]) -> None:
    member.post(address, form | {"log_requests": "yes", "log_days": "7"})

    deployment = Deployment.objects.get()
    assert (deployment.log_requests, deployment.log_days) == (True, 7)


def test_a_base_model(member: Client, address: str) -> None:
    query = {"reference": BASE, "checkpoint": 0}
    assert f"Deploy {BASE}" in text(member.get(address, query))

    assert member.post(address, {**query, "name": "plain"}).status_code == 302

    assert Deployment.objects.get().training_job is None


def test_nothing_named_yet(member: Client, address: str) -> None:
    assert f'<option value="{BASE}">' in text(member.get(address))
    assert "What is to be deployed?" in text(member.get(address, headers=HTMX))


def test_only_engines_that_fit_are_offered(
    member: Client, address: str, form: dict[str, Any], actor: Actor, outsider: Client
) -> None:
    fits = own_engine(actor)
    own_engine(actor, "too-small", rank=2)
    own_engine(actor, "labels", kind="classify", task_type="classification")
    query = {"reference": form["reference"], "checkpoint": 1}

    page = text(member.get(address, query))

    assert "ours: " in page
    assert "too-small: " not in page
    assert "labels: " not in page
    assert member.post(address, form | {"engine": fits.public_id, "minutes": "x"}).status_code == 302
    assert Deployment.objects.get().engine == fits


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"name": " "}, "Give it one; requests name it as their model."),
        ({"name": "tiny-llama-instruct"}, "means something else already"),
        ({"minutes": "many"}, "Write a number of minutes"),
        ({"minutes": "0.5"}, "must lie between"),
        ({"management": "schedule", "start_time": "8", "end_time": "18:00", "days": "monday"}, "HH:MM"),
        (
            {"management": "schedule", "start_time": "08:00", "end_time": "18:00"},
            "Give at least one of monday",
        ),
        (
            {
                "management": "schedule",
                "start_time": "08:00",
                "end_time": "18:00",
                "days": "monday",
                "timezone": "Mars/Base",
            },
            "is no IANA time zone",
        ),
        ({"log_requests": "yes", "log_days": "x"}, "Write a whole number."),
        ({"log_requests": "yes", "log_days": "366"}, "From 1 to 365 days."),
        ({"engine": "engine-nothing"}, "Choose another one."),
    ],
)
def test_what_is_wrong_is_told_beside_its_field(
    member: Client, address: str, form: dict[str, Any], change: dict[str, str], sentence: str
) -> None:
    page = text(member.post(address, {"name": "kept"} | form | change, headers=HTMX), 422)

    assert sentence in page
    assert not Deployment.objects.exists()


def test_what_was_written_is_kept(member: Client, address: str, form: dict[str, Any]) -> None:
    member.post(address, form)

    page = text(member.post(address, form | {"management": "always", "log_requests": "yes"}), 422)

    assert "You have a deployment named helper already." in page
    assert 'value="helper"' in page
    assert 'value="always" checked' in page


def test_a_failed_parity_check_must_be_forced(
    member: Client, address: str, form: dict[str, Any], job: TrainingJob
) -> None:
    job.checkpoints.update(parity={"status": "failed", "reason": "Tokens differ."})

    refused = text(member.post(address, form), 422)
    assert "Deploy it although its parity check failed" in refused
    assert member.post(address, form | {"force": "yes"}).status_code == 302


def test_what_cannot_be_deployed(member: Client, address: str, job: TrainingJob) -> None:
    assert member.get(address, {"reference": job.public_id, "checkpoint": 9}).status_code == 400
    assert member.get(address, {"reference": "none", "checkpoint": 0}).status_code == 400
    assert member.get(address, {"reference": job.public_id, "checkpoint": "x"}).status_code == 400
    TrainingJob.objects.update(status="Running")
    assert member.get(address, {"reference": job.public_id, "checkpoint": 1}).status_code == 409


def test_a_viewer_deploys_nothing(viewer: Client, address: str, form: dict[str, Any]) -> None:
    assert viewer.get(address, {"reference": form["reference"], "checkpoint": 1}).status_code == 403
    assert viewer.post(address, form).status_code == 403
    assert not Deployment.objects.exists()
