"""Compare the two texts as JSON."""


def json_match_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is the same JSON value as the expected one, however it is written."""
    import json

    try:
        predicted = json.loads(predicted_output)
    except ValueError:
        return 0.0
    return 1.0 if predicted == json.loads(expected_output) else 0.0


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


def json_valid_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is JSON at all."""
    import json

    try:
        json.loads(predicted_output)
    except ValueError:
        return 0.0
    return 1.0


def json_fields_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """Share of the JSON values that both texts have in the same places, of all that either has."""
    import json

    def leaves(value: object, path: tuple[object, ...] = ()) -> dict[tuple[object, ...], object]:
        if isinstance(value, dict) and value:
            return {k: v for key, item in value.items() for k, v in leaves(item, (*path, key)).items()}
        if isinstance(value, list) and value:
            return {k: v for i, item in enumerate(value) for k, v in leaves(item, (*path, i)).items()}
        return {path: (isinstance(value, bool), value)}

    expected = leaves(json.loads(expected_output))
    try:
        predicted = leaves(json.loads(predicted_output))
    except ValueError:
        return 0.0
    right = sum(path in predicted and predicted[path] == value for path, value in expected.items())
    return right / len(expected.keys() | predicted.keys())


def entity_f1_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """F1 of the entities found, each with its type. Both texts are JSON.

    Either a list of texts or of objects with `text` and `type` (or `label`), or an object of types, each
    with its list of texts. Upper and lower case do not matter in the texts.
    """
    import json
    from collections import Counter

    def entities(source: str) -> Counter[tuple[str, str]]:
        value = json.loads(source)
        if isinstance(value, dict):
            pairs = [(kind, text) for kind, texts in value.items() for text in texts]
        else:
            pairs = [
                (item.get("type", item.get("label", "")), item["text"])
                if isinstance(item, dict)
                else ("", item)
                for item in value
            ]
        return Counter((str(kind).casefold(), str(text).strip().casefold()) for kind, text in pairs)

    expected = entities(expected_output)
    try:
        predicted = entities(predicted_output)
    except (ValueError, TypeError, KeyError, AttributeError):
        return 0.0
    total = sum(expected.values()) + sum(predicted.values())
    return 2 * sum((expected & predicted).values()) / total if total else 1.0
