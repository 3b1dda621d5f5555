import pytest
from pytest_django import Settings

from embassy.evaluation import packages
from embassy.platform.errors import InvalidInput


def test_only_what_is_listed_and_installed_is_allowed(settings: Settings) -> None:
    settings.SANDBOX_PACKAGES = ["Scikit_Learn", "rapidfuzz", "no-such-package-here"]

    assert packages.allowed() == {"rapidfuzz": ("rapidfuzz",), "scikit-learn": ("sklearn",)}


def test_names_become_the_proper_ones() -> None:
    assert packages.check(["Scikit_Learn", "sklearn", " numpy"]) == ("scikit-learn", "numpy")
    assert packages.modules_for(["scikit-learn", "python-dateutil"]) == ("sklearn", "dateutil")


@pytest.mark.parametrize("name", ["requests", "numpy==2.0", "", "../numpy", "torch"])
def test_another_one_is_refused_with_those_that_may_be_used(name: str, settings: Settings) -> None:
    settings.SANDBOX_PACKAGES = ["numpy", "regex"]

    with pytest.raises(InvalidInput, match="numpy, regex") as raised:
        packages.check([name])
    assert raised.value.code == "unknown_dependency"
