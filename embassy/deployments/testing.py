"""The test stage's door to the serving engine: what scores a checkpoint is what a deployment would answer."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from django.conf import settings
from django.db import transaction

from embassy.deployments.selectors import cache_salt
from embassy.deployments.states import LIVE
from embassy.engines import selectors as engine_selectors
from embassy.engines import services as engines
from embassy.engines.client import EngineClient, EngineRejected, EngineUnavailable, UnknownModel
from embassy.engines.command import SERVED_NAME
from embassy.engines.keys import Archive
from embassy.engines.models import Adapter, Engine
from embassy.platform.errors import InvalidInput, Unavailable
from embassy.platform.ids import new_id
from embassy.platform.logs import fields
from embassy.training.models import Checkpoint, TrainingJob
from embassy.training.parity import Answer, Served
from embassy.training.testing import Answers, Message, Probed, Progress

log = logging.getLogger(__name__)

CONCURRENCY = 16
LOOK_S = 0.5
KEEP_S = 10.0  # between signs of life
STAY_S = 120.0  # without one the adapter is dropped: the process that tested was killed

Question = TypeVar("Question")
Reply = TypeVar("Reply")


class EngineCheckpointServer:
    """Implements `training.testing.CheckpointServer` with the automatic engine of the job's base model.

    Methods raise what `on_progress` raises, and EmbassyError if engine or adapter do not come up.
    """

    def __init__(self) -> None:
        self._held: dict[int, Guest] = {}  # by the checkpoint's key

    def generate(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        prompts: Sequence[Sequence[Message]],
        max_tokens: int,
        on_progress: Progress,
        answers: Answers | None = None,
    ) -> list[str]:
        chat = Chat({"temperature": 0.0, "max_tokens": max_tokens, "cache_salt": _salt(job)})
        with self._guest(job, checkpoint) as guest:
            texts = Examination(guest, prompts, chat.ask, on_progress, answers).answers()
        # A user would get no answer for a refused prompt either: it counts as an empty one.
        return [text or "" for text in texts]

    def classify(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint,
        prompts: Sequence[Sequence[Message]],
        on_progress: Progress,
        answers: Answers | None = None,
    ) -> list[list[float] | None]:
        with self._guest(job, checkpoint) as guest:
            return Examination(guest, prompts, judge, on_progress, answers).answers()

    def embed(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint | None,
        texts: Sequence[str],
        on_progress: Progress,
        answers: Answers | None = None,
    ) -> list[list[float] | None]:
        with self._guest(job, checkpoint) as guest:
            return Examination(guest, texts, embed, on_progress, answers).answers()

    def probe(
        self,
        job: TrainingJob,
        checkpoint: Checkpoint,
        prompts: Sequence[Sequence[Message]],
        max_tokens: int,
        on_progress: Progress,
    ) -> Probed:
        inquiry = Inquiry({"max_tokens": max_tokens, "cache_salt": _salt(job)})
        with self._guest(job, checkpoint) as guest:
            models = [guest.model] if guest.adapter is None else [guest.model, SERVED_NAME]
            asked = [(model, prompt) for model in models for prompt in prompts]
            served = Examination(guest, asked, inquiry.ask, on_progress).answers()
        count = len(prompts)
        return Probed(served[:count], served[count:] or None)

    @contextmanager
    def holding(self, job: TrainingJob, checkpoint: Checkpoint) -> Iterator[None]:
        with temporarily_wanted(job, checkpoint) as guest:
            self._held[checkpoint.pk] = guest
            try:
                yield
            finally:
                del self._held[checkpoint.pk]

    @contextmanager
    def _guest(self, job: TrainingJob, checkpoint: Checkpoint | None) -> Iterator["Guest"]:
        held = self._held.get(checkpoint.pk) if checkpoint is not None else None
        if held is not None:
            yield held
            return
        with temporarily_wanted(job, checkpoint) as guest:
            yield guest


@dataclass(frozen=True)
class Chat:
    """Asks for an answer of at most so many tokens as `parameters` say."""

    parameters: dict[str, Any]

    def ask(self, client: EngineClient, model: str, prompt: Sequence[Message]) -> str:
        try:
            return self._ask(client, model, prompt, self.parameters)
        except EngineRejected:
            # The prompt leaves less room than max_tokens asks for: take what room there is.
            rest = {name: value for name, value in self.parameters.items() if name != "max_tokens"}
            return self._ask(client, model, prompt, rest)

    def _ask(
        self, client: EngineClient, model: str, prompt: Sequence[Message], parameters: dict[str, Any]
    ) -> str:
        [answer] = client.chat(model, [prompt], parameters=parameters, concurrency=1)
        return answer.text


@dataclass(frozen=True)
class Inquiry:
    """Asks a model by its name for the tokens of its likeliest answer."""

    parameters: dict[str, Any]

    def ask(self, client: EngineClient, _: str, question: tuple[str, Sequence[Message]]) -> Served:
        model, prompt = question
        said = client.greedy_tokens(model, prompt, parameters=self.parameters)
        return Served(said.prompt_ids, Answer(said.ids, said.logprobs, said.margins))


def judge(client: EngineClient, model: str, prompt: Sequence[Message]) -> list[float]:
    """The outputs of a head."""
    [outputs] = client.classify_chat(model, [prompt], concurrency=1)
    return outputs


def embed(client: EngineClient, model: str, text: str) -> list[float]:
    [vector] = client.embed(model, [text], truncate=True, concurrency=1)
    return vector


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
    if checkpoint is None or checkpoint.merged:
        yield from _without_adapter(job, checkpoint)
        return
    engine, adapter = _take_place(job, checkpoint)
    try:
        yield Guest(engine, adapter)
    finally:
        engines.drop_adapter(adapter=adapter)


@transaction.atomic
def _take_place(job: TrainingJob, checkpoint: Checkpoint) -> tuple[Engine, Adapter]:
    rank = checkpoint.rank
    engine = engines.ensure_place(
        base_model=job.base_model, task_type=job.task_type, rank=rank, is_guest=True
    )
    name = f"{checkpoint.public_id}-{new_id('')[:6]}"
    return engine, engines.want_adapter(
        engine=engine, name=name, archive=_archive(checkpoint), rank=rank, seconds=STAY_S
    )


def _without_adapter(job: TrainingJob, checkpoint: Checkpoint | None) -> Iterator[Guest]:
    merged = _archive(checkpoint) if checkpoint is not None else None
    engine = engines.ensure_engine(base_model=job.base_model, task_type=job.task_type, merged=merged)
    yield from _alone(engine) if merged else [Guest(engine, None)]


def _alone(engine: Engine) -> Iterator[Guest]:
    """A whole model has an engine of its own; once it is tested only a deployment needs that."""
    try:
        yield Guest(engine, None)
    finally:
        if not engine.deployments.filter(status__in=LIVE).exists():
            engines.want_inactive(engine=engine, reason="The test of its model is over.")


class Examination(Generic[Question, Reply]):
    """All prompts, so many at a time; what fails because the engine went away is asked again."""

    def __init__(
        self,
        guest: Guest,
        questions: Sequence[Question],
        ask: Callable[[EngineClient, str, Question], Reply],
        on_progress: Progress,
        answers: "dict[int, Reply | None] | None" = None,
    ) -> None:
        self._guest = guest
        self._questions = questions
        self._ask = ask
        self._on_progress = on_progress
        self._answers: dict[int, Reply | None] = {} if answers is None else answers
        self._refusals: list[EngineRejected] = []

    def answers(self) -> list[Reply | None]:
        """In order; None where the engine refuses the question.

        Raises Unavailable after ENGINE_START_SECONDS without an engine, EngineRejected if all are refused.
        """
        while len(self._answers) < len(self._questions):
            before = len(self._answers)
            client = self._wait_for_engine()
            self._ask_missing(client)
            if len(self._answers) == before:
                # A draining engine still looks ready for a moment.
                self._pause()
        if self._refusals and len(self._refusals) == len(self._questions):
            raise self._refusals[0]
        return [self._answers[index] for index in range(len(self._questions))]

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
        missing = [index for index in range(len(self._questions)) if index not in self._answers]
        pool = ThreadPoolExecutor(max_workers=CONCURRENCY)
        try:
            asked = {
                pool.submit(self._ask, client, self._guest.model, self._questions[index]): index
                for index in missing
            }
            self._collect(asked)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def _collect(self, asked: dict["Future[Reply]", int]) -> None:
        pending = set(asked)
        while pending:
            done, pending = wait(pending, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            for future in done:
                self._note(asked[future], future)
            self._on_progress(len(self._answers))
            self._guest.look()  # a sign of life, and the end if the adapter was refused meanwhile

    def _note(self, index: int, future: "Future[Reply]") -> None:
        try:
            self._answers[index] = future.result()
        except EngineRejected as error:
            self._answers[index] = None
            self._refusals.append(error)
        except (EngineUnavailable, UnknownModel) as error:
            log.info("test.unanswered", extra=fields(model=self._guest.model, error=error.message))


def _salt(job: TrainingJob) -> str:
    """Nobody else's prompts share the engine's prefix cache."""
    return f"{cache_salt()}-test-{job.project_id}"


def _archive(checkpoint: Checkpoint) -> Archive:
    return Archive(checkpoint.archive_key, checkpoint.sha256)
