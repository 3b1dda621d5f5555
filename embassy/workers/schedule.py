"""The timetable: everything that happens by itself, in one place. Each entry only looks at rows and mends.

What is due is decided by rows and pure functions, never by the clock of this table: an entry that runs
twice, late or not at all does no harm.
"""

from collections.abc import Callable
from dataclasses import dataclass

from embassy.datasets import services as datasets
from embassy.datasets import work
from embassy.datasets.uploads import services as uploads
from embassy.deployments import reconcile as deployments
from embassy.deployments import room, wakes
from embassy.engines import reconcile as engines
from embassy.inference import engine_time
from embassy.inference import services as inference
from embassy.inference.request_logs import services as request_logs
from embassy.llama_stack.files import services as files
from embassy.llama_stack.inference import services as chats
from embassy.projects import idempotency
from embassy.training import merges
from embassy.training import orphans as training_orphans
from embassy.training import reconcile as training


@dataclass(frozen=True)
class Entry:
    name: str
    seconds: float
    run: Callable[[], object]


TIMETABLE = (
    Entry("training.reconcile", 2, training.reconcile),
    Entry("training.reconcile_merges", 2, merges.reconcile),
    Entry("engines.reconcile", 1, engines.reconcile),
    Entry("deployments.reconcile", 2, deployments.reconcile),
    Entry("deployments.make_room", 1, room.make_room),
    Entry("deployments.apply_schedules", 10, deployments.apply_schedules),
    Entry("deployments.forget_wakes", 3600, wakes.forget_old),
    Entry("inference.share_engine_time", 10, engine_time.share_out),
    Entry("inference.purge_latencies", 3600, inference.purge_latencies),
    Entry("inference.purge_tallies", 600, inference.purge_tallies),
    Entry("datasets.reconcile", 2, work.reconcile),
    Entry("datasets.purge_uploads", 600, uploads.purge),
    Entry("datasets.purge_orphans", 3600, datasets.purge_orphans),
    Entry("chats.forget_old", 3600, chats.forget_old),
    Entry("files.purge_expired", 60, files.purge_expired),
    Entry("files.purge_orphans", 3600, files.purge_orphans),
    Entry("request_logs.purge", 60, request_logs.purge),
    Entry("projects.purge_idempotency", 3600, idempotency.purge),
    Entry("training.purge_orphans", 3600, training_orphans.purge_orphans),
)
