"""The table of built-in test functions."""

from embassy.evaluation.builtin import json_values, labels, numbers, texts, vectors
from embassy.evaluation.functions import BuiltIn

_FUZZ = ("rapidfuzz",)
_GENERATION = ("text-generation",)
_LABELS = ("text-generation", "classification")
_NUMBERS = ("text-generation", "regression")

BUILT_IN: tuple[BuiltIn, ...] = (
    BuiltIn(texts.exact_match_shared),
    BuiltIn(texts.exact_match_ignore_case_shared),
    BuiltIn(texts.test_similarity_shared, _FUZZ, _GENERATION),
    BuiltIn(texts.similarity_score_shared, _FUZZ, _GENERATION),
    BuiltIn(texts.contains_shared, task_types=_GENERATION),
    BuiltIn(texts.starts_with_shared, task_types=_GENERATION),
    BuiltIn(texts.token_f1_shared, task_types=_GENERATION),
    BuiltIn(texts.word_overlap_shared, task_types=_GENERATION),
    BuiltIn(texts.character_accuracy_shared, _FUZZ, _GENERATION),
    BuiltIn(texts.word_accuracy_shared, _FUZZ, _GENERATION),
    BuiltIn(texts.rouge_l_shared, _FUZZ, _GENERATION),
    BuiltIn(texts.bleu_shared, task_types=_GENERATION),
    BuiltIn(texts.length_ratio_shared, task_types=_GENERATION),
    BuiltIn(texts.length_limit_shared, task_types=_GENERATION),
    BuiltIn(texts.not_empty_shared, task_types=_GENERATION),
    BuiltIn(texts.refusal_shared, task_types=_GENERATION),
    BuiltIn(json_values.json_valid_shared, task_types=_GENERATION),
    BuiltIn(json_values.json_structure_shared, task_types=_GENERATION),
    BuiltIn(json_values.json_match_shared, task_types=_GENERATION),
    BuiltIn(json_values.json_fields_shared, task_types=_GENERATION),
    BuiltIn(json_values.entity_f1_shared, task_types=_GENERATION),
    BuiltIn(labels.label_match_shared, task_types=_LABELS),
    BuiltIn(labels.multi_label_f1_shared, task_types=_LABELS),
    BuiltIn(numbers.numeric_match_shared, task_types=_NUMBERS),
    BuiltIn(numbers.numeric_closeness_shared, task_types=_NUMBERS),
    BuiltIn(numbers.absolute_error_shared, task_types=_NUMBERS, higher_is_better=False),
    BuiltIn(numbers.within_ten_percent_shared, task_types=_NUMBERS),
    BuiltIn(vectors.cosine_similarity_shared, ("numpy",), ("embedding",)),
)
