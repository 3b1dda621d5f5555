import pytest

from embassy.evaluation import source
from embassy.evaluation.builtin.table import BUILT_IN
from embassy.evaluation.functions import BuiltIn
from embassy.evaluation.packages import modules_for

GOOD = "def f(input_text, expected_output, predicted_output):\n    return 1.0\n"
TYPED = (
    "import json\n"
    "LIMIT = 3\n"
    "def _helper(x):\n    yield x\n"
    "class Thing:\n    pass\n"
    "def f(input_text: str, expected_output: str, predicted_output: str) -> float:\n"
    "    def inner():\n        return None\n"
    "    return float(LIMIT)\n"
)


def problems(text: str, *, name: str | None = None, modules: tuple[str, ...] = ()) -> list[str]:
    return [str(problem) for problem in source.check(text, name=name, modules=modules).problems]


@pytest.mark.parametrize("text", [GOOD, TYPED])
def test_good_source_is_named_after_its_function(text: str) -> None:
    report = source.check(text, name=None, modules=())
    assert (report.name, report.problems) == ("f", ())


@pytest.mark.parametrize("function", BUILT_IN, ids=lambda function: function.name)
def test_every_built_in_function_could_be_a_users(function: BuiltIn) -> None:
    modules = modules_for(function.dependencies)
    report = source.check(function.content, name=function.name, modules=modules)
    assert report.problems == ()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("def f(input_text, expected_output\n", "line 1: '(' was never closed"),
        ("x = 1\n\ndef f(:\n", "line 3: invalid syntax"),
        ("\0", "source code string cannot contain null bytes"),
        (
            "x = 1",
            "it defines no function; write `def my_function(input_text, expected_output, predicted_output):`",
        ),
        (GOOD.replace("expected_output, ", ""), "line 1: the function must take exactly (input_text,"),
        (
            GOOD.replace("input_text, expected_output", "expected_output, input_text"),
            "line 1: the function must take",
        ),
        (
            GOOD.replace("predicted_output)", "predicted_output, *more)"),
            "line 1: the function must take exactly",
        ),
        (GOOD.replace("predicted_output)", "predicted_output, *, more=1)"), "line 1: the function must take"),
        ("async " + GOOD, "line 1: the function must not be async"),
        (GOOD.replace("return", "yield"), "line 1: the function must return its score, not yield it"),
        (GOOD.replace("return 1.0", "pass"), "line 1: the function never returns a score"),
        (GOOD.replace("return 1.0", "return"), "line 1: the function never returns a score"),
        (GOOD.replace("):", ") -> str:"), "line 1: the function must return float, not str"),
        (
            GOOD + GOOD.replace("def f", "def g"),
            "line 3: there must be one public function; let the name of g",
        ),
        ("import numpy\n" + GOOD, "line 1: the module numpy is neither in the standard library nor"),
        (
            GOOD.replace("return", "import requests.sessions; return"),
            "line 2: the module requests is neither",
        ),
        ("from . import x\n" + GOOD, "line 1: the module . is neither"),
        (GOOD.replace("def f", "def größe"), "line 1: the name must be of ASCII letters"),
        (GOOD.replace("def f", "def f" + "f" * 64), "line 1: the name must be of ASCII letters"),
        ("x" * (source.MAX_CHARACTERS + 1), "it is longer than 65536 characters"),
    ],
)
def test_problem_is_told_with_its_line(text: str, problem: str) -> None:
    [found, *_] = problems(text)
    assert found.startswith(problem)


@pytest.mark.parametrize("text", ["(" * 10000, "-" * 60000 + "1", "x" + "[0]" * 20000, "1" + "+1" * 30000])
def test_deep_nesting_is_a_problem_and_no_crash(text: str) -> None:
    assert problems(text)


def test_long_sum_is_fine() -> None:
    assert problems(GOOD.replace("1.0", "1" + "+1" * 900)) == []


def test_name_must_be_the_one_that_is_asked_for() -> None:
    assert problems(GOOD, name="other") == ["line 1: the function is called f, not other"]


def test_declared_modules_may_be_imported() -> None:
    assert problems("import numpy.linalg\n" + GOOD, modules=("numpy",)) == []


def test_all_problems_are_told_in_the_order_of_lines() -> None:
    text = "import one\n" + GOOD.replace("return 1.0", "import two")
    assert [problem.split(":")[0] for problem in problems(text)] == ["line 1", "line 2", "line 3"]
