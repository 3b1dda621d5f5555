"""Pure: which host takes which engine, and what those that must wait are waiting for."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from embassy.engines.sizing import Need

# So long (seconds) small engines may pass a bigger one that waits; then the room it waits for is kept for it.
PASS_FOR = 30.0
# Of a GPU's memory, what engines may take in all.
GPU_SHARE = 0.92

GB = 1000**3


@dataclass(frozen=True)
class Gpu:
    """Bytes: all that engines may take, and what of it is free."""

    index: int
    total: int
    free: int


@dataclass(frozen=True)
class Room:
    """What a host has for engines: its own memory in bytes, or that of its GPUs, and places to run them.

    A host that is lost is known, so that what fits nowhere else waits for it, and takes nothing.
    """

    host: str
    total: int
    free: int
    slots: int
    free_slots: int
    gpus: tuple[Gpu, ...] = ()
    lost: bool = False

    def emptied(self) -> "Room":
        gpus = tuple(replace(gpu, free=gpu.total) for gpu in self.gpus)
        return replace(self, free=self.total, free_slots=self.slots, gpus=gpus, lost=False)


@dataclass(frozen=True)
class Seat:
    """A place for one engine: `need` bytes in all on the host, or on these GPUs."""

    host: str
    need: int
    gpus: tuple[int, ...] = ()


@dataclass(frozen=True)
class Ask:
    """An engine that wants to run. `waited` is in seconds; no need means that nothing is known of it."""

    pk: int
    need: Need
    waited: float = 0.0


@dataclass(frozen=True)
class Wait:
    """`position` counts from 1; `host` is the one where least is lacking."""

    position: int
    host: str
    reason: str


@dataclass(frozen=True)
class Never:
    reason: str


@dataclass(frozen=True)
class Spare:
    """An engine that can be done without, and the seat that it would give back."""

    pk: int
    seat: Seat


Answer = Seat | Wait | Never


def plan(asks: Iterable[Ask], rooms: Sequence[Room]) -> dict[int, Answer]:
    """An answer for each, first come, first served; who fits may pass those that do not, but not for ever."""
    left = {room.host: room for room in rooms}
    kept: dict[str, int] = {}  # hosts, by the position of the engine that they are kept for
    answers: dict[int, Answer] = {}
    position = 0
    for ask in asks:
        if not any(seat_in(ask.need, room.emptied()) for room in rooms):
            answers[ask.pk] = Never(too_big(ask.need, rooms))
            continue
        seat = best_seat(ask.need, (room for room in left.values() if room.host not in kept))
        if seat is not None:
            left[seat.host] = taken(left[seat.host], seat)
            answers[ask.pk] = seat
            continue
        position += 1
        nearest = nearest_room(ask.need, left.values())
        answers[ask.pk] = Wait(position, nearest.host, reason(ask.need, nearest, position, kept))
        if position == 1 and ask.waited >= PASS_FOR:
            kept[nearest.host] = position
    return answers


def best_seat(need: Need, rooms: Iterable[Room]) -> Seat | None:
    """On the host with the largest part of its memory free."""
    fitting = [(room, seat) for room in rooms if (seat := seat_in(need, room)) is not None]
    if not fitting:
        return None
    return min(fitting, key=lambda pair: (-free_part(pair[0]), pair[0].host))[1]


def seat_in(need: Need, room: Room) -> Seat | None:
    if room.lost or room.free_slots < 1:
        return None
    if room.gpus:
        return _gpu_seat(need, room)
    return Seat(room.host, need.host) if need.host <= room.free else None


def holds(room: Room, seat: Seat) -> bool:
    """Whether the seat's own GPUs have its memory free."""
    each = seat.need // max(1, len(seat.gpus))
    free = {gpu.index: gpu.free for gpu in room.gpus}
    return all(free.get(index, 0) >= each for index in seat.gpus)


def taken(room: Room, seat: Seat) -> Room:
    """The room without the seat."""
    room = replace(room, free_slots=room.free_slots - 1)
    if not seat.gpus:
        return replace(room, free=room.free - seat.need) if not room.gpus else room
    each = seat.need // len(seat.gpus)
    gpus = (replace(gpu, free=gpu.free - each) if gpu.index in seat.gpus else gpu for gpu in room.gpus)
    return replace(room, gpus=tuple(gpus))


def given_back(room: Room, seat: Seat) -> Room:
    """The room with what the seat took."""
    back = replace(seat, need=-seat.need)
    return replace(taken(room, back), free_slots=room.free_slots + 1)


