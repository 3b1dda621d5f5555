"""What is left of the limits, in the headers that OpenAI's clients know."""

from functools import cache

from embassy.inference.limits.bucket import Bucket

Headers = list[tuple[bytes, bytes]]


def headers_of(name: bytes, bucket: Bucket, now: float) -> Headers:
    """`name` is requests or tokens."""
    limit, remaining, reset = _names(name)
    return [
        (limit, b"%d" % bucket.per_minute),
        (remaining, b"%d" % bucket.remaining(now)),
        (reset, duration(bucket.backlog(now)).encode()),
    ]


@cache
def _names(name: bytes) -> tuple[bytes, bytes, bytes]:
    return b"x-ratelimit-limit-" + name, b"x-ratelimit-remaining-" + name, b"x-ratelimit-reset-" + name


def duration(seconds: float) -> str:
    """As OpenAI writes it: 0s, 20ms, 1.5s, 6m0s, 1h0m30s."""
    milliseconds = round(seconds * 1000)
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, left = divmod(milliseconds, 60_000)
    text = f"{left / 1000:g}s"
    if not minutes:
        return text
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{text}" if hours else f"{minutes}m{text}"
