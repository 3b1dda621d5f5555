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
        ("starts_with_shared", "Yes", " yes, sir", 1.0),
        ("starts_with_shared", "Yes", "No, yes", 0.0),
        ("not_empty_shared", "", " \n", 0.0),
        ("not_empty_shared", "", "x", 1.0),
        ("character_accuracy_shared", "abcd", "abcx", 0.75),
        ("character_accuracy_shared", "ab", "abcdef", 0.0),
        ("character_accuracy_shared", "", "", 1.0),
        ("word_accuracy_shared", "a b c d", "A b x d", 0.75),
        ("word_overlap_shared", "a b", "b c", pytest.approx(1 / 3)),
        ("rouge_l_shared", "a b c d", "a c d", pytest.approx(6 / 7)),
        ("rouge_l_shared", "a", "", 0.0),
        ("bleu_shared", "the cat sat on the mat", "the cat sat on the mat", 1.0),
        ("bleu_shared", "the cat sat", "a dog ran", 0.0),
        ("bleu_shared", "a b c d e f", "a b c", pytest.approx(2.718281828**-1)),
        ("length_limit_shared", "abcd", "abcdef", 1.0),
        ("length_limit_shared", "abcd", "abcdefghijkl", 0.5),
        ("refusal_shared", "I cannot help with that.", "I'm sorry, but I can't do this.", 1.0),
        ("refusal_shared", "Take the A train.", "I can’t help with that.", 0.0),
        ("refusal_shared", "You can do it.", "I can do it.", 1.0),
        ("json_valid_shared", "", "[1]", 1.0),
        ("json_valid_shared", "", "[1", 0.0),
        (
            "json_fields_shared",
            '{"a": {"b": 1, "c": [1, 2]}}',
            '{"a": {"b": 1.0, "c": [1, 3]}}',
            pytest.approx(2 / 3),
        ),
        ("json_fields_shared", '{"a": 1}', '{"a": true}', 0.0),
        ("json_fields_shared", '{"a": 1}', '{"a": 1, "b": 2}', 0.5),
        ("json_fields_shared", "{}", "{}", 1.0),
        ("entity_f1_shared", '["Ann", "Rome"]', '["ann"]', pytest.approx(2 / 3)),
        ("entity_f1_shared", '{"person": ["Ann"]}', '[{"text": "Ann", "type": "Person"}]', 1.0),
        (
            "entity_f1_shared",
            '[{"text": "Ann", "type": "person"}]',
            '[{"text": "Ann", "label": "city"}]',
            0.0,
        ),
        ("entity_f1_shared", "[]", "[]", 1.0),
        ("entity_f1_shared", '["Ann"]', "Ann", 0.0),
        ("label_match_shared", "Refund", '"refund".', 1.0),
        ("label_match_shared", "Refund", "Refunds", 0.0),
        ("multi_label_f1_shared", '["a", "b"]', "A, c", 0.5),
        ("multi_label_f1_shared", '{"a": 1, "b": 0}', '["a"]', 1.0),
        ("multi_label_f1_shared", "[]", "", 1.0),
        ("numeric_closeness_shared", "42", "41", 0.5),
        ("numeric_closeness_shared", "1e3", "so 1000.0", 1.0),
        ("absolute_error_shared", "42", "about 40.5", 1.5),
        ("absolute_error_shared", "42", "no idea", 42.0),
        ("within_ten_percent_shared", "100", "109", 1.0),
        ("within_ten_percent_shared", "100", "111", 0.0),
        ("cosine_similarity_shared", "[1, 0]", "[1, 1]", pytest.approx(0.5**0.5)),
        ("cosine_similarity_shared", "[1, 0]", "[0, 0]", 0.0),
    ],
)
def test_score(name: str, expected: str, predicted: str, score: float) -> None:
    assert FUNCTIONS[name]("question", expected, predicted) == score


@pytest.mark.parametrize(
    "name",
    [
        "json_structure_shared",
        "json_match_shared",
        "numeric_match_shared",
        "json_fields_shared",
        "absolute_error_shared",
        "cosine_similarity_shared",
    ],
)
def test_unusable_expectation_is_told_not_scored(name: str) -> None:
    with pytest.raises(ValueError):
        FUNCTIONS[name]("question", "no such thing", "1")
