"""Every address of the console, from the URL table: a page that is added is tested without a word."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from django.urls import URLPattern, URLResolver, reverse

from embassy.urls import urlpatterns

UNDER = "console/"


@dataclass(frozen=True)
class Address:
    name: str
    path: str
    needs: frozenset[str]  # names of the ids in it


def every_address(ids: Mapping[str, str]) -> list[Address]:
    console = [entry for entry in urlpatterns if str(entry.pattern) == UNDER]
    return [_address(name, pattern, ids) for name, pattern in _named(console)]


def _named(patterns: "list[URLPattern | URLResolver]", prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            inner = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from _named(pattern.url_patterns, inner)
        else:
            yield f"{prefix}{pattern.name}", pattern


def _address(name: str, pattern: URLPattern, ids: Mapping[str, str]) -> Address:
    short = name.removeprefix("console:")
    needs = {*pattern.pattern.converters, *pattern.pattern.regex.groupindex}
    values = {need: ids.get(f"{short}.{need}", ids.get(need)) for need in needs}
    unknown = sorted(need for need, value in values.items() if value is None)
    assert not unknown, (
        f"The address {name} ({pattern.pattern}) has ids that these tests know no object for: "
        f"{', '.join(unknown)}. Add one to ids_of in tests/console/ids.py."
    )
    return Address(short, reverse(name, kwargs=values), frozenset(needs))
