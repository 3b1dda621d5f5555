"""Compare embeddings, written as JSON lists of numbers."""


def cosine_similarity_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """Cosine of the angle between the two vectors, each a JSON list of numbers."""
    import json

    import numpy

    expected = numpy.asarray(json.loads(expected_output), dtype=float)
    predicted = numpy.asarray(json.loads(predicted_output), dtype=float)
    if expected.ndim != 1 or expected.shape != predicted.shape:
        raise ValueError("both must be lists of numbers of the same length")
    lengths = numpy.linalg.norm(expected) * numpy.linalg.norm(predicted)
    return float(expected @ predicted / lengths) if lengths else 0.0
