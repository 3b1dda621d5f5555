"""One limit of one key, as the time at which it is used up no more. Pure."""

PERIOD_S = 60.0
# A sum of many fractions may miss its mark by this much.
TOLERANCE_S = 1e-6


class Bucket:
    """Holds `per_minute` units and leaks as many in a minute (the generic cell rate algorithm).

    All that is kept of what was put in is when the bucket will be empty, so that time needs no counting. More
    may be put in than it holds: a debt, which has to leak out too. `now` is seconds on any one clock that
    never goes back. `unshared` is what other processes have not been told of, in seconds of leaking.
    """

    __slots__ = ("_empty_at", "_unshared", "per_minute")

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._empty_at = 0.0
        self._unshared = 0.0

    def backlog(self, now: float) -> float:
        """Seconds until it is empty."""
        left = self._empty_at - now
        return left if left > 0.0 else 0.0

    def wait(self, now: float) -> float:
        """Seconds until one more unit fits; 0: it fits now."""
        missing = self.backlog(now) + PERIOD_S / self.per_minute - PERIOD_S
        return missing if missing > TOLERANCE_S else 0.0

    def remaining(self, now: float) -> int:
        """How many units fit now."""
        room = PERIOD_S - self.backlog(now) + TOLERANCE_S
        return max(0, int(room * self.per_minute / PERIOD_S))

    def put(self, now: float, units: float) -> None:
        seconds = units * PERIOD_S / self.per_minute
        self._empty_at = max(now, self._empty_at) + seconds
        self._unshared += seconds

    def take_unshared(self, now: float) -> float:
        """What to tell the others. What has leaked out meanwhile is nobody's business any more."""
        unshared, self._unshared = min(self._unshared, self.backlog(now)), 0.0
        return unshared

    def give_back(self, unshared: float) -> None:
        """The others could not be told."""
        self._unshared += unshared

    def learn(self, now: float, backlog: float) -> None:
        """All processes together, with what they were told of ours, are so many seconds from empty.

        Never less strict than before: whoever keeps the sum may have lost its memory.
        """
        self._empty_at = max(self._empty_at, now + backlog + self._unshared)
