"""Writes on fine-tuning jobs: each is one on the training job underneath."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import BinaryIO

from django.db import transaction

from embassy.datasets import intake
from embassy.datasets import services as datasets
from embassy.datasets.models import Dataset
from embassy.llama_stack.files.selectors import get_file
from embassy.llama_stack.fine_tuning import names, selectors
from embassy.llama_stack.fine_tuning.requests import FineTuningRequest, method_of, parameters_of
from embassy.llama_stack.models import File, FineTuningJob, Purpose
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict, InvalidInput, NotFound
from embassy.platform.ids import new_id
from embassy.platform.storage import get_storage
from embassy.projects import services as projects
from embassy.projects.models import Organization, Project
from embassy.projects.roles import check_role
from embassy.projects.selectors import get_project, projects_visible_to
from embassy.training import pauses
from embassy.training import services as training
from embassy.training.requests import JobRequest
from embassy.training.states import BaseModelOption

PROJECT = "OpenAI API"  # where jobs go whose request names no project
MAX_SEED = 2**31 - 1


def create_job(*, request: FineTuningRequest, actor: Actor) -> FineTuningJob:
    """Check the files' rows, make data sets of them, and queue a training job. Raises InvalidInput."""
    technique = request.technique
    project = _project(request.project, actor)
    check_role(actor, project.pk)
    files = [_training_file(actor, name, public_id) for name, public_id in _files(request)]
    seed = secrets.randbelow(MAX_SEED) if request.seed is None else request.seed
    public_id = new_id("ftjob-")
    start = _start(request.model, actor)
    sets = [_dataset(file, project, actor) for file in files]
    with transaction.atomic():  # none without the other
        job = training.create_training_job(
            project=project,
            request=JobRequest(
                base_model=start.base_model,
                base_model_option=start.option,
                checkpoint=start.checkpoint,
                train_dataset_id=sets[0].public_id,
                test_dataset_id=sets[1].public_id if len(sets) > 1 else None,
                name=f"{request.suffix or 'fine-tuning'} {public_id[-names.SHORT_ID :]}",
                description=f"Made by {public_id} of OpenAI's API.",
                technique=technique,
                parameters=parameters_of(request, start.model, seed),
            ),
            actor=actor,
        )
        return FineTuningJob.objects.create(
            public_id=public_id,
            organization_id=actor.organization_id,
            training_job=job,
            model=request.model,
            suffix=request.suffix,
            fine_tuned_model=names.model_name(
                base=start.model,
                organization=project.organization.name,
                suffix=request.suffix,
                public_id=public_id,
            ),
            training_file=request.training_file,
            validation_file=request.validation_file or "",
            method=method_of(request),
            seed=seed,
            metadata=dict(request.metadata),
        )


def cancel_job(*, job: FineTuningJob, actor: Actor) -> None:
    """Raises Conflict if it has ended already."""
    check_role(actor, job.training_job.project_id)
    training.cancel_training_job(job=job.training_job, actor=actor)


def pause_job(*, job: FineTuningJob, actor: Actor) -> None:
    check_role(actor, job.training_job.project_id)
    pauses.pause_training_job(job=job.training_job, actor=actor)


def resume_job(*, job: FineTuningJob, actor: Actor) -> None:
    check_role(actor, job.training_job.project_id)
    pauses.resume_training_job(job=job.training_job, actor=actor)


def _files(request: FineTuningRequest) -> list[tuple[str, str]]:
    given = [("training_file", request.training_file)]
    return [*given, ("validation_file", request.validation_file)] if request.validation_file else given


def _training_file(actor: Actor, name: str, public_id: str) -> File:
    """A file that the body names: if there is none, the body is wrong."""
    try:
        file = get_file(actor, public_id)
    except NotFound as error:
        raise InvalidInput(f"{name}: {error.message}", code=error.code, details={"field": name}) from None
    if file.purpose != Purpose.FINE_TUNE:
        raise InvalidInput(
            f"{name}: {public_id} was uploaded for {file.purpose}. Upload it with the purpose fine-tune.",
            details={"field": name},
        )
    return file


def _dataset(file: File, project: Project, actor: Actor) -> Dataset:
    """The file's rows as a data set of the project; those of the same bytes are used again."""
    known = Dataset.objects.filter(project=project, original_sha256=file.sha256).order_by("-id").first()
    if known is not None:
        return known
    with _copied(file) as copy:
        return datasets.create_dataset(project=project, file=copy, file_name=file.name, actor=actor)


@contextmanager
def _copied(file: File) -> Iterator[BinaryIO]:
    """The bytes in a file that can seek."""
    with intake.scratch_file() as copy, get_storage().open(file.key) as source:
        shutil.copyfileobj(source, copy)
        copy.seek(0)
        yield copy


@dataclass(frozen=True)
class Start:
    """What a training job starts from; `model` is the base model underneath."""

    base_model: str
    model: str
    option: str = BaseModelOption.PRE_TRAINED
    checkpoint: int | None = None


def _start(model: str, actor: Actor) -> Start:
    if not names.is_fine_tuned(model):
        return Start(base_model=model, model=model)
    try:
        job, checkpoint = selectors.find_model(actor, model)
    except NotFound as error:
        raise InvalidInput(f"model: {error.message}", details={"field": "model"}) from None
    return Start(
        base_model=job.training_job.name,
        model=job.training_job.base_model,
        option=BaseModelOption.FINE_TUNED,
        checkpoint=checkpoint.number,
    )


def _project(public_id: str | None, actor: Actor) -> Project:
    """The one that was named, the only one that the key may use, or the organization's for this API."""
    if public_id:
        return get_project(actor, public_id)
    if actor.projects is not None:
        found = list(projects_visible_to(actor)[:2])
        if len(found) == 1:
            return found[0]
        raise Conflict(
            "This API key is for several projects: name one in the header OpenAI-Project.",
            code="which_project",
        )
    return _usual_project(actor)


@transaction.atomic
def _usual_project(actor: Actor) -> Project:
    # Two first requests at once make one project.
    Organization.objects.select_for_update().get(pk=actor.organization_id)
    found = projects_visible_to(actor).filter(name=PROJECT).first()
    return found or projects.create_project(name=PROJECT, actor=actor)
