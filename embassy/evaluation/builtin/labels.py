"""Compare labels."""


def label_match_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is the expected label, apart from case, white space, quotes and a full stop.

    Its mean over all rows is the accuracy.
    """
    strip = " \t\r\n\"'`.*"
    return 1.0 if predicted_output.strip(strip).casefold() == expected_output.strip(strip).casefold() else 0.0


def multi_label_f1_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """F1 of the labels named.

    Each text is a JSON list, a JSON object of labels with 0 or 1, or labels with commas between them.
    """
    import json

    def labels(text: str) -> set[str]:
        try:
            value = json.loads(text)
        except ValueError:
            value = text.split(",")
        if isinstance(value, dict):
            value = [label for label, holds in value.items() if holds]
        if not isinstance(value, list):
            value = [value]
        return {str(label).strip().casefold() for label in value} - {""}

    expected, predicted = labels(expected_output), labels(predicted_output)
    total = len(expected) + len(predicted)
    return 2 * len(expected & predicted) / total if total else 1.0
