"""A small synchronous client of one engine, for those who own it: health, adapters, and the test stage.

Users' requests do not come this way; the gateway streams those.
"""

import http.client
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from embassy.platform.errors import EmbassyError, NotFound, Unavailable

HEALTH_S = 5.0
ADMIN_S = 60.0
GENERATE_S = 600.0
CONCURRENCY = 16

IN_FLIGHT = ("vllm:num_requests_running{", "vllm:num_requests_waiting{")

# Every setting that a model's own folder may bring along, so that nothing stands between logits and tokens.
_GREEDY = {
    "temperature": 0.0,
    "top_p": 1.0,
    "top_k": 0,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
    "ignore_eos": True,
    "logprobs": True,
    "top_logprobs": 2,
    "return_token_ids": True,
}

Json = Mapping[str, Any]
T = TypeVar("T")


class EngineUnavailable(Unavailable):
    """The engine does not answer, or not now: the same call may succeed after a retry."""

    code = "engine_unavailable"


class EngineFailed(EngineUnavailable):
    """The engine answered 500: it drains, or has died, or could not do what was asked."""


class EngineRejected(EmbassyError):
    """The engine refused the call and would refuse it again; the message is its own sentence."""

    status = 502
    code = "engine_rejected"


class UnknownModel(NotFound):
    """The engine has no base model or adapter of this name."""

    code = "unknown_engine_model"


@dataclass(frozen=True)
class Completion:
    """One answer: its text, why it ended ("stop", "length", …) and its cost in tokens."""

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class TokenAnswer:
    """A prompt and its answer in tokens, each of the answer's with its log-probability (natural logarithm).

    A margin is how far that is ahead of the second best token's.
    """

    prompt_ids: tuple[int, ...]
    ids: tuple[int, ...]
    logprobs: tuple[float, ...]
    margins: tuple[float, ...]


