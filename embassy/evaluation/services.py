"""Writes on test functions."""

from collections.abc import Sequence
from dataclasses import asdict

from django.db import IntegrityError, transaction

from embassy.evaluation import dry_run, packages, registry, source
from embassy.evaluation.dry_run import DryRun
from embassy.evaluation.functions import ResolvedFunction, Row
from embassy.evaluation.models import TestFunction
from embassy.evaluation.task_types import TaskType
from embassy.evaluation.user_function import UserFunction
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput, NotFound
from embassy.projects import audit

SHOWN_PROBLEMS = 3


def create_test_function(
    *,
    content: str,
    name: str | None = None,
    dependencies: Sequence[str] = (),
    task_types: Sequence[str] = (),
    actor: Actor,
) -> TestFunction:
    """Raises InvalidInput with the lines that are wrong, Conflict if the name is taken."""
    checked = check(content=content, name=name, dependencies=dependencies)
    row = TestFunction(
        organization_id=actor.organization_id,
        name=checked.name,
        content=content,
        dependencies=list(checked.dependencies),
        task_types=_known_tasks(task_types),
        created_by_id=actor.user_id,
    )
    _save(row, "test_function.created", actor)
    return row


def update_test_function(
    *,
    function: TestFunction,
    content: str | None = None,
    name: str | None = None,
    dependencies: Sequence[str] | None = None,
    task_types: Sequence[str] | None = None,
    actor: Actor,
) -> TestFunction:
    """Change what is given. Jobs that exist keep the source that they were created with.

    A new name comes with a source that defines it. Raises as create_test_function does.
    """
    row = function
    checked = check(
        content=row.content if content is None else content,
        name=name or row.name,
        dependencies=row.dependencies if dependencies is None else dependencies,
    )
    row.name, row.content, row.dependencies = checked.name, checked.content, list(checked.dependencies)
    if task_types is not None:
        row.task_types = _known_tasks(task_types)
    _save(row, "test_function.updated", actor)
    return row


@transaction.atomic
def delete_test_function(*, function: TestFunction, actor: Actor) -> None:
    """Jobs keep copies, so this never waits for them. Raises NotFound if somebody else was faster."""
    deleted, _ = TestFunction.objects.filter(pk=function.pk).delete()
    if not deleted:
        raise NotFound(f"There is no test function {function.name}.")
    audit.record("test_function.deleted", function.name, actor=actor)


def dry_run_test_function(*, function: ResolvedFunction, rows: Sequence[Row], actor: Actor) -> DryRun:
    """Score sample rows. Raises Unavailable where user code cannot be confined."""
    return dry_run.run(function, rows)


def check(*, content: str, name: str | None = None, dependencies: Sequence[str] = ()) -> UserFunction:
    """The function that this source makes, not stored. Raises InvalidInput."""
    names = packages.check(dependencies)
    report = source.check(content, name=name, modules=packages.modules_for(names))
    if report.problems:
        raise InvalidInput(
            _sentence(report.problems),
            code="invalid_test_function",
            details=[asdict(problem) for problem in report.problems],
        )
    assert report.name is not None
    if registry.built_in(report.name) is not None:
        raise Conflict(
            f"name: {report.name} is a built-in test function. Choose another name.", code="name_taken"
        )
    return registry.user_function(report.name, content, names)


def _known_tasks(task_types: Sequence[str]) -> list[str]:
    if unknown := sorted(set(task_types) - set(TaskType.values)):
        raise InvalidInput(
            f"task_types: {', '.join(unknown)} is none of the tasks: {', '.join(TaskType.values)}."
        )
    return list(dict.fromkeys(task_types))


def _save(row: TestFunction, verb: str, actor: Actor) -> None:
    created = row.pk is None
    try:
        with transaction.atomic():
            row.save(force_insert=created, force_update=not created)
            audit.record(verb, row.name, actor=actor)
    except IntegrityError as error:
        if "test_function_name_once" not in str(error):
            raise
        raise Conflict(
            f"name: there is a test function {row.name} already. Change that one, or choose another name.",
            code="name_taken",
        ) from None


def _sentence(problems: Sequence[source.Problem]) -> str:
    shown = "; ".join(map(str, problems[:SHOWN_PROBLEMS]))
    more = len(problems) - SHOWN_PROBLEMS
    return f"content: {shown}" + (f"; and {more} more." if more > 0 else ".")
