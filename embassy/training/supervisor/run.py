"""One job, from claim to end."""

import logging

from django.db import InterfaceError, OperationalError, connection

from embassy.platform import leases
from embassy.platform.errors import EmbassyError
from embassy.platform.logs import fields
from embassy.platform.storage import get_storage
from embassy.training import lifecycle
from embassy.training.models import TrainingJob
from embassy.training.states import UNFINISHED
from embassy.training.supervisor import smaller_batch
from embassy.training.supervisor.early_stopping import EarlyStopping
from embassy.training.supervisor.examiner import Examiner
from embassy.training.supervisor.folder import RunFolder, sweep
from embassy.training.supervisor.outcomes import Crashed, Ended, Fenced, Interrupted, OutOfMemory, Pausing
from embassy.training.supervisor.session import Session
from embassy.training.supervisor.tester import Tester
from embassy.training.supervisor.trainer import Trainer
from embassy.training.supervisor.unnamed import remove_unnamed
from embassy.training.testing import CheckpointServer

log = logging.getLogger(__name__)

SHUT_DOWN = "The worker was shut down; another goes on from where it was."
UNEXPECTED = "Something unexpected went wrong; the worker's log has the particulars."


def run_job(job_pk: int, *, server: CheckpointServer) -> None:
    """Claim the job, train and test it. Does nothing if it is not to be run now or another has it."""
    job = lifecycle.claim(job_pk)
    if job is None:
        return
    log.info("job.claimed", extra=fields(job=job.public_id, attempt=job.attempts))
    sweep()
    try:
        with Session(job) as session:
            _run(session, server)
    except (OperationalError, InterfaceError) as error:
        # Nothing can be written now. The lease runs out, and whoever finds that goes on from here.
        log.warning("job.left", extra=fields(job=job.public_id, error=str(error)))
        connection.close()
    else:
        _clean_up(job)


def _run(session: Session, server: CheckpointServer) -> None:
    job, token = session.job, session.token
    try:
        remove_unnamed(job)
        examiner = Examiner(session, server)
        if job.trained_at is None:
            Trainer(session, EarlyStopping.of(session, examiner)).train()
        Tester(session, examiner).test()
    except Fenced:
        log.info("job.fenced", extra=fields(job=job.public_id))
    except (Interrupted, Ended, OutOfMemory, Crashed, EmbassyError) as outcome:
        _conclude(job, outcome, token=token)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:
        if not leases.holds(job, token=token):
            # Its successor has tidied the folder up meanwhile: no fault of the job.
            log.info("job.fenced", extra=fields(job=job.public_id, error=repr(error)))
            return
        lifecycle.record_crash(job, token=token, reason=UNEXPECTED, code="internal_error")
        raise


def _conclude(job: TrainingJob, outcome: Exception, *, token: int) -> None:
    match outcome:
        case Pausing():
            lifecycle.put_aside(job, token=token)
        case Interrupted():
            lifecycle.give_back(job, token=token, reason=SHUT_DOWN)
        case OutOfMemory():
            smaller_batch.retry_or_fail(job, token=token)
        case Ended():
            lifecycle.finish(job, outcome.target, token=token, reason=outcome.reason, code=outcome.code)
        case Crashed():
            lifecycle.record_crash(job, token=token, reason=outcome.reason, code=outcome.code)
        case EmbassyError():
            lifecycle.record_crash(job, token=token, reason=outcome.message, code=outcome.code)


def _clean_up(job: TrainingJob) -> None:
    """Free what only serves to go on, once nobody will: it is the size of the optimizer."""
    if not TrainingJob.objects.filter(pk=job.pk, status__in=UNFINISHED).exists():
        RunFolder.of(job).remove()
        get_storage().delete_prefix(job.resume_prefix)
