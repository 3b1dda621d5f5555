"""The test stage's door to the serving engine: what scores a checkpoint is what a deployment would answer."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from embassy.deployments.selectors import cache_salt
from embassy.engines import selectors as engine_selectors
from embassy.engines import services as engines
from embassy.engines.client import EngineClient, EngineRejected, EngineUnavailable, UnknownModel
from embassy.engines.command import SERVED_NAME
from embassy.engines.keys import Archive
from embassy.engines.models import Adapter, Engine
from embassy.platform.errors import EmbassyError, InvalidInput, Unavailable
from embassy.platform.ids import new_id
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.testing import Message

CONCURRENCY = 16
LOOK_S = 0.5
KEEP_S = 10.0  # between signs of life
STAY_S = 120.0  # without one the adapter is dropped: the process that tested was killed

Progress = Callable[[int], None]


class EngineCheckpointServer:
    """Implements `training.testing.CheckpointServer` with the automatic engine of the job's base model."""

    def generate(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        prompts: Sequence[Sequence[Message]],
        max_tokens: int,
        on_progress: Progress,
    ) -> list[str]:
        """Raises what `on_progress` raises, and EmbassyError if engine or adapter do not come up."""
        parameters = {
            "temperature": 0.0,
            "max_tokens": max_tokens,
            "cache_salt": f"{cache_salt()}-test-{job.project_id}",
        }
        with temporarily_wanted(job, checkpoint) as guest:
            return Examination(guest, prompts, parameters, on_progress).answers()


@dataclass
class Guest:
    """A model on an engine for the length of a test."""

    engine: Engine
    adapter: Adapter | None
    kept_at: float = field(default_factory=time.monotonic)

    @property
    def model(self) -> str:
        return self.adapter.name if self.adapter else SERVED_NAME

    def look(self) -> EngineClient | None:
        """The engine's client if it would answer now. Raises EmbassyError if it never will."""
        self._keep()
        self.engine.refresh_from_db()
        if self.engine.gave_up:
            raise Unavailable(f"The engine does not start. {self.engine.reason}", code="engine_failed")
        if self.adapter is not None:
            self.adapter.refresh_from_db()
            if self.adapter.error:
                raise InvalidInput(self.adapter.error, code="adapter_rejected")
        loaded = self.adapter is None or self.adapter.ready
        return engine_selectors.client_for(self.engine) if self.engine.routable and loaded else None

    def _keep(self) -> None:
        if time.monotonic() - self.kept_at < KEEP_S:
            return
        engines.want_active(engine=self.engine)
        if self.adapter is not None:
            engines.keep_adapter(adapter=self.adapter, seconds=STAY_S)
        self.kept_at = time.monotonic()


@contextmanager
def temporarily_wanted(job: TrainingJob, checkpoint: Checkpoint | None) -> Iterator[Guest]:
    """The checkpoint (None: the base model) wanted on its automatic engine, for as long as the block runs."""
    merged = _archive(checkpoint) if checkpoint is not None and checkpoint.merged else None
    engine = engines.ensure_engine(
        base_model=job.base_model,
        task_type=job.task_type,
        rank=checkpoint.rank if checkpoint else 0,
        merged=merged,
    )
    if checkpoint is None or merged:
        yield Guest(engine, None)
        return
    adapter = engines.want_adapter(
        engine=engine,
        name=f"{checkpoint.public_id}-{new_id('')[:6]}",
        archive=_archive(checkpoint),
        rank=checkpoint.rank,
        seconds=STAY_S,
    )
    try:
        yield Guest(engine, adapter)
    finally:
        engines.drop_adapter(adapter=adapter)


class Examination:
    """All prompts, so many at a time; what fails because the engine went away is asked again."""

    def __init__(
        self,
        guest: Guest,
        prompts: Sequence[Sequence[Message]],
        parameters: dict[str, Any],
        on_progress: Progress,
    ) -> None:
        self._guest = guest
        self._prompts = prompts
        self._parameters = parameters
        self._on_progress = on_progress
        self._answers: dict[int, str] = {}
        self._refusals: list[EngineRejected] = []

    def answers(self) -> list[str]:
        """In order. Raises Unavailable after ENGINE_START_SECONDS without any new answer."""
        while len(self._answers) < len(self._prompts):
            before = len(self._answers)
            client = self._wait_for_engine()
            self._ask_missing(client)
            if len(self._answers) == before:
                # A draining engine still looks ready for a moment.
                self._pause()
        if self._refusals and len(self._refusals) == len(self._prompts):
            raise self._refusals[0]
        return [self._answers[index] for index in range(len(self._prompts))]

    def _wait_for_engine(self) -> EngineClient:
        deadline = time.monotonic() + settings.ENGINE_START_SECONDS
        while (client := self._guest.look()) is None:
            if time.monotonic() > deadline:
                raise Unavailable(
                    f"The engine was not ready within {settings.ENGINE_START_SECONDS} seconds."
                    f" {self._guest.engine.reason}",
                    code="engine_not_ready",
                )
            self._pause()
        return client

    def _pause(self) -> None:
        self._on_progress(len(self._answers))
        time.sleep(LOOK_S)

    def _ask_missing(self, client: EngineClient) -> None:
        missing = [index for index in range(len(self._prompts)) if index not in self._answers]
        pool = ThreadPoolExecutor(max_workers=CONCURRENCY)
        try:
            asked = {pool.submit(self._ask, client, self._prompts[index]): index for index in missing}
            self._collect(asked)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _collect(self, asked: dict["Future[str | EmbassyError]", int]) -> None:
        pending = set(asked)
        while pending:
            done, pending = wait(pending, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                self._note(asked[future], future.result())
            self._on_progress(len(self._answers))
            self._guest.look()  # a sign of life, and the end if the adapter was refused meanwhile

    def _note(self, index: int, result: str | EmbassyError) -> None:
        if isinstance(result, str):
            self._answers[index] = result
        elif isinstance(result, EngineRejected):
            # A user would get no answer for this prompt either: it counts as an empty one.
            self._answers[index] = ""
            self._refusals.append(result)

    def _ask(self, client: EngineClient, prompt: Sequence[Message]) -> str | EmbassyError:
        """The answer, or why there is none."""
        try:
            return self._chat(client, prompt, self._parameters)
        except EngineRejected:
            # The prompt leaves less room than max_tokens asks for: take what room there is.
            return self._ask_unbounded(client, prompt)
        except (EngineUnavailable, UnknownModel) as error:
            return error

    def _ask_unbounded(self, client: EngineClient, prompt: Sequence[Message]) -> str | EmbassyError:
        parameters = {name: value for name, value in self._parameters.items() if name != "max_tokens"}
        try:
            return self._chat(client, prompt, parameters)
        except EmbassyError as error:
            return error

    def _chat(self, client: EngineClient, prompt: Sequence[Message], parameters: dict[str, Any]) -> str:
        [answer] = client.chat(self._guest.model, [prompt], parameters=parameters, concurrency=1)
        return answer.text


def _archive(checkpoint: Checkpoint) -> Archive:
    return Archive(checkpoint.archive_key, checkpoint.sha256)
