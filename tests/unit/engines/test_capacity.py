"""Which host takes which engine, and what the others are told."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embassy.engines.capacity import (
    GB,
    PASS_FOR,
    Ask,
    Gpu,
    Never,
    Room,
    Seat,
    Spare,
    Wait,
    fewest,
    given_back,
    plan,
    seat_in,
    taken,
)
from embassy.engines.sizing import Need


def need(gigabytes: float, *, heads: int = 8) -> Need:
    size = int(gigabytes * GB)
    return Need(host=size, split=size, each=GB, heads=heads)


def room(name: str = "a", *, total: float = 12, free: float | None = None, slots: int = 16) -> Room:
    left = total if free is None else free
    return Room(name, int(total * GB), int(left * GB), slots, slots)


def gpu_room(*free: float, total: float = 24, name: str = "g") -> Room:
    gpus = tuple(Gpu(index, total * GB, int(amount * GB)) for index, amount in enumerate(free))
    return Room(name, 0, 0, 16, 16, gpus)


def answer(asks: list[Ask], rooms: list[Room]) -> list[Seat | Wait | Never]:
    return list(plan(asks, rooms).values())


def test_emptiest_host_takes_it() -> None:
    asks = [Ask(number, need(1)) for number in range(4)]
    seats = answer(asks, [room("a", total=4), room("b", total=12)])
    assert [seat.host for seat in seats if isinstance(seat, Seat)] == ["a", "b", "b", "b"]


def test_equal_hosts_share_them_out() -> None:
    asks = [Ask(number, need(1)) for number in range(4)]
    seats = answer(asks, [room("a"), room("b")])
    assert [seat.host for seat in seats if isinstance(seat, Seat)] == ["a", "b", "a", "b"]


def test_who_must_wait_hears_the_place_and_what_is_lacking() -> None:
    rooms = [room(free=0.4)]
    first, second = answer([Ask(1, need(2)), Ask(2, need(1.2))], rooms)
    assert first == Wait(1, "a", "1st in the queue: needs 2 GB, host a has 0.4 GB free of 12 GB.")
    assert second == Wait(2, "a", "2nd in the queue: needs 1.2 GB, host a has 0.4 GB free of 12 GB.")


def test_slots_are_a_limit_too() -> None:
    (said,) = answer([Ask(1, need(1))], [replace(room(), free_slots=0)])
    assert isinstance(said, Wait)
    assert said.reason == (
        "1st in the queue: host a runs 16 engines, as many as EMBASSY_ENGINE_SLOTS allows there."
    )


def test_what_fits_nowhere_is_told_so_at_once() -> None:
    said, fits = answer(
        [Ask(1, need(40)), Ask(2, need(1))], [room("a", free=0.4, total=12), room("b", total=8)]
    )
    assert isinstance(said, Never)
    assert "needs 40 GB of memory; the largest host, a, has 12 GB for engines" in said.reason
    assert isinstance(fits, Seat)


def test_small_one_passes_a_big_one_but_not_for_ever() -> None:
    rooms = [room(free=4)]
    big, small = answer([Ask(1, need(8)), Ask(2, need(1))], rooms)
    assert isinstance(big, Wait)
    assert isinstance(small, Seat)

    big, small = answer([Ask(1, need(8), waited=PASS_FOR), Ask(2, need(1))], rooms)
    assert isinstance(big, Wait)
    assert isinstance(small, Wait)
    assert small.reason == "2nd in the queue: the memory of host a is kept for the 1st, which needs more."


def test_other_hosts_are_not_kept_for_it() -> None:
    big, small = answer(
        [Ask(1, need(8), waited=PASS_FOR), Ask(2, need(1))], [room(free=4), room("b", total=4)]
    )
    assert isinstance(big, Wait)
    assert small == Seat("b", GB)


def test_lost_host_takes_nothing_but_may_come_back() -> None:
    lost = replace(room("b", total=50), lost=True)
    (said,) = answer([Ask(1, need(40))], [room(), lost])
    assert isinstance(said, Wait)
    assert "only host b is large enough" in said.reason
    assert answer([Ask(1, need(1))], [room(), lost]) == [Seat("a", GB)]


def test_unknown_need_only_takes_a_slot() -> None:
    assert answer([Ask(1, Need(0, 0, 0))], [room(free=0)]) == [Seat("a", 0)]


# --- GPUs -----------------------------------------------------------------------------------------


def test_gpu_with_most_free_memory_takes_it() -> None:
    assert seat_in(need(10), gpu_room(8, 20, 24)) == Seat("g", 11 * GB, (2,))


def test_model_larger_than_a_gpu_is_split() -> None:
    assert seat_in(need(40), gpu_room(24, 10, 24, 24)) == Seat("g", 42 * GB, (0, 2))
    assert seat_in(need(60), gpu_room(24, 24, 24, 24)) == Seat("g", 64 * GB, (0, 1, 2, 3))


def test_model_is_not_split_for_want_of_patience() -> None:
    (said,) = answer([Ask(1, need(20))], [gpu_room(12, 12)])
    assert isinstance(said, Wait)
    assert said.reason == (
        "1st in the queue: needs 21 GB of GPU memory, host g has 12 GB free of 24 GB on a GPU."
    )


def test_heads_decide_over_how_many_it_can_be_split() -> None:
    assert isinstance(answer([Ask(1, need(40, heads=7))], [gpu_room(24, 24)])[0], Never)


def test_seats_on_one_gpu_add_up() -> None:
    seats = answer([Ask(number, need(9)) for number in range(5)], [gpu_room(24, 24)])
    assert [seat.gpus for seat in seats if isinstance(seat, Seat)] == [(0,), (1,), (0,), (1,)]
    assert isinstance(seats[4], Wait)


# --- What always holds ----------------------------------------------------------------------------

ROOMS = st.builds(
    lambda name, total, part, slots, used: replace(
        room(name, total=total, free=total * part, slots=slots), free_slots=max(0, slots - used)
    ),
    st.sampled_from("abc"),
    st.integers(1, 30),
    st.floats(0, 1),
    st.integers(1, 6),
    st.integers(0, 6),
)
ASKS = st.lists(st.tuples(st.floats(0.1, 40), st.floats(0, 100)), max_size=12)


@given(st.lists(ROOMS, min_size=1, max_size=3, unique_by=lambda room: room.host), ASKS)
def test_no_room_is_given_away_twice_and_positions_count_up(
    rooms: list[Room], asks: list[tuple[float, float]]
) -> None:
    answers = plan([Ask(number, need(size), waited) for number, (size, waited) in enumerate(asks)], rooms)
    assert list(answers) == list(range(len(asks)))
    for one in rooms:
        seats = [seat for seat in answers.values() if isinstance(seat, Seat) and seat.host == one.host]
        assert sum(seat.need for seat in seats) <= one.free
        assert len(seats) <= one.free_slots
    waits = [said for said in answers.values() if isinstance(said, Wait)]
    assert [said.position for said in waits] == list(range(1, len(waits) + 1))


@given(ROOMS, st.floats(0.1, 10))
def test_what_is_given_back_is_free_again(one: Room, size: float) -> None:
    seat = Seat(one.host, need(size).host)
    assert given_back(taken(one, seat), seat) == one


@pytest.mark.parametrize("free", [(24, 10), (3, 3)])
def test_gpus_given_back_are_free_again(free: tuple[float, ...]) -> None:
    one = gpu_room(*free)
    seat = Seat("g", 4 * GB, (0, 1))
    assert given_back(taken(one, seat), seat) == one


# --- Making room ----------------------------------------------------------------------------------


def spares(*sizes: float) -> list[Spare]:
    return [Spare(number, Seat("a", int(size * GB))) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("free", "sizes", "stopped"),
    [
        (0, (2, 2, 2), [0]),  # the first that helps
        (0, (1, 2, 2), [1]),  # a small one in front is spared if it is not needed
        (0, (1, 1, 1), [0, 1]),
        (1, (1, 2), [0]),
        (0, (1, 0.5), None),  # in vain
        (2, (1, 1), []),  # it fits as it is
    ],
)
def test_no_more_is_stopped_than_needed(
    free: float, sizes: tuple[float, ...], stopped: list[int] | None
) -> None:
    chosen = fewest(need(2), room(free=free), spares(*sizes))
    assert (None if chosen is None else [spare.pk for spare in chosen]) == stopped


def test_a_slot_may_be_all_that_is_lacking() -> None:
    chosen = fewest(need(2), replace(room(), free_slots=0), spares(0.1, 3))
    assert [spare.pk for spare in chosen or []] == [0]
