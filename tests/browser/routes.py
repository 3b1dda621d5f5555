"""The addresses of the console that show something, by name, from the URL table."""

from collections.abc import Mapping
from typing import Any

from django.urls import resolve

from tests.console.addresses import every_address


class _Anything(dict[str, str]):
    """Ids of whatever an address names: enough to tell addresses from each other."""

    def get(self, key: str, default: Any = None) -> Any:
        return "1"


def names() -> list[str]:
    return [each.name for each in every_address(_Anything()) if _can_get(each.path)]


def _can_get(path: str) -> bool:
    view = getattr(resolve(path).func, "view_class", None)
    return view is None or (hasattr(view, "get") and "get" in view.http_method_names)


def path_of(name: str, ids: Mapping[str, str]) -> str:
    return next(each.path for each in every_address(ids) if each.name == name)
