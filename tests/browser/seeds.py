"""An organization in which there is something of everything, so that no page is empty."""

from dataclasses import dataclass

from django.utils import timezone

from embassy.platform.actor import Actor
from embassy.projects.models import Membership, Project, Role, User
from embassy.projects.selectors import actor_of_key
from embassy.training.models import JobEvent, TrainingJob
from embassy.training.states import JobStatus
from tests.console.ids import ids_of
from tests.factories.datasets import make_dataset
from tests.factories.deployments import make_checkpoint, make_deployment, up
from tests.factories.projects import make_key, make_member, make_organization, make_project
from tests.factories.request_logs import make_log
from tests.factories.training import make_job, make_tested_rows
from tests.factories.usage import account_for, spend

FUNCTION = "exact_match_shared"


@dataclass(frozen=True)
class Seeds:
    owner: User
    ids: dict[str, str]


def make_seeds() -> Seeds:
    organization = make_organization(name="Acme")
    key, _ = make_key(organization)
    actor = actor_of_key(key)
    project = make_project(actor, name="Support tickets")
    dataset = make_dataset(project=project, actor=actor, name="tickets")
    job, other = (make_finished_job(project, actor, name=name) for name in ("routing", "routing again"))
    deployment = up(
        make_deployment(project, actor=actor, reference=job.public_id, checkpoint=2, name="router")
    )
    log = make_log(deployment)
    spend(account_for(actor, deployment), at=timezone.now(), first_token=20, times=3)
    make_member(organization, role=Role.VIEWER)
    ids = ids_of(project, actor) | {
        "dataset_id": dataset.public_id,
        "job_id": job.public_id,
        "other_job_id": other.public_id,
        "deployment_id": deployment.public_id,
        "log_id": log.public_id,
    }
    return Seeds(Membership.objects.get(organization=organization, role=Role.OWNER).user, ids)


def make_finished_job(project: Project, actor: Actor, *, name: str) -> TrainingJob:
    """With a curve, a log, and scores of the base model and of two checkpoints."""
    options = {"train_test_split_ratio": 20, "test_functions": (FUNCTION,), "name": name}
    job = make_job(project=project, actor=actor, **options)
    for step in range(1, 21):
        data = {"step": step, "total_steps": 20, "loss": 2 / step, "epoch": step / 10, "learning_rate": 3e-4}
        JobEvent.objects.create(job=job, kind="step", at=timezone.now(), data=data)
    warning = {"code": "cut_off", "message": "2 rows were cut off."}
    JobEvent.objects.create(job=job, kind="warning", at=timezone.now(), data=warning)
    for number, scores in enumerate(([0, 0, 1], [1, 0, 1], [1, 1, None])):
        make_tested_rows(job, number, scores, name=FUNCTION)
        if number:
            make_checkpoint(job, number)
    TrainingJob.objects.filter(pk=job.pk).update(status=JobStatus.SUCCESS, progress=100)
    return job
