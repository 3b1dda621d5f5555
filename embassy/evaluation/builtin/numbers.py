"""Compare the two texts as numbers."""


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


def numeric_closeness_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1 / (1 + the distance of the two numbers): 1.0 if equal, 0.5 if they are 1 apart."""
    import re

    pattern = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
    expected, predicted = re.findall(pattern, expected_output), re.findall(pattern, predicted_output)
    if not expected:
        raise ValueError("the expected output has no number")
    return 1 / (1 + abs(float(expected[-1]) - float(predicted[-1]))) if predicted else 0.0


def absolute_error_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """The distance of the two numbers: 0.0 is best. An answer without a number counts as 0.

    Its mean over all rows is the mean absolute error.
    """
    import re

    pattern = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
    expected, predicted = re.findall(pattern, expected_output), re.findall(pattern, predicted_output)
    if not expected:
        raise ValueError("the expected output has no number")
    return abs(float(expected[-1]) - (float(predicted[-1]) if predicted else 0.0))


def within_ten_percent_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer's number is within 10 % of the expected one."""
    import re

    pattern = r"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
    expected, predicted = re.findall(pattern, expected_output), re.findall(pattern, predicted_output)
    if not expected:
        raise ValueError("the expected output has no number")
    if not predicted:
        return 0.0
    wanted, given = float(expected[-1]), float(predicted[-1])
    return 1.0 if abs(given - wanted) <= 0.1 * abs(wanted) else 0.0
