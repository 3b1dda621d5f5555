"""Packages that a test function may declare: on the administrator's list, and installed here."""

import re
from collections.abc import Iterable
from functools import cache
from importlib.metadata import Distribution, PackageNotFoundError, distribution

from django.conf import settings

from embassy.platform.errors import InvalidInput


def allowed() -> dict[str, tuple[str, ...]]:
    """Package → the modules that it brings, e.g. scikit-learn → sklearn."""
    names = sorted({canonical(name) for name in settings.SANDBOX_PACKAGES})
    return {name: modules for name in names if (modules := modules_of(name))}


def check(names: Iterable[str]) -> tuple[str, ...]:
    """The packages' proper names, each once; a module's name will do. Raises InvalidInput."""
    known = allowed()
    by_module = {module: name for name, modules in known.items() for module in modules}
    found = []
    for given in names:
        name = canonical(given) if canonical(given) in known else by_module.get(given.strip())
        if name is None:
            raise InvalidInput(
                f"dependencies: {given!r} is not among the packages that test functions may use:"
                f" {', '.join(known) or 'none is allowed here'}.",
                code="unknown_dependency",
            )
        found.append(name)
    return tuple(dict.fromkeys(found))


def modules_for(names: Iterable[str]) -> tuple[str, ...]:
    """What packages bring; one that is not installed any more brings nothing, and its import will fail."""
    return tuple(module for name in names for module in modules_of(canonical(name)))


@cache
def modules_of(name: str) -> tuple[str, ...]:
    """Top-level modules without those that begin with an underscore; empty if it is not installed."""
    try:
        found = distribution(name)
    except PackageNotFoundError:
        return ()
    return tuple(sorted(_modules(found)))


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name.strip()).lower()


def _modules(found: Distribution) -> set[str]:
    modules = set()
    for path in found.files or ():
        if len(path.parts) == 2 and path.name == "__init__.py":
            modules.add(path.parts[0])
        elif len(path.parts) == 1 and path.suffix in (".py", ".so"):
            modules.add(path.name.partition(".")[0])
    return {module for module in modules if module.isidentifier() and not module.startswith("_")}
