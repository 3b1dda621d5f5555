"""The trainer's child process: start it, follow its account, store what it leaves, understand its end."""

import logging
import signal
import time
from contextlib import suppress
from pathlib import Path

from embassy.platform.children import Child, ChildStartError
from embassy.platform.logs import fields
from embassy.training.records import Line
from embassy.training.spec import PAUSE_SIGNAL, EndCode, EndReason
from embassy.training.states import JobStatus
from embassy.training.supervisor.account import Account
from embassy.training.supervisor.early_stopping import EarlyStopping
from embassy.training.supervisor.folder import RunFolder
from embassy.training.supervisor.memory import OomKills
from embassy.training.supervisor.outcomes import Crashed, Ended, Fenced, Interrupted, OutOfMemory
from embassy.training.supervisor.session import Session
from embassy.training.supervisor.start import start_trainer
from embassy.training.supervisor.stored_log import StoredLog
from embassy.training.supervisor.uploads import Uploads

log = logging.getLogger(__name__)

PROGRAM = "embassy.training.runner"
TICK_SECONDS = 0.2
STOP_SECONDS = 4.0
# The runner keeps the limit itself; this is for one that hangs.
LIMIT_GRACE_SECONDS = 60.0

# The same job would fail the same way again.
HOPELESS = frozenset(
    {
        EndCode.NAN_LOSS,
        EndCode.DOES_NOT_FIT,
        EndCode.INVALID_SPEC,
        EndCode.INVALID_DATA,
        EndCode.NO_TRAINABLE_ROWS,
        EndCode.MOSTLY_UNTRAINABLE_ROWS,
        EndCode.BASE_MODEL_UNREADABLE,
        EndCode.CHAT_TEMPLATE_UNUSABLE,
        EndCode.ADAPTER_MISMATCH,
    }
)


