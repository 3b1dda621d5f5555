"""Stored chats, and the document's entries for what the gateway answers at these addresses."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.response import Response

from embassy.inference import django_mount
from embassy.inference.serializers import EmbeddingListSerializer
from embassy.llama_stack.inference import selectors, services
from embassy.llama_stack.inference import serializers as wire
from embassy.llama_stack.inference.endpoints import ENDPOINTS
from embassy.llama_stack.openai.dialects import Dialect, DialectView, mounted
from embassy.llama_stack.openai.pages import listing, page_of
from embassy.platform.query import query_of
from embassy.projects.authentication import actor_of

STREAM = OpenApiResponse(str, "With `stream`: an event for each piece of the answer, then `data: [DONE]`.")


class ChatList(DialectView):
    scope = "inference"

    @extend_schema(
        summary="List stored chat completions",
        parameters=[wire.StoredChatQuerySerializer],
        responses=wire.StoredChatListSerializer,
    )
    def get(self, request: Request) -> Response:
        query = query_of(request, wire.StoredChatQuerySerializer)
        rows = selectors.completions_visible_to(
            actor_of(request), model=query.pop("model", None), metadata=_metadata(request)
        )
        query.setdefault("order", "desc" if self.is_contract else "asc")
        page = page_of(rows, **query)
        data = [wire.stored_body(row, self.dialect) for row in page.rows]
        return Response(listing(data, has_more=page.has_more))

    @extend_schema(
        summary="Answer a chat",
        request=wire.ChatBodySerializer,
        responses={(200, "application/json"): wire.CHAT, (200, "text/event-stream"): STREAM},
    )
    def post(self, request: Request) -> HttpResponse:
        return django_mount.answer(request._request, endpoints=ENDPOINTS)  # noqa: SLF001


class ChatDetail(DialectView):
    scope = "inference"

    @extend_schema(summary="Look at a stored chat completion", responses=wire.StoredChatSerializer)
    def get(self, request: Request, completion_id: str) -> Response:
        completion = selectors.get_completion(actor_of(request), completion_id)
        return Response(wire.stored_body(completion, self.dialect))


class OpenAIChatDetail(ChatDetail):
    """OpenAI's own client can also change and delete them."""

    @extend_schema(
        summary="Change a stored chat completion's metadata",
        request=wire.MetadataSerializer,
        responses=wire.StoredChatSerializer,
    )
    def post(self, request: Request, completion_id: str) -> Response:
        completion = selectors.get_completion(actor_of(request), completion_id)
        body = wire.MetadataSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        services.change_metadata(completion=completion, metadata=body.validated_data["metadata"] or {})
        return Response(wire.stored_body(completion, self.dialect))

    @extend_schema(summary="Delete a stored chat completion", responses={200: wire.DeletedChatSerializer})
    def delete(self, request: Request, completion_id: str) -> Response:
        services.delete_completion(completion=selectors.get_completion(actor_of(request), completion_id))
        return Response({"object": "chat.completion.deleted", "id": completion_id, "deleted": True})


class ChatMessages(DialectView):
    scope = "inference"

    @extend_schema(summary="List a stored chat's messages", responses=wire.MessageListSerializer)
    def get(self, request: Request, completion_id: str) -> Response:
        completion = selectors.get_completion(actor_of(request), completion_id)
        return Response(listing(wire.messages_of(completion), has_more=False))


class Completions(DialectView):
    scope = "inference"

    @extend_schema(
        summary="Complete a prompt", request=wire.CompletionBodySerializer, responses=wire.TextSerializer
    )
    def post(self, request: Request) -> HttpResponse:
        return django_mount.answer(request._request, endpoints=ENDPOINTS)  # noqa: SLF001


class Embeddings(DialectView):
    scope = "inference"

    @extend_schema(
        summary="Embed texts", request=wire.EmbeddingBodySerializer, responses=EmbeddingListSerializer
    )
    def post(self, request: Request) -> HttpResponse:
        return django_mount.answer(request._request, endpoints=ENDPOINTS)  # noqa: SLF001


def _metadata(request: Request) -> dict[str, str]:
    """`metadata[name]=value`, as often as wanted."""
    prefix = "metadata["
    return {
        name[len(prefix) : -1]: value
        for name, value in request.query_params.dict().items()
        if name.startswith(prefix) and name.endswith("]")
    }


urlpatterns = [
    *mounted("chat/completions", ChatList),
    *mounted("chat/completions/<str:completion_id>", ChatDetail, Dialect.CONTRACT),
    *mounted("chat/completions/<str:completion_id>", OpenAIChatDetail, Dialect.OPENAI),
    *mounted("chat/completions/<str:completion_id>/messages", ChatMessages, Dialect.OPENAI),
    *mounted("completions", Completions),
    *mounted("embeddings", Embeddings),
]
