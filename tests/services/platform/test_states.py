"""The one function that moves a status, tried on a table of its own through a real model."""

import threading
from collections.abc import Iterator

import pytest
from django.db import connection, models
from django.db.models import F

from embassy.platform import leases
from embassy.platform.models import Event, Leased
from embassy.platform.states import StateMachine

MACHINE = StateMachine(
    {
        "waiting": frozenset({"working", "cancelled"}),
        "working": frozenset({"done", "waiting", "cancelled"}),
        "done": frozenset(),
        "cancelled": frozenset(),
    }
)


class Chore(Leased):
    public_id = models.CharField(max_length=20, default="ch-1")
    status = models.CharField(max_length=20, default="waiting")

    class Meta:
        app_label = "platform"
        managed = False


@pytest.fixture
def chore(transactional_db: None) -> Iterator[Chore]:
    with connection.schema_editor() as editor:
        editor.create_model(Chore)
    yield Chore.objects.create()
    with connection.schema_editor() as editor:
        editor.delete_model(Chore)


def test_every_pair_is_allowed_or_refused_by_the_table(chore: Chore) -> None:
    for source in MACHINE.states:
        for target in MACHINE.states:
            Chore.objects.update(status=source)
            moved = MACHINE.transition(chore, target)
            assert moved is (target in MACHINE.moves[source]), (source, target)
            assert chore.__class__.objects.get().status == (target if moved else source)


def test_a_move_writes_its_event_and_a_refusal_writes_none(chore: Chore) -> None:
    MACHINE.transition(chore, "working", reason="claimed", data={"attempt": 1})
    MACHINE.transition(chore, "working")

    event = Event.objects.get(subject="ch-1")
    assert (event.source, event.target, event.reason, event.data) == (
        "waiting",
        "working",
        "claimed",
        {"attempt": 1},
    )


def test_one_of_many_claims_wins(chore: Chore) -> None:
    wins: list[bool] = []
    barrier = threading.Barrier(6)

    def claim() -> None:
        try:
            barrier.wait(10)
            row = Chore.objects.get(pk=chore.pk)
            wins.append(MACHINE.transition(row, "working", changes=leases.claim_changes()))
        finally:
            connection.close()

    threads = [threading.Thread(target=claim) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(wins) == [False] * 5 + [True]
    assert Chore.objects.get().lease_token == 1
    assert Event.objects.filter(subject="ch-1").count() == 1


def test_a_fenced_owner_changes_nothing(chore: Chore) -> None:
    MACHINE.transition(chore, "working", changes=leases.claim_changes())
    token = chore.lease_token
    Chore.objects.update(lease_token=F("lease_token") + 1)  # somebody else took over

    assert not leases.renew(chore, token=token)
    assert not MACHINE.transition(chore, "done", where={"lease_token": token})
    assert Chore.objects.get().status == "working"


def test_expired_and_dead_leases_are_found(chore: Chore) -> None:
    MACHINE.transition(chore, "working", changes=leases.claim_changes())
    assert not leases.expired(Chore.objects.all()).exists()
    assert leases.owned_by_dead_process(Chore.objects.all()) == []

    host = chore.lease_owner.rpartition(":")[0]
    Chore.objects.update(lease_owner=f"{host}:4194305", lease_until="2020-01-01T00:00:00Z")
    assert [row.pk for row in leases.expired(Chore.objects.all())] == [chore.pk]
    assert [row.pk for row in leases.owned_by_dead_process(Chore.objects.all())] == [chore.pk]
