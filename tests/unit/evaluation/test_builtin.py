import json

import pytest

from embassy.evaluation.builtin.table import BUILT_IN

FUNCTIONS = {function.name: function.function for function in BUILT_IN}
OBJECT = json.dumps({"name": "Ann", "age": 3, "tags": ["a"]})


@pytest.mark.parametrize(
    ("name", "expected", "predicted", "score"),
    [
        ("exact_match_shared", "Yes", " Yes\n", 1.0),
        ("exact_match_shared", "Yes", "yes", 0.0),
        ("exact_match_ignore_case_shared", "Yes  Sir", "yes sir", 1.0),
        ("test_similarity_shared", "abcd", "abcd", 1.0),
        ("test_similarity_shared", "abcd", "", 0.0),
        ("test_similarity_shared", "ab", "abab", pytest.approx(0.667, abs=0.01)),
        ("similarity_score_shared", "red blue", "blue red", 1.0),
        ("contains_shared", "Paris", "It is PARIS.", 1.0),
        ("contains_shared", "Paris", "It is Rome.", 0.0),
        ("token_f1_shared", "a b", "a c", 0.5),
        ("token_f1_shared", "", "", 1.0),
        ("json_structure_shared", OBJECT, json.dumps({"name": "Bo", "age": 4.5, "tags": ["x"]}), 1.0),
        ("json_structure_shared", OBJECT, json.dumps({"name": "Bo"}), 0.0),
        ("json_structure_shared", OBJECT, "{", 0.0),
        ("json_match_shared", '{"a": 1, "b": 2}', '{"b":2,"a":1}', 1.0),
        ("json_match_shared", '{"a": 1}', "no", 0.0),
        ("numeric_match_shared", "42", "It is 42.0", 1.0),
        ("numeric_match_shared", "42", "It is many", 0.0),
        ("length_ratio_shared", "abcd", "ab", 0.5),
        ("length_ratio_shared", "", "", 1.0),
    ],
)
def test_score(name: str, expected: str, predicted: str, score: float) -> None:
    assert FUNCTIONS[name]("question", expected, predicted) == score


@pytest.mark.parametrize("name", ["json_structure_shared", "json_match_shared", "numeric_match_shared"])
def test_unusable_expectation_is_told_not_scored(name: str) -> None:
    with pytest.raises(ValueError):
        FUNCTIONS[name]("question", "no such thing", "1")
