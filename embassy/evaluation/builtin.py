"""The test functions that everybody has. Users read this source, and copy it to write their own.

So each function stands alone, imports what it needs itself, and takes and gives plain values: the text of
the last user message, what was expected, what the model said; 1.0 is best, 0.0 is worst.
"""


def exact_match_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is the expected one, apart from white space around it."""
    return 1.0 if predicted_output.strip() == expected_output.strip() else 0.0


def exact_match_ignore_case_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is the expected one, apart from upper and lower case and white space."""
    expected = " ".join(expected_output.casefold().split())
    return 1.0 if " ".join(predicted_output.casefold().split()) == expected else 0.0


def test_similarity_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """How alike the two texts are, letter by letter (normalized insertions and deletions)."""
    from rapidfuzz import fuzz

    return fuzz.ratio(expected_output.strip(), predicted_output.strip()) / 100


def similarity_score_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """How alike the two texts are, whatever the order of their words."""
    from rapidfuzz import fuzz

    return fuzz.token_sort_ratio(expected_output, predicted_output) / 100


def contains_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the expected text occurs in the answer, apart from upper and lower case."""
    return 1.0 if expected_output.strip().casefold() in predicted_output.casefold() else 0.0


def token_f1_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """Harmonic mean of the words found and the words right, as in question answering."""
    from collections import Counter

    expected, predicted = expected_output.casefold().split(), predicted_output.casefold().split()
    if not expected or not predicted:
        return 1.0 if expected == predicted else 0.0
    common = sum((Counter(expected) & Counter(predicted)).values())
    return 2 * common / (len(expected) + len(predicted))


def json_structure_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is JSON with the same keys and kinds of values as the expected one."""
    import json

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(item) for key, item in value.items()}
        if isinstance(value, list):
            return [shape(item) for item in value]
        return "number" if isinstance(value, int | float) and value is not True else type(value).__name__

    try:
        predicted = json.loads(predicted_output)
    except ValueError:
        return 0.0
    return 1.0 if shape(predicted) == shape(json.loads(expected_output)) else 0.0


def json_match_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is the same JSON value as the expected one, however it is written."""
    import json

    try:
        predicted = json.loads(predicted_output)
    except ValueError:
        return 0.0
    return 1.0 if predicted == json.loads(expected_output) else 0.0


def numeric_match_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the last number in the answer is the last number in the expected text."""
    import re

    pattern = r"-?\d+(?:[.,]\d+)?"
    expected, predicted = re.findall(pattern, expected_output), re.findall(pattern, predicted_output)
    if not expected:
        raise ValueError("the expected output has no number")
    if not predicted:
        return 0.0
    return 1.0 if float(predicted[-1].replace(",", ".")) == float(expected[-1].replace(",", ".")) else 0.0


def length_ratio_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """Length of the shorter of the two texts over that of the longer one."""
    longer = max(len(expected_output), len(predicted_output))
    return min(len(expected_output), len(predicted_output)) / longer if longer else 1.0
