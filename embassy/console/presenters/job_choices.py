"""What can be chosen in the form of a training job, each with a sentence."""

from collections.abc import Iterable
from dataclasses import dataclass

from embassy.catalog.base_model import BaseModel
from embassy.training import kinds

_SIZES = ((10**12, "T"), (10**9, "B"), (10**6, "M"), (10**3, "k"))

_KINDS: dict[tuple[str, str], tuple[str, str]] = {
    ("SFT", "text-generation"): (
        "Answers",
        "Learns to answer as the rows of the data set do. The place to begin.",
    ),
    ("DPO", "text-generation"): (
        "Preferences",
        "Learns from pairs of answers which one is better. Mostly after SFT, to settle style and tone.",
    ),
    ("GRPO", "text-generation"): (
        "Rewards",
        "Samples answers, and learns from how your functions score them. For what can be checked.",
    ),
    ("SFT", "classification"): ("Classification", "Learns which label, or labels, a text has."),
    ("SFT", "regression"): ("Regression", "Learns a number for a text, such as a grade or a price."),
    ("SFT", "embedding"): ("Embedding", "Learns which texts are alike, for search and grouping."),
}

_METHODS = (
    ("lora", "LoRA", "A small adapter. Quick, needs little memory, and is served at once."),
    ("qlora", "QLoRA", "LoRA while the base model is held in 4 bits: least memory, slower."),
    ("dora", "DoRA", "Magnitude and direction apart: somewhat better, slower, served merged."),
    ("qdora", "DoRA in 4 bits", "DoRA with the memory of QLoRA."),
    ("full", "Full", "Every weight. Most memory; the result is served on an engine of its own."),
)


@dataclass(frozen=True)
class Choice:
    """`note` says what it needs, shorter than the sentence."""

    value: str
    title: str
    sentence: str
    note: str = ""


@dataclass(frozen=True)
class ModelChoice:
    name: str
    size: str
    context: str
    tasks: tuple[str, ...]


def kind_choices() -> list[Choice]:
    """In the order of the table of kinds; one that nobody has described yet has its plain name."""
    return [_kind(technique, task, rows) for (technique, task), rows in kinds.ROWS.items()]


def method_choices() -> list[Choice]:
    return [Choice(*method) for method in _METHODS]


def model_choices(models: Iterable[BaseModel]) -> list[ModelChoice]:
    return [
        ModelChoice(
            model.name,
            short_count(model.size_parameters),
            f"{model.context_length:,}",
            tuple(task.replace("-", " ") for task in model.task_types),
        )
        for model in models
    ]


def short_count(count: int) -> str:
    """`1.24 B`, `135 M`."""
    for size, letter in _SIZES:
        if count >= size:
            return f"{count / size:.3g} {letter}"
    return str(count)


def _kind(technique: str, task: str, rows: str) -> Choice:
    title, sentence = _KINDS.get((technique, task), (f"{technique} {task}", ""))
    label = f"{title} ({technique})" if task == "text-generation" else title
    return Choice(f"{technique} {task}", label, sentence, str(rows))
