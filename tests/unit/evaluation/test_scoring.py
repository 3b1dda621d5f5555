from embassy.evaluation import scoring
from embassy.evaluation.builtin.table import BUILT_IN
from embassy.evaluation.functions import BuiltIn, Row

ROWS = [Row("q", "1", "1"), Row("q", "2", "x"), Row("q", "0", "0")]


def fragile(input_text: str, expected_output: str, predicted_output: str) -> float:
    return 1 / int(predicted_output)


def endless(input_text: str, expected_output: str, predicted_output: str) -> float:
    return float("inf")


def test_function_that_raises_costs_its_own_row_only() -> None:
    scored = scoring.score_rows([BuiltIn(fragile)], ROWS)

    assert [item.scores["fragile"].value for item in scored] == [1.0, None, None]
    assert scored[1].scores["fragile"].reason.startswith("ValueError: invalid literal")
    assert scored[2].scores["fragile"].reason == "ZeroDivisionError: division by zero"
    assert scoring.means(scored) == {"fragile": 0.3333}
    assert scoring.failures(scored) == {"fragile": 2}


def test_score_that_is_no_number_is_none() -> None:
    [first, *_] = scoring.score_rows([BuiltIn(endless)], ROWS)

    assert first.scores["endless"].value is None
    assert "inf" in first.scores["endless"].reason


def test_aggregated_scores_are_text() -> None:
    assert scoring.as_text({"a": 0.95, "b": 1.0}) == {"a": "0.95", "b": "1.0"}


def test_nothing_to_score() -> None:
    assert scoring.means([]) == {}
    assert scoring.failures([]) == {}


def test_every_function_shows_a_source_that_runs_by_itself() -> None:
    for function in BUILT_IN:
        names: dict[str, object] = {}
        exec(function.content, names)
        assert callable(names[function.name])
