"""What to think about before the job is created. Each has a stable code and says what to do. Pure."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from embassy.training.fitting import Fit, gib, remedies
from embassy.training.preflight.result import Rows, Warned
from embassy.training.spec import EndCode, Parameters

MUCH_TRUNCATED = 0.05
FEW_TEST_ROWS = 20
FEW_STEPS = 10
UNEVEN_LABELS = 10
UNUSUAL_RATE = 20
USUAL_FULL_RATE = 1e-4  # above it, training all weights of a model of usual size mostly ruins it


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the warnings are judged by. `usual_rate` is the learning rate that the base model's rules give.

    `steps` are those of the whole run, `prompts_per_step` 0 where a step is not made of prompts.
    """

    parameters: Parameters
    usual_rate: float
    is_tiny: bool
    cuda: bool
    rows: Rows | None
    train_rows: int
    test_rows: int
    known_test_rows: int
    labels: Counter[str]
    rebalanced: bool
    weighted: bool
    steps: int
    prompts_per_step: int
    fit: Fit | None
    seconds: float | None
    time_limit: float


def warnings_of(facts: Facts) -> list[Warned]:
    """The blocking ones first."""
    found = [*_of_rows(facts), *_of_test(facts), *_of_labels(facts), *_of_parameters(facts), *_of_size(facts)]
    return sorted(found, key=lambda warned: not warned.blocking)


def _of_rows(facts: Facts) -> Iterator[Warned]:
    rows = facts.rows
    if rows is None:
        return
    if rows.trainable == 0:
        yield _blocking(EndCode.NO_TRAINABLE_ROWS, "No row can be trained on. See the problems of the rows.")
    elif rows.trainable * 2 < rows.total:
        yield _blocking(
            EndCode.MOSTLY_UNTRAINABLE_ROWS,
            f"{rows.untrainable} of {rows.total} rows cannot be trained on. See the problems of the rows.",
        )
    elif rows.untrainable:
        yield _warned(
            "untrainable_rows",
            f"{rows.untrainable} of {rows.total} rows cannot be trained on and are left out. Mend them, or"
            " raise max_length where they are too long.",
        )
    if rows.truncated > MUCH_TRUNCATED * rows.total:
        yield _warned(
            "many_rows_truncated",
            f"{rows.truncated} of {rows.total} rows are longer than max_length"
            f" ({facts.parameters.max_length}) and are cut off. Raise max_length; the longest row has"
            f" {rows.tokens['max']:.0f} tokens.",
        )
    if rows.read < rows.total:
        yield _warned(
            "rows_sampled",
            f"{rows.read} evenly spaced rows of {rows.total} were read; the figures of all are reckoned from"
            " these. The job itself will read every row.",
        )


def _of_test(facts: Facts) -> Iterator[Warned]:
    if facts.known_test_rows:
        yield _warned(
            "test_rows_in_training",
            f"{facts.known_test_rows} of {facts.test_rows} test rows ask what a training row asks:"
            " scores will look better than they are. Remove them from one of the two data sets.",
        )
    if not facts.test_rows:
        yield _warned(
            "no_test_rows",
            "There is nothing to test with, so no checkpoint gets a score. Give test_dataset_id or"
            " train_test_split_ratio.",
        )
    elif facts.test_rows < FEW_TEST_ROWS:
        yield _warned(
            "few_test_rows",
            f"With {facts.test_rows} test rows a score says little: one row moves it by"
            f" {100 / facts.test_rows:.0f} percent. Use at least {FEW_TEST_ROWS}, better 100.",
        )


def _of_labels(facts: Facts) -> Iterator[Warned]:
    if not facts.labels or facts.rebalanced or facts.weighted:
        return
    (most, many), (least, few) = facts.labels.most_common()[0], facts.labels.most_common()[-1]
    if many >= UNEVEN_LABELS * few:
        yield _warned(
            "uneven_labels",
            f"Label {most!r} has {many} rows and {least!r} has {few}: the rare one will hardly be learned."
            " Set class_weighting, or give rebalance_data.",
        )


def _of_parameters(facts: Facts) -> Iterator[Warned]:
    parameters = facts.parameters
    rate, usual = parameters.learning_rate, facts.usual_rate
    if parameters.full_fine_tuning and not facts.is_tiny and rate > USUAL_FULL_RATE:
        yield _warned(
            "learning_rate_unusual",
            f"learning_rate {rate:g} is meant for adapters: with full_fine_tuning it mostly ruins the model."
            " Try 1e-5 to 5e-5.",
        )
    elif not usual / UNUSUAL_RATE <= rate <= usual * UNUSUAL_RATE:
        high = rate > usual
        yield _warned(
            "learning_rate_unusual",
            f"learning_rate {rate:g} is far {'above' if high else 'below'} the {usual:g} that is usual for"
            f" this model: the run may {'fall apart' if high else 'learn nothing'}.",
        )
    if parameters.load_in_4bit and not facts.cuda:
        yield _warned(
            "four_bits_on_cpu",
            "On a CPU load_in_4bit saves memory, not time. Leave it off if the model fits without.",
        )
    if facts.train_rows < facts.prompts_per_step:
        yield _blocking(
            EndCode.INVALID_DATA,
            f"Each step samples answers to {facts.prompts_per_step} prompts, and there are only"
            f" {facts.train_rows}. Add rows, or use smaller batches.",
        )
    elif facts.steps < FEW_STEPS:
        yield _warned(
            "few_steps",
            f"The run has only {facts.steps} steps. Add rows, lower the batch size or"
            " gradient_accumulation_steps, or train more epochs.",
        )


def _of_size(facts: Facts) -> Iterator[Warned]:
    fit = facts.fit
    if fit is not None and fit.is_hopeless:
        yield _blocking(EndCode.DOES_NOT_FIT, fit.refusal(facts.parameters))
    elif fit is not None and fit.fits is None:
        yield _warned(
            "may_not_fit",
            f"The run takes about {gib(fit.footprint.beyond_libraries)} of memory, and {gib(fit.available)}"
            f" is free: it may be too much. {' '.join(remedies(fit.footprint, facts.parameters))}",
        )
    if facts.seconds is not None and facts.seconds > facts.time_limit:
        yield _warned(
            "time_limit",
            f"Training would take about {facts.seconds / 3600:.1f} hours, and is stopped after"
            f" {facts.time_limit / 3600:.1f}. Train fewer epochs or rows.",
        )


def _warned(code: str, message: str) -> Warned:
    return Warned(code=code, message=message)


def _blocking(code: EndCode, message: str) -> Warned:
    return Warned(code=code.value, message=message, blocking=True)
