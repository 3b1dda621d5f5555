"""Datasets of a project."""

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from embassy.datasets import selectors, services
from embassy.datasets.serializers import (
    DatasetDetailSerializer,
    DatasetSummarySerializer,
    UploadDatasetSerializer,
)
from embassy.platform.errors import InvalidInput, TooLarge
from embassy.projects.authentication import actor_of
from embassy.projects.idempotent import idempotent
from embassy.projects.selectors import get_project

# What multipart adds to the file: boundaries, headers, the name.
ENVELOPE_BYTES = 64 * 1024


class DatasetList(APIView):
    scope = "datasets"
    parser_classes = (MultiPartParser,)

    @extend_schema(operation_id="listDatasets", responses=DatasetSummarySerializer(many=True))
    def get(self, request: Request, project_id: str) -> Response:
        actor = actor_of(request)
        datasets = selectors.datasets_in(actor, get_project(actor, project_id))
        return Response(DatasetSummarySerializer(datasets, many=True).data)

    @extend_schema(
        operation_id="createDataset",
        request={"multipart/form-data": UploadDatasetSerializer},
        responses={status.HTTP_201_CREATED: DatasetSummarySerializer},
    )
    @idempotent(atomic=False, check=lambda request: _check_length(request))
    def post(self, request: Request, project_id: str) -> Response:
        actor = actor_of(request)
        project = get_project(actor, project_id)
        _check_length(request)
        body = UploadDatasetSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        file = body.validated_data["file"]
        dataset = services.create_dataset(
            project=project,
            file=file.file,
            file_name=file.name,
            name=body.validated_data.get("name"),
            actor=actor,
            max_bytes=settings.API_UPLOAD_BYTES,
        )
        return Response(DatasetSummarySerializer(dataset).data, status=status.HTTP_201_CREATED)


class DatasetDetail(APIView):
    scope = "datasets"

    @extend_schema(operation_id="retrieveDatasetById", responses=DatasetDetailSerializer)
    def get(self, request: Request, project_id: str, dataset_id: str) -> Response:
        actor = actor_of(request)
        dataset = selectors.get_dataset(actor, get_project(actor, project_id), dataset_id)
        return Response(DatasetDetailSerializer(dataset).data)

    @extend_schema(operation_id="deleteDatasetById", responses={status.HTTP_204_NO_CONTENT: None})
    def delete(self, request: Request, project_id: str, dataset_id: str) -> Response:
        actor = actor_of(request)
        dataset = selectors.get_dataset(actor, get_project(actor, project_id), dataset_id)
        services.delete_dataset(dataset=dataset, actor=actor)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _check_length(request: Request) -> None:
    """Refuse by the announced length, before the body is parsed."""
    length = request.headers.get("Content-Length")
    if not length and request.headers.get("Transfer-Encoding"):
        # Django would see an empty body, and the sender a puzzling "no file was submitted".
        raise InvalidInput("Send the Content-Length of the body.", code="length_required")
    if length and int(length) > settings.API_UPLOAD_BYTES + ENVELOPE_BYTES:
        raise TooLarge(services.too_large_sentence(settings.API_UPLOAD_BYTES))
