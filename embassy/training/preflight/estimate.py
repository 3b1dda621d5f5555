"""The preflight itself."""

from django.conf import settings

from embassy.catalog import weights
from embassy.platform.actor import Actor
from embassy.projects.models import Project
from embassy.training import spec
from embassy.training.examples.errors import Unusable
from embassy.training.fitting import Fit
from embassy.training.footprint import TINY_PARAMETERS
from embassy.training.model_shape import read_shape
from embassy.training.plan import Plan, make_plan
from embassy.training.preflight.cost import cost_of
from embassy.training.preflight.counting import examples_of, summarize
from embassy.training.preflight.hosts import TrainingHost, training_host
from embassy.training.preflight.known import Known
from embassy.training.preflight.result import Duration, Memory, Preflight, Rows, Warned
from embassy.training.preflight.survey import Survey, survey
from embassy.training.preflight.tokenizer import LightTokenizer
from embassy.training.preflight.warnings import Facts, warnings_of
from embassy.training.requests import JobRequest

NOT_HERE = Warned(
    code="base_model_not_here",
    message=(
        "The base model's files are not on this host, so neither tokens nor memory can be told. They are"
        " fetched when a job trains on it; put its folder under EMBASSY_MODELS_DIRS to know before."
    ),
)
NO_TOKENIZER = Warned(
    code="tokens_not_counted",
    message="The base model has no tokenizer.json, so tokens cannot be counted before training begins.",
)


def estimate(*, project: Project, request: JobRequest, actor: Actor) -> Preflight:
    """What a job made from this request would be. Creates nothing.

    Raises what the creation would: InvalidInput, NotFound or Unavailable.
    """
    plan = make_plan(project, request, actor)
    seen = survey(plan, request.train_test_split_ratio)
    known, trouble = _look(plan, seen, training_host())
    rows = summarize(known.examples, seen.train_rows) if known.examples is not None else None
    fit, duration = known.fit(), known.duration()
    facts = _facts(known, rows, fit, duration)
    return Preflight(
        technique=plan.technique,
        task_type=known.task.value,
        base_model=plan.model.name,
        parameters=plan.parameters,
        train_rows=seen.train_rows,
        test_rows=seen.test_rows,
        train=rows,
        steps_per_epoch=known.steps_per_epoch,
        total_steps=known.total_steps,
        memory=_memory(fit, known.host),
        duration=duration,
        cost=cost_of(duration.seconds) if duration else None,
        warnings=[*trouble, *warnings_of(facts)],
    )


def _look(plan: Plan, seen: Survey, host: TrainingHost) -> tuple[Known, list[Warned]]:
    """What the base model's files tell of the rows, and what they fail to tell."""
    technique, task = spec.Technique(plan.technique), spec.Task(plan.task_type)
    parameters = spec.parse_parameters(technique, task, plan.runner_parameters)
    known = Known(plan=plan, technique=technique, task=task, parameters=parameters, seen=seen, host=host)
    folder = weights.folder_here(plan.model.name)
    if folder is None:
        return known, [NOT_HERE]
    known.shape = read_shape(folder)
    tokenizer = LightTokenizer.read(folder)
    if tokenizer is None:
        return known, [NO_TOKENIZER]
    try:
        known.examples = examples_of(
            technique, task, parameters, plan.targets, tokenizer, plan.model.context_length, seen.sample
        )
    except Unusable as error:
        return known, [Warned(code=error.code.value, message=error.sentence, blocking=True)]
    return known, []


def _facts(known: Known, rows: Rows | None, fit: Fit | None, duration: Duration | None) -> Facts:
    plan, seen = known.plan, known.seen
    rules = {rule.name: rule for rule in plan.model.rules(plan.technique, known.task.value)}
    return Facts(
        parameters=known.parameters,
        usual_rate=float(rules["learning_rate"].default),
        is_tiny=plan.model.size_parameters < TINY_PARAMETERS,
        cuda=known.host.cuda,
        rows=rows,
        train_rows=rows.trainable if rows else seen.train_rows,
        test_rows=seen.test_rows,
        known_test_rows=seen.known_test_rows,
        labels=seen.labels,
        rebalanced=plan.rebalance is not None,
        weighted=bool(plan.parameters.get("class_weighting")),
        steps=known.total_steps,
        prompts_per_step=known.prompts_per_step,
        fit=fit,
        seconds=duration.seconds if duration else None,
        time_limit=settings.TRAINING_TIME_LIMIT,
    )


def _memory(fit: Fit | None, host: TrainingHost) -> Memory | None:
    if fit is None:
        return None
    return Memory(
        parts=fit.footprint.parts,
        peak_bytes=fit.footprint.total,
        available_bytes=host.available,
        total_bytes=host.total,
        fits=fit.fits,
        host=host.source,
        device=host.device,
    )
