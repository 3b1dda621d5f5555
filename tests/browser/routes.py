"""Every address of the console, from the URL table."""

import re
from collections.abc import Iterator

from django.urls import URLPattern, URLResolver, get_resolver

PLACE = re.compile(r"<(?:\w+:)?(\w+)>")


def routes() -> list[str]:
    """Such as `console/projects/<str:project_id>`, without those that only answer a POST."""
    found = _walk(get_resolver().url_patterns, "")
    return sorted({route for route in found if route.startswith("console/")})


def _walk(patterns: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for pattern in patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from _walk(pattern.url_patterns, route)
        elif _can_get(pattern):
            yield route


def _can_get(pattern: URLPattern) -> bool:
    view = getattr(pattern.callback, "view_class", None)
    return view is None or hasattr(view, "get")


def address(route: str, ids: dict[str, str]) -> str:
    """Raises KeyError where `ids` lacks what the route names: add it to seeds.py."""
    return "/" + PLACE.sub(lambda place: ids[place[1]], route)
