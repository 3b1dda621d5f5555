"""What the gateway answers at OpenAI's addresses, by address."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from embassy.deployments.routes import Route
from embassy.inference import embeddings, fields, protocol
from embassy.inference.app import Endpoint
from embassy.inference.call import Call
from embassy.inference.generation import TextEndpoint
from embassy.inference.protocol import TextRequest
from embassy.inference.relay import EventRelay
from embassy.llama_stack.fine_tuning.deploying import deploys_first
from embassy.llama_stack.inference import services, shapes
from embassy.llama_stack.inference.relays import ReadRelay
from embassy.llama_stack.openai.dialects import Dialect
from embassy.llama_stack.openai.metadata import check_metadata
from embassy.platform.errors import InvalidInput

Json = dict[str, Any]

STORING: fields.Table = {"store": fields.boolean, "metadata": fields.mapping}
# A comparison is `/v1/embeddings`' own; here these fields do not exist.
COMPARISON = ("target", "cosine", "manhattan", "euclidean")


@dataclass(frozen=True)
class ChatEndpoint(TextEndpoint):
    """Stores the chats that are to be stored: all of the contract's, which has no field to ask for it."""

    dialect: Dialect = Dialect.OPENAI

    def relay(self, request: TextRequest, route: Route) -> EventRelay:
        is_contract = self.dialect is Dialect.CONTRACT
        return ReadRelay(
            upstream_model=route.upstream_model,
            model=request.model,
            wants_usage=request.wants_usage and not is_contract,
            collects=request.metadata is not None,
            rewrite=partial(shapes.contract_chunk, model=request.model) if is_contract else None,
        )

    async def keep(self, call: Call, request: TextRequest, answer: Json) -> None:
        if request.metadata is not None:
            await self._store(call, request, answer)

    async def keep_stream(self, call: Call, request: TextRequest, relay: EventRelay) -> None:
        assert isinstance(relay, ReadRelay)
        if relay.collected is not None:
            await self._store(call, request, relay.collected.whole())

    async def _store(self, call: Call, request: TextRequest, answer: Json) -> None:
        await call.backend.database.run(
            partial(
                services.store_completion,
                answer=answer,
                messages=call.body["messages"],
                metadata=request.metadata or {},
                actor=call.actor,
            )
        )


def chat(dialect: Dialect, body: Json) -> TextRequest:
    asked = fields.chosen(body, STORING)
    metadata = asked.get("metadata", {})
    check_metadata(metadata)
    is_stored = dialect is Dialect.CONTRACT or asked.get("store")
    return replace(protocol.chat(body), metadata=metadata if is_stored else None)


def contract_completion(body: Json) -> TextRequest:
    """Its `logprobs` is a yes or no, and it has no streams."""
    if body.get("stream"):
        raise InvalidInput(
            "`stream` is not offered here: POST /openai/v1/completions has streams.",
            details={"field": "stream"},
        )
    wanted = body.get("logprobs")
    if wanted is not None and not isinstance(wanted, bool):
        raise fields.wrong("logprobs", "true or false")
    rest = {name: value for name, value in body.items() if name != "logprobs"}
    return protocol.completion(rest | ({"logprobs": 1} if wanted else {}))


async def embed(call: Call) -> None:
    body = {name: value for name, value in call.body.items() if name not in COMPARISON}
    await embeddings.embed(replace(call, body=body))


def _chat(dialect: Dialect, shape: Callable[..., Json]) -> Endpoint:
    return deploys_first(ChatEndpoint("/v1/chat/completions", partial(chat, dialect), shape, dialect))


def _completions(read: Callable[[Json], TextRequest], shape: Callable[..., Json]) -> Endpoint:
    return deploys_first(TextEndpoint("/v1/completions", read, shape))


ENDPOINTS: dict[str, Endpoint] = {
    "/openai/v1/chat/completions": _chat(Dialect.OPENAI, shapes.openai_chat),
    "/openai/v1/completions": _completions(protocol.completion, shapes.openai_completion),
    "/openai/v1/embeddings": embed,
    "/v1/openai/v1/chat/completions": _chat(Dialect.CONTRACT, shapes.contract_chat),
    "/v1/openai/v1/completions": _completions(contract_completion, shapes.contract_completion),
    "/v1/openai/v1/embeddings": embed,
}
