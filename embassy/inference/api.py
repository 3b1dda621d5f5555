"""What the API's document says of the gateway's addresses; see django_mount for when these views act."""

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from embassy.inference import django_mount
from embassy.inference.serializers import (
    EMBEDDINGS,
    ChatCompletionSerializer,
    ChatRequestSerializer,
    ClassificationRequestSerializer,
    ClassificationSerializer,
    CompletionRequestSerializer,
    CompletionSerializer,
    EmbeddingRequestSerializer,
    RegressionRequestSerializer,
    RegressionSerializer,
)
from embassy.platform.schema import ErrorSerializer

FAILURES = {
    400: OpenApiResponse(ErrorSerializer, "A field is wrong, or the model is for another address."),
    404: OpenApiResponse(ErrorSerializer, "There is no such model, or it is not yours."),
    503: OpenApiResponse(
        ErrorSerializer, "The model cannot answer yet; `Retry-After` tells when to come back."
    ),
}


class Completions(APIView):
    scope = "inference"
    names_project = True

    @extend_schema(
        operation_id="getCompletionsFromDeployment",
        summary="Complete a prompt",
        request=CompletionRequestSerializer,
        responses={200: CompletionSerializer, **FAILURES},
    )
    def post(self, request: Request) -> HttpResponse:
        return django_mount.answer(request._request)  # noqa: SLF001 (DRF has no public name for it)


class ChatCompletions(APIView):
    scope = "inference"
    names_project = True

    @extend_schema(
        operation_id="getChatCompletions",
        summary="Answer a chat",
        request=ChatRequestSerializer,
        responses={
            (200, "application/json"): ChatCompletionSerializer,
            (200, "text/event-stream"): OpenApiResponse(
                str, "With `stream`: an event for each piece of the answer, then `data: [DONE]`."
            ),
            **FAILURES,
        },
    )
    def post(self, request: Request) -> HttpResponse:
        return django_mount.answer(request._request)  # noqa: SLF001


class Classification(APIView):
    scope = "inference"
    names_project = True

    @extend_schema(
        operation_id="getClassificationFromDeployment",
        summary="Classify a text",
        request=ClassificationRequestSerializer,
        responses={200: ClassificationSerializer, **FAILURES},
    )
    def post(self, request: Request) -> HttpResponse:
        return django_mount.answer(request._request)  # noqa: SLF001


class Embeddings(APIView):
    scope = "inference"
    names_project = True

    @extend_schema(
        operation_id="getEmbeddingsFromDeployment",
        summary="Turn texts into vectors, or compare two",
        request=EmbeddingRequestSerializer,
        responses={200: EMBEDDINGS, **FAILURES},
    )
    def post(self, request: Request) -> HttpResponse:
        return django_mount.answer(request._request)  # noqa: SLF001


class Regression(APIView):
    scope = "inference"
    names_project = True

    @extend_schema(
        operation_id="getRegressionFromDeployment",
        summary="Estimate a number for a text",
        request=RegressionRequestSerializer,
        responses={200: RegressionSerializer, **FAILURES},
    )
    def post(self, request: Request) -> HttpResponse:
        return django_mount.answer(request._request)  # noqa: SLF001
