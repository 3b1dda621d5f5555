"""How the console shows values."""

from datetime import datetime
from typing import Any

from django import template
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()

COLOURS = {
    "Pending": "azure",
    "Running": "blue",
    "Testing": "purple",
    "Paused": "yellow",
    "Success": "green",
    "Failed": "red",
    "TimedOut": "orange",
    "Cancelled": "secondary",
    "Deploying": "blue",
    "Reactivating": "blue",
    "Deployed": "green",
    "Deactivated": "secondary",
    "Inactive": "secondary",
    "Active": "green",
    "Creating": "blue",
}
MOVING = ("Pending", "Running", "Testing", "Deploying", "Reactivating", "Creating")
PARITY = {
    "passed": ("green", "parity"),
    "failed": ("red", "parity failed"),
    "unchecked": ("secondary", "parity not checked"),
}
METRICS = {
    "f1_macro": "F1, mean of labels",
    "f1_micro": "F1, all together",
    "f1_weighted": "F1, by rows",
    "precision_macro": "Precision, mean of labels",
    "recall_macro": "Recall, mean of labels",
    "mae": "Mean absolute error",
    "rmse": "Root mean square error",
    "r2": "R²",
    "hamming_loss": "Wrong labels",
    "unknown_label": "No known label",
    "unreadable": "No number",
    "empty": "Empty answers",
}
MINUTE, HOUR, DAY = 60, 3600, 86400


@register.simple_tag
def icon(name: str) -> SafeString:
    sprite = static("vendor/tabler-icons.svg")
    return format_html('<svg class="icon" aria-hidden="true"><use href="{}#{}"></use></svg>', sprite, name)


@register.simple_tag
def badge(status: str) -> SafeString:
    """A status with its colour; one that will change by itself has a moving dot."""
    dot = "status-dot status-dot-animated" if status in MOVING else "status-dot"
    return format_html(
        '<span class="status status-{}"><span class="{}"></span>{}</span>',
        COLOURS.get(status, "secondary"),
        dot,
        status,
    )


@register.filter
def duration(seconds: float | None) -> str:
    """`1 h 5 min`, `3 min 20 s`, `4 s`; a dash for None."""
    if seconds is None:
        return "–"
    whole = max(0, round(seconds))
    for size, name, smaller, small_name in (
        (DAY, "d", HOUR, "h"),
        (HOUR, "h", MINUTE, "min"),
        (MINUTE, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // smaller
            return f"{whole // size} {name}" + (f" {rest} {small_name}" if rest else "")
    return f"{whole} s"


@register.filter
def milliseconds(value: float) -> str:
    """`12 ms`, `1.25 s`, `1 min 5 s`."""
    if value < 1000:
        return f"{value:.0f} ms"
    return f"{value / 1000:.2f} s" if value < 60_000 else duration(value / 1000)


@register.filter
def ago(moment: datetime | None) -> str:
    """`5 min ago`; a dash for None."""
    if moment is None:
        return "–"
    seconds = (timezone.now() - moment).total_seconds()
    return "just now" if seconds < 10 else f"{duration(_coarse(seconds))} ago"


@register.filter
def compact(value: Any) -> str:
    """A number without needless digits, on or off, the parts of a list, and anything else as it is."""
    if value is None:
        return "–"
    if isinstance(value, list | tuple):
        return ", ".join(map(compact, value))
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value:g}" if isinstance(value, float) else str(value)


@register.filter
def thousands(value: int) -> str:
    """`1,234,567`."""
    return f"{value:,}"


@register.filter
def score(value: Any) -> str:
    return "–" if value is None else f"{float(value):.3f}"


@register.filter
def signed(value: float) -> str:
    """With its sign, as short as it may be."""
    if not value:
        return "±0"
    return f"{value:+.3f}" if abs(value) < 10 else f"{value:+.4g}"


@register.filter
def significant(value: Any) -> str:
    """Three digits of a number that may be very small."""
    return f"{float(value):.3g}"


@register.filter
def count(value: int) -> str:
    """`950`, `3.5 M`, `8.0 B`."""
    for size, name in ((10**9, "B"), (10**6, "M"), (10**3, "k")):
        if value >= size:
            return f"{value / size:.1f} {name}"
    return str(value)


@register.filter
def short_name(name: str) -> str:
    """A built-in test function without what all their names end with."""
    return name.removesuffix("_shared")


@register.filter
def metric_title(name: str) -> str:
    return METRICS.get(name, name.replace("_", " ").capitalize())


@register.simple_tag
def parity(checkpoint: Any) -> SafeString:
    """Whether the serving engine answers as the trainer did; nothing where nobody has looked yet."""
    record = getattr(checkpoint, "parity", None)
    if not record:
        return SafeString("")
    colour, words = PARITY.get(str(record.get("status")), ("secondary", "parity unknown"))
    return format_html(
        '<span class="badge bg-{}-lt" title="{}">{}</span>', colour, record.get("reason") or "", words
    )


def _coarse(seconds: float) -> float:
    """Nobody wants to know the seconds of something an hour ago."""
    size = next((size for size in (DAY, HOUR, MINUTE) if seconds >= size), 1)
    return seconds // size * size