class Trainer:
    """Trains one job in one attempt; with `early_stopping`, no longer than that finds worth while."""

    def __init__(self, session: Session, early_stopping: EarlyStopping | None = None) -> None:
        self._session, self._early_stopping = session, early_stopping
        self._folder = RunFolder.of(session.job)
        self._uploads = Uploads(session, self._folder)
        self._log = StoredLog(self._folder.log(session.attempt), session.job.log_key(session.attempt))
        self._oom_kills = OomKills()

    def train(self) -> None:
        """Returns when training is complete and everything is stored. Raises the outcomes."""
        self._folder.wait_until_free(self._session.check)
        end = self._leftovers()
        if end is not None and not is_put_away(end):
            return self._conclude(end, code=None)
        if self._early_stopping and self._early_stopping.is_due():
            return self._early_stopping.tell()
        with self._session.interruptible():
            self._folder.prepare(self._session.job)
            self._uploads.state.restore()
        account = self._new_account()
        seconds_left = self._seconds_left(account)
        spec = self._write_spec(seconds_left)
        code = self._run(spec, account, limit=account.seconds_used + seconds_left + LIMIT_GRACE_SECONDS)
        if self._early_stopping and self._early_stopping.is_due() and not is_completed(account.end):
            return self._early_stopping.tell()
        return self._conclude(account.end, code=code)

    def _write_spec(self, seconds_left: float) -> Path:
        """Where the base model has to be fetched, this takes as long."""
        job, attempt = self._session.job, self._session.attempt
        with self._session.interruptible():
            return self._folder.write_spec(job, attempt=attempt, seconds_left=seconds_left)

    def _leftovers(self) -> Line | None:
        """Store what earlier attempts on this host left unread; the last one's end, if that was among it."""
        job, end = self._session.job, None
        for attempt in self._folder.accounts():
            if attempt < job.events_attempt:
                continue
            offset = job.events_offset if attempt == job.events_attempt else 0
            account = Account(self._session, self._folder.events(attempt), attempt=attempt, offset=offset)
            account.store_new(counts_time=False)
            end = account.end
        self._uploads.store_new()
        return end

    def _new_account(self) -> Account:
        attempt = self._session.attempt
        return Account(self._session, self._folder.events(attempt), attempt=attempt)

    def _seconds_left(self, account: Account) -> float:
        left = float(self._session.job.spec["time_limit_seconds"]) - account.seconds_used
        if left <= 0:
            raise Ended(JobStatus.TIMED_OUT, "Training reached its time limit.", EndCode.TIME_LIMIT)
        return left

    def _run(self, spec: Path, account: Account, *, limit: float) -> int:
        with self._start(spec) as child:
            self._session.on_lost(child.kill)
            try:
                return self._follow(child, account, limit=limit)
            except Interrupted as interruption:
                return self._put_away(child, account, interruption)
            except Fenced:
                child.stop(STOP_SECONDS)
                raise
            finally:
                self._log.store()

    def _put_away(self, child: Child, account: Account, interruption: Interrupted) -> int:
        """Have the trainer save its state, and store it. Raises the interruption unless training was over."""
        began = time.monotonic()
        with self._session.putting_away():
            child.send_signal(PAUSE_SIGNAL)
            while child.poll() is None and time.monotonic() - began < interruption.patience:
                self._session.check()
                self._session.patiently(account.store_new)
                with suppress(TimeoutError):
                    child.wait(TICK_SECONDS)
            code = child.stop(STOP_SECONDS)
            self._store_new(account)
        if account.end is None or is_put_away(account.end):
            raise interruption
        return code

    def _start(self, spec: Path) -> Child:
        try:
            child = start_trainer(PROGRAM, self._folder, spec)
        except ChildStartError as error:
            raise Crashed(f"The trainer could not be started: {error}", "trainer_not_started") from error
        job = self._session.job.public_id
        log.info("trainer.started", extra=fields(job=job, pid=child.pid, origin=child.origin))
        return child

    def _follow(self, child: Child, account: Account, *, limit: float) -> int:
        while (code := self._look(child, account, limit=limit)) is None:
            if self._early_stopping and self._early_stopping.says_stop(
                lambda: self._look(child, account, limit=limit)
            ):
                code = child.stop(STOP_SECONDS)
                self._store_new(account)
                return code
            with suppress(TimeoutError):
                child.wait(TICK_SECONDS)
        return code

    def _look(self, child: Child, account: Account, *, limit: float) -> int | None:
        """Store what is new; the status with which the trainer has ended, or None."""
        code = child.poll()  # before reading: the last lines are there when it has ended
        self._session.check()
        self._store_new(account)
        if code is None and account.seconds_used > limit:
            raise Ended(JobStatus.TIMED_OUT, "Training reached its time limit.", EndCode.TIME_LIMIT)
        return code

    def _store_new(self, account: Account) -> None:
        self._session.patiently(account.store_new)
        self._session.patiently(self._uploads.store_new)
        self._log.store_now_and_then()

    def _conclude(self, end: Line | None, *, code: int | None) -> None:
        if end is None:
            if code == -signal.SIGKILL and self._oom_kills.rose():
                raise OutOfMemory
            raise Crashed(self._unexplained(code), "trainer_died")
        reason, message = str(end.data.get("reason")), str(end.data.get("message") or "")
        end_code = str(end.data.get("code") or reason)
        if is_completed(end):
            return
        if reason == EndReason.TIME_LIMIT:
            raise Ended(JobStatus.TIMED_OUT, message, end_code)
        if end_code == EndCode.OUT_OF_MEMORY or (end_code == EndCode.PROCESS_LOST and self._oom_kills.rose()):
            raise OutOfMemory
        if end_code in HOPELESS:
            raise Ended(JobStatus.FAILED, message, end_code)
        raise Crashed(message or f"The trainer ended with {reason}.", end_code)

    def _unexplained(self, code: int | None) -> str:
        words = self._folder.last_words(self._session.attempt)
        if code is not None and code < 0:
            return f"The trainer was killed (signal {-code})."
        return f"The trainer ended with status {code} and without a word. {words}".strip()


def is_put_away(end: Line | None) -> bool:
    """Whether the trainer ended because it was asked to, and has more to do."""
    return end is not None and end.data.get("reason") in (EndReason.CANCELLED, EndReason.PAUSED)


def is_completed(end: Line | None) -> bool:
    return end is not None and end.data.get("reason") == EndReason.COMPLETED