def fewest(need: Need, room: Room, spares: Sequence[Spare]) -> list[Spare] | None:
    """Those to stop so that the room takes it, the first of `spares` rather than the last.

    None: stopping all would not help. Empty: it fits as it is.
    """
    chosen: list[Spare] = []
    for spare in spares:
        if seat_in(need, room):
            break
        room = given_back(room, spare.seat)
        chosen.append(spare)
    if not seat_in(need, room):
        return None
    for spare in reversed(chosen):  # a small one in front may turn out not to be needed
        without = taken(room, spare.seat)
        if seat_in(need, without):
            room = without
            chosen.remove(spare)
    return chosen


def nearest_room(need: Need, rooms: Iterable[Room]) -> Room:
    """Of those that could take it when empty, the one where least is lacking; a lost one is the last."""
    able = [room for room in rooms if seat_in(need, room.emptied())]
    return min(able, key=lambda room: (room.lost, wanted(need, room) - most_free(room), room.host))


def free_part(room: Room) -> float:
    total, free = (
        (sum(gpu.total for gpu in room.gpus), sum(gpu.free for gpu in room.gpus))
        if room.gpus
        else (room.total, room.free)
    )
    return free / total if total else 0.0


def wanted(need: Need, room: Room) -> int:
    """Bytes that it takes there: of the host's memory, or on each of its GPUs."""
    if not room.gpus:
        return need.host
    return need.on_gpus(_gpu_count(need, room) or need.gpu_counts()[-1])


def most_free(room: Room) -> int:
    return max((gpu.free for gpu in room.gpus), default=0) if room.gpus else room.free


def most(room: Room) -> int:
    return max((gpu.total for gpu in room.gpus), default=0) if room.gpus else room.total


def reason(need: Need, room: Room, position: int, kept: Mapping[str, int]) -> str:
    """What it waits for, as a sentence."""
    return f"{ordinal(position)} in the queue: {_lacking(need, room, kept)}."


def too_big(need: Need, rooms: Sequence[Room]) -> str:
    """Why it will never run here."""
    room = max(rooms, key=most)
    if not room.slots:
        return "No engine worker may run an engine: EMBASSY_ENGINE_SLOTS is 0."
    if room.gpus:
        needs, has = "of GPU memory", "on a GPU. Start an engine worker on a host with larger or more GPUs."
    else:
        needs = "of memory"
        has = "for engines. Start an engine worker on a larger host, or raise EMBASSY_ENGINE_MEMORY there."
    needed, there = gb(wanted(need, room)), gb(most(room))
    return f"It needs {needed} {needs}; the largest host, {room.host}, has {there} {has}"


def gb(number: int) -> str:
    """Bytes for people: 0.4 GB, 12 GB."""
    figure = number / GB
    text = f"{figure:.0f}" if figure >= 10 else f"{figure:.1f}".removesuffix(".0")
    return f"{text} GB"


def ordinal(number: int) -> str:
    ending = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"


def _lacking(need: Need, room: Room, kept: Mapping[str, int]) -> str:
    if room.lost:
        return f"only host {room.host} is large enough, and nothing has been heard of it for a while"
    if room.free_slots < 1:
        count = f"{room.slots} engine{'s' if room.slots != 1 else ''}"
        return f"host {room.host} runs {count}, as many as EMBASSY_ENGINE_SLOTS allows there"
    if room.host in kept:
        return f"the memory of host {room.host} is kept for the {ordinal(kept[room.host])}, which needs more"
    what, where = (" of GPU memory", " on a GPU") if room.gpus else ("", "")
    free, total = gb(max(0, most_free(room))), gb(most(room))
    return f"needs {gb(wanted(need, room))}{what}, host {room.host} has {free} free of {total}{where}"


def _gpu_seat(need: Need, room: Room) -> Seat | None:
    """On the emptiest GPUs; over more than one only if no single one could ever hold it."""
    count = _gpu_count(need, room)
    if count is None:
        return None
    each = need.on_gpus(count)
    free = [gpu for gpu in sorted(room.gpus, key=lambda gpu: (-gpu.free, gpu.index)) if gpu.free >= each]
    if len(free) < count:
        return None
    return Seat(room.host, each * count, tuple(sorted(gpu.index for gpu in free[:count])))


def _gpu_count(need: Need, room: Room) -> int | None:
    for count in need.gpu_counts():
        if sum(gpu.total >= need.on_gpus(count) for gpu in room.gpus) >= count:
            return count
    return None
