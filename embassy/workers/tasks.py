"""Every Celery task: take an id, call one service. The truth is in the rows; a task is only a wake-up."""

from celery import shared_task

from embassy.datasets import services as datasets
from embassy.datasets.analyses import run as analyses
from embassy.datasets.uploads import check as uploads
from embassy.deployments import services as deployments
from embassy.deployments.testing import EngineCheckpointServer
from embassy.engines import supervisor as engine_supervisor
from embassy.llama_stack.files import services as files
from embassy.training import services as training
from embassy.training import supervisor as training_supervisor
from embassy.training.token_lengths import token_lengths
from embassy.workers import job_traces, purge


@shared_task(name="training.run")
def run_training_job(job_pk: int) -> None:
    with job_traces.attempt(job_pk):
        training_supervisor.run_job(job_pk, server=EngineCheckpointServer())


@shared_task(name="training.merge")
def merge_checkpoint(merge_pk: int) -> None:
    training_supervisor.run_merge(merge_pk)


@shared_task(name="training.purge")
def purge_training_job(prefix: str) -> None:
    training.purge_objects(prefix=prefix)


@shared_task(name="engines.run")
def run_engine(engine_pk: int) -> None:
    engine_supervisor.run_engine(engine_pk)


@shared_task(name="engines.changed")
def engine_changed(engine_pk: int) -> None:
    deployments.reconcile_engine(engine_pk=engine_pk)


@shared_task(name="deployments.reconcile")
def reconcile_deployment(deployment_pk: int) -> None:
    deployments.reconcile(deployment_pk=deployment_pk)


@shared_task(name="datasets.check")
def check_upload(upload_pk: int) -> None:
    uploads.check_upload(upload_pk)


@shared_task(name="datasets.analyse")
def analyse_dataset(analysis_pk: int) -> None:
    analyses.run_analysis(analysis_pk, tokens=token_lengths)


@shared_task(name="datasets.purge")
def purge_dataset(prefix: str) -> None:
    datasets.purge_objects(prefix=prefix)


@shared_task(name="files.purge")
def purge_file(prefix: str) -> None:
    files.purge_objects(prefix=prefix)


@shared_task(name="projects.purge")
def purge_project(project_pk: int) -> None:
    purge.purge_project(project_pk=project_pk)