@dataclass(frozen=True)
class EngineClient:
    """Calls to the engine at `host:port`. Methods raise EngineUnavailable, EngineRejected, UnknownModel."""

    host: str
    port: int
    api_key: str = field(repr=False)

    def is_healthy(self) -> bool:
        """Whether /health says 200; False also when nobody answers."""
        try:
            self._call("GET", "/health", timeout=HEALTH_S)
        except (EngineUnavailable, EngineRejected, UnknownModel):
            return False
        return True

    def model_names(self) -> list[str]:
        """Names that requests may use: "base" and those of the loaded adapters."""
        answer = json.loads(self._call("GET", "/v1/models", timeout=HEALTH_S))
        return [model["id"] for model in answer["data"]]

    def is_ready(self, name: str) -> bool:
        """Whether it is healthy and serves this name; the name tells it from a stranger on the same port."""
        try:
            return self.is_healthy() and name in self.model_names()
        except (EngineUnavailable, EngineRejected, UnknownModel):
            return False

    def is_alive(self) -> bool:
        """Whether the engine's core answers too; it may be busy for longer than this waits."""
        try:
            self._call("GET", "/embassy/alive", timeout=HEALTH_S)
        except (EngineUnavailable, EngineRejected, UnknownModel):
            return False
        return True

    def sleep(self) -> None:
        """Give the GPU back once the requests in flight are through; may take as long as they do."""
        self._call("POST", "/embassy/sleep", timeout=GENERATE_S)

    def wake_up(self) -> None:
        """Take the GPU again; raises EngineFailed if there is no room on it."""
        self._call("POST", "/embassy/wake", timeout=ADMIN_S)

    def requests_in_flight(self) -> int:
        """Running and waiting ones, as the engine counts them."""
        lines = self._call("GET", "/metrics", timeout=HEALTH_S).splitlines()
        counts = (line.rpartition(" ")[2] for line in lines if line.startswith(IN_FLIGHT))
        return round(sum(map(float, counts)))

    def load_adapter(self, name: str, path: Path) -> None:
        """Load an adapter under a name; no error if this name is loaded already.

        Use a new name and path for each version: the engine's prefix cache does not notice changed files.
        """
        try:
            self._post("/v1/load_lora_adapter", {"lora_name": name, "lora_path": str(path)}, ADMIN_S)
        except EngineFailed as error:
            if self.is_healthy():  # then it is the adapter, and it will be tomorrow
                raise EngineRejected(error.message) from error
            raise
        except UnknownModel as error:  # "No adapter found for <path>"
            raise EngineRejected(error.message) from error
        except EngineRejected as error:
            if "has already been loaded" not in error.message:
                raise

    def unload_adapter(self, name: str) -> None:
        """Forget an adapter; no error if it is not loaded. Requests that use it now end normally."""
        try:
            self._post("/v1/unload_lora_adapter", {"lora_name": name}, ADMIN_S)
        except UnknownModel:
            return

    def complete(
        self, model: str, prompts: Sequence[str], *, parameters: Json, concurrency: int = CONCURRENCY
    ) -> list[Completion]:
        """Continue each prompt as it is, in order; `parameters` are those of /v1/completions."""
        bodies = [{**parameters, "model": model, "prompt": prompt} for prompt in prompts]
        return _all(
            bodies, lambda body: _completion(self._post("/v1/completions", body, GENERATE_S)), concurrency
        )

    def chat(
        self,
        model: str,
        conversations: Sequence[Sequence[Json]],
        *,
        parameters: Json,
        concurrency: int = CONCURRENCY,
    ) -> list[Completion]:
        """Answer each list of messages, in order; `parameters` are those of /v1/chat/completions."""
        bodies = [{**parameters, "model": model, "messages": list(messages)} for messages in conversations]
        return _all(
            bodies, lambda body: _chat(self._post("/v1/chat/completions", body, GENERATE_S)), concurrency
        )

    def greedy_tokens(self, model: str, messages: Sequence[Json], *, parameters: Json) -> TokenAnswer:
        """The likeliest answer, whatever the model's own settings are; it goes on past its natural end."""
        body = {**_GREEDY, **parameters, "model": model, "messages": list(messages)}
        return _tokens(self._post("/v1/chat/completions", body, GENERATE_S))

    def classify(
        self, model: str, texts: Sequence[str], *, activation: bool, concurrency: int = CONCURRENCY
    ) -> list[list[float]]:
        """For each text the raw logits, or with `activation` the softmax (for one label: the sigmoid)."""
        bodies = [{"model": model, "input": [text], "use_activation": activation} for text in texts]
        return _all(
            bodies, lambda body: _vector(self._post("/classify", body, GENERATE_S), "probs"), concurrency
        )

    def classify_chat(
        self, model: str, conversations: Sequence[Sequence[Json]], *, concurrency: int = CONCURRENCY
    ) -> list[list[float]]:
        """For each list of messages, put as a question to the assistant, the raw logits."""
        options = {"model": model, "add_generation_prompt": True, "use_activation": False}
        bodies = [{**options, "messages": list(messages)} for messages in conversations]
        return _all(
            bodies, lambda body: _vector(self._post("/classify", body, GENERATE_S), "probs"), concurrency
        )

    def embed(
        self,
        model: str,
        texts: Sequence[str],
        *,
        truncate: bool = False,
        concurrency: int = CONCURRENCY,
    ) -> list[list[float]]:
        """For each text its vector; with `truncate`, of its beginning where it is longer than the context."""
        options = {"model": model, **({"truncate_prompt_tokens": -1} if truncate else {})}
        bodies = [{**options, "input": text} for text in texts]
        return _all(
            bodies,
            lambda body: _vector(self._post("/v1/embeddings", body, GENERATE_S), "embedding"),
            concurrency,
        )

    def tokenize(self, text: str) -> list[int]:
        """The base model's token ids of a text."""
        tokens: list[int] = self._post("/tokenize", {"model": "base", "prompt": text}, ADMIN_S)["tokens"]
        return tokens

    def _post(self, path: str, body: Json, timeout: float) -> dict[str, Any]:
        text = self._call("POST", path, body=json.dumps(body).encode(), timeout=timeout)
        # The adapter calls answer with a sentence.
        answer: dict[str, Any] = json.loads(text) if text.startswith("{") else {}
        return answer

    def _call(self, method: str, path: str, *, timeout: float, body: bytes | None = None) -> str:
        connection = http.client.HTTPConnection(self.host, self.port, timeout=timeout)
        headers = {"Authorization": f"Bearer {self.api_key}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, body=body, headers=headers)
            response = connection.getresponse()
            text = response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            raise EngineUnavailable(
                f"The engine at {self.host}:{self.port} does not answer: {error}"
            ) from error
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise _error(response.status, text)
        return text


def _all(bodies: Sequence[Json], call: Callable[[Json], T], concurrency: int) -> list[T]:
    """Each body's answer, in order, so many at a time; the first failure cancels those not begun."""
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        futures = [pool.submit(call, body) for body in bodies]
        try:
            return [future.result() for future in futures]
        except EmbassyError:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _completion(answer: Json) -> Completion:
    choice = answer["choices"][0]
    return _with_usage(answer, choice["text"], choice["finish_reason"])


def _chat(answer: Json) -> Completion:
    choice = answer["choices"][0]
    return _with_usage(answer, choice["message"]["content"] or "", choice["finish_reason"])


def _tokens(answer: Json) -> TokenAnswer:
    choice = answer["choices"][0]
    places = choice["logprobs"]["content"]
    best = [[one["logprob"] for one in place["top_logprobs"]] for place in places]
    return TokenAnswer(
        prompt_ids=tuple(answer["prompt_token_ids"]),
        ids=tuple(choice["token_ids"]),
        logprobs=tuple(place["logprob"] for place in places),
        margins=tuple(max(values) - min(values) for values in best),
    )


def _with_usage(answer: Json, text: str, finish_reason: str) -> Completion:
    usage = answer["usage"]
    return Completion(text, finish_reason, usage["prompt_tokens"], usage["completion_tokens"])


def _vector(answer: Json, field_name: str) -> list[float]:
    vector: list[float] = answer["data"][0][field_name]
    return vector


def _error(status: int, text: str) -> EmbassyError:
    """An engine's refusal as an exception."""
    sentence = _sentence(text) or f"The engine answered with status {status}."
    if status == http.client.NOT_FOUND:
        return UnknownModel(sentence)
    if status == http.client.INTERNAL_SERVER_ERROR:
        return EngineFailed(sentence)
    if status == http.client.SERVICE_UNAVAILABLE:
        return EngineUnavailable(sentence)
    return EngineRejected(sentence)


def _sentence(text: str) -> str:
    try:
        message: str = json.loads(text)["error"]["message"]
    except (ValueError, KeyError, TypeError):
        return text[:500]
    return message
