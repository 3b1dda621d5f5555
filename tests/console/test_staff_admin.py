"""The staff admin: for staff alone, to look at, with no secret and no query a row."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from embassy.console.staff_policy import STAFF_POLICY
from embassy.datasets.models import Dataset
from embassy.deployments.models import Deployment, Wake, WakeCause
from embassy.engines.models import Adapter, Engine, EngineRun, Host
from embassy.evaluation.models import TestFunction
from embassy.inference.models import Usage
from embassy.platform.actor import Actor
from embassy.platform.models import Event
from embassy.platform.staff import StaffAdmin
from embassy.projects.models import ApiKey, AuditEvent, Invitation, Membership, Organization, Project, User
from embassy.training.models import Checkpoint, TrainingJob
from tests.console.ids import ids_of
from tests.factories.projects import make_actor, make_project, make_user
from tests.factories.usage import account_for, spend

SHOWN = (
    *(User, Organization, Membership, Project, ApiKey, AuditEvent, Invitation),
    *(Dataset, TestFunction, TrainingJob, Checkpoint),
    *(Engine, Adapter, EngineRun, Host, Deployment, Wake, Usage, Event),
)
REGISTERED = list(admin.site._registry.items())


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("staff@example.com", "a long password"))
    return client


def fill(actor: Actor, project: Project, number: int = 1) -> None:
    """A row, or some, of what staff look at most."""
    ids_of(project, actor)
    engine = Engine.objects.latest("id")
    now = timezone.now()
    EngineRun.objects.create(engine=engine, token=100 + number, host="h", began_at=now)
    Adapter.objects.create(engine=engine, name=f"a{number}", archive_key="k", sha256="0" * 64, rank=4)
    Host.objects.create(name=f"host-{number}", address="127.0.0.1", memory_bytes=1, seen_at=now)
    deployment = Deployment.objects.latest("id")
    Wake.objects.create(deployment=deployment, model="m", cause=WakeCause.CREATED, asked_at=now)
    Event.objects.create(subject="tr-1", kind="trainingjob", target="Running")
    spend(account_for(actor), at=now)


def address_of(model: type[Model], pk: Any = None) -> str:
    base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    return base if pk is None else f"{base}{pk}/change/"


def test_shows_every_model_that_staff_need() -> None:
    assert {*SHOWN} <= {model for model, _ in REGISTERED}


def test_shows_nothing_that_others_registered() -> None:
    """Libraries bring admins of their own: those of sign-ins would show the secrets of second factors."""
    assert all(isinstance(shown, StaffAdmin) for _, shown in REGISTERED)
    assert all(model.__module__.startswith("embassy.") for model, _ in REGISTERED)


@pytest.mark.parametrize("address", ["/admin/", "/admin/projects/user/", "/admin/login/"])
def test_strangers_are_sent_to_the_sign_in(
    stranger: Client, organization: Organization, address: str
) -> None:
    answer = stranger.get(address, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/console/sign-in?next=/admin/")


def test_an_owner_of_an_organization_is_no_staff(owner: Client) -> None:
    for model, _ in REGISTERED:
        answer = owner.get(address_of(model), follow=True)
        assert answer.status_code == 403, model


def test_staff_who_were_shut_out_are_strangers(staff: Client) -> None:
    User.objects.update(is_active=False)
    assert staff.get("/admin/").status_code == 302


def test_every_page_opens(staff: Client, actor: Actor, project: Project) -> None:
    fill(actor, project)
    assert staff.get("/admin/").status_code == 200
    for model, shown in REGISTERED:
        assert staff.get(address_of(model)).status_code == 200, model
        assert staff.get(address_of(model), {"q": "x"}).status_code == 200, model
        row = shown.get_queryset(None).first()  # type: ignore[arg-type]
        if row is not None:
            assert staff.get(address_of(model, row.pk)).status_code == 200, model


def test_no_page_shows_a_secret(staff: Client, actor: Actor, project: Project) -> None:
    fill(actor, project)
    secrets = [
        *ApiKey.objects.values_list("digest", flat=True),
        *User.objects.values_list("password", flat=True),
        *Invitation.objects.values_list("digest", flat=True),
        Engine.objects.latest("id").api_key,
    ]
    assert len(secrets) > 3
    for model, shown in REGISTERED:
        pages = [staff.get(address_of(model)).content.decode()]
        for row in shown.get_queryset(None)[:3]:  # type: ignore[arg-type]
            pages.append(staff.get(address_of(model, row.pk)).content.decode())
        for page in pages:
            assert not [secret for secret in secrets if secret in page], model


def test_nothing_can_be_added_deleted_or_given_another_status(
    staff: Client, actor: Actor, project: Project
) -> None:
    fill(actor, project)
    for model, shown in REGISTERED:
        assert staff.get(f"{address_of(model)}add/").status_code == 403, model
        row = shown.get_queryset(None).first()  # type: ignore[arg-type]
        if row is None or model is User:
            continue
        before = model._default_manager.filter(pk=row.pk).values()[0]
        assert staff.post(address_of(model, row.pk), {"status": "Success", "name": "x"}).status_code == 403
        assert staff.post(f"{address_of(model)}{row.pk}/delete/", {"post": "yes"}).status_code == 403
        delete = {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"}
        staff.post(address_of(model), delete)
        assert model._default_manager.filter(pk=row.pk).values()[0] == before, model


def test_a_superuser_shuts_somebody_out_and_changes_nothing_else(staff: Client) -> None:
    user = make_user(email="somebody@example.com")
    form = {"email": "other@example.com", "is_superuser": "on", "password": "x", "is_staff": "on"}
    assert staff.post(address_of(User, user.pk), form).status_code == 302
    changed = User.objects.get(pk=user.pk)
    assert (changed.is_active, changed.is_staff) == (False, True)
    assert (changed.email, changed.is_superuser) == ("somebody@example.com", False)
    assert changed.password == user.password


def test_superusers_cannot_shut_themselves_out_and_staff_change_nobody(staff: Client) -> None:
    me = User.objects.get(email="staff@example.com")
    staff.post(address_of(User, me.pk), {})
    assert User.objects.get(pk=me.pk).is_active

    helper = make_user()
    User.objects.filter(pk=helper.pk).update(is_staff=True)
    client = Client()
    client.force_login(User.objects.get(pk=helper.pk))
    assert client.get(address_of(User, me.pk)).status_code == 200
    assert client.post(address_of(User, me.pk), {}).status_code == 403


def test_more_rows_cost_no_more_queries(staff: Client, actor: Actor, project: Project) -> None:
    fill(actor, project)
    before = _queries(staff)
    for number in range(2, 5):
        other = make_actor()
        fill(other, make_project(other), number)
    after = _queries(staff)
    assert {model: count for model, count in after.items() if count > before[model]} == {}
    assert max(after.values()) <= 10


def _queries(staff: Client) -> dict[str, int]:
    counts = {}
    for model, _ in REGISTERED:
        with CaptureQueriesContext(connection) as queries:
            staff.get(address_of(model))
        counts[model.__name__] = len(queries)
    return counts


def test_has_a_policy_of_its_own_and_the_console_keeps_the_strict_one(staff: Client) -> None:
    policy = staff.get("/admin/").headers["Content-Security-Policy"]
    assert policy == STAFF_POLICY
    assert "script-src 'self' 'unsafe-eval';" in policy
    assert "unsafe" not in staff.get("/console/").headers.get("Content-Security-Policy", "")
    assert staff.get("/admin/").headers["Cache-Control"] == "no-store"
