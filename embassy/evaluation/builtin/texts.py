"""Compare the two texts as texts."""


def exact_match_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is the expected one, apart from white space around it."""
    return 1.0 if predicted_output.strip() == expected_output.strip() else 0.0


def exact_match_ignore_case_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is the expected one, apart from upper and lower case and white space."""
    expected = " ".join(expected_output.casefold().split())
    return 1.0 if " ".join(predicted_output.casefold().split()) == expected else 0.0


def contains_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the expected text occurs in the answer, apart from upper and lower case."""
    return 1.0 if expected_output.strip().casefold() in predicted_output.casefold() else 0.0


def test_similarity_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """How alike the two texts are, letter by letter (normalized insertions and deletions)."""
    from rapidfuzz import fuzz

    return fuzz.ratio(expected_output.strip(), predicted_output.strip()) / 100


def similarity_score_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """How alike the two texts are, whatever the order of their words."""
    from rapidfuzz import fuzz

    return fuzz.token_sort_ratio(expected_output, predicted_output) / 100


def token_f1_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """Harmonic mean of the words found and the words right, as in question answering."""
    from collections import Counter

    expected, predicted = expected_output.casefold().split(), predicted_output.casefold().split()
    if not expected or not predicted:
        return 1.0 if expected == predicted else 0.0
    common = sum((Counter(expected) & Counter(predicted)).values())
    return 2 * common / (len(expected) + len(predicted))


def length_ratio_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """Length of the shorter of the two texts over that of the longer one."""
    longer = max(len(expected_output), len(predicted_output))
    return min(len(expected_output), len(predicted_output)) / longer if longer else 1.0


def starts_with_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer begins with the expected text, apart from upper and lower case and white space."""
    return 1.0 if predicted_output.strip().casefold().startswith(expected_output.strip().casefold()) else 0.0


def not_empty_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if there is an answer at all."""
    return 1.0 if predicted_output.strip() else 0.0


def character_accuracy_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1 - the character error rate, at least 0: insertions, deletions and exchanges per expected letter."""
    from rapidfuzz.distance import Levenshtein

    expected, predicted = expected_output.strip(), predicted_output.strip()
    if not expected:
        return 1.0 if not predicted else 0.0
    return max(0.0, 1 - Levenshtein.distance(expected, predicted) / len(expected))


def word_accuracy_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1 - the word error rate, at least 0: insertions, deletions and exchanges per expected word."""
    from rapidfuzz.distance import Levenshtein

    expected, predicted = expected_output.casefold().split(), predicted_output.casefold().split()
    if not expected:
        return 1.0 if not predicted else 0.0
    return max(0.0, 1 - Levenshtein.distance(expected, predicted) / len(expected))


def word_overlap_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """Words that both texts have over words that either has (Jaccard index)."""
    expected, predicted = set(expected_output.casefold().split()), set(predicted_output.casefold().split())
    either = expected | predicted
    return len(expected & predicted) / len(either) if either else 1.0


def rouge_l_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """F1 of the longest sequence of words that both texts have in order (ROUGE-L), as for summaries."""
    from rapidfuzz.distance import LCSseq

    expected, predicted = expected_output.casefold().split(), predicted_output.casefold().split()
    if not expected or not predicted:
        return 1.0 if expected == predicted else 0.0
    return 2 * LCSseq.similarity(expected, predicted) / (len(expected) + len(predicted))


def bleu_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """BLEU of one sentence, sequences of up to four words, smoothed by adding one above single words."""
    import math
    from collections import Counter

    expected, predicted = expected_output.split(), predicted_output.split()
    if not expected or not predicted:
        return 1.0 if expected == predicted else 0.0
    logarithms = 0.0
    longest = min(4, len(predicted), len(expected))
    for size in range(1, longest + 1):
        wanted = Counter(tuple(expected[i : i + size]) for i in range(len(expected) - size + 1))
        given = Counter(tuple(predicted[i : i + size]) for i in range(len(predicted) - size + 1))
        right, total = sum((wanted & given).values()), sum(given.values())
        if size == 1 and right == 0:
            return 0.0
        smoothing = 0 if size == 1 else 1
        logarithms += math.log((right + smoothing) / (total + smoothing))
    brevity = min(0.0, 1 - len(expected) / len(predicted))
    return math.exp(brevity + logarithms / longest)


def length_limit_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer is at most half as long again as the expected text, then less and less."""
    allowed = max(1.0, 1.5 * len(expected_output.strip()))
    length = len(predicted_output.strip())
    return 1.0 if length <= allowed else allowed / length


def refusal_shared(input_text: str, expected_output: str, predicted_output: str) -> float:
    """1.0 if the answer refuses exactly where the expected text does (English)."""
    import re

    pattern = re.compile(
        r"\b(i\s+(can(no|['’])t|can\s+not|won['’]?t|will\s+not|am\s+(unable|not\s+able)|must\s+decline)"
        r"|i['’]m\s+(sorry|unable|not\s+able)|unable\s+to\s+(help|assist|comply)"
        r"|as\s+an\s+ai|against\s+my\s+(policy|guidelines))\b",
        re.IGNORECASE,
    )
    return 1.0 if bool(pattern.search(predicted_output)) == bool(pattern.search(expected_output)) else 0.0
