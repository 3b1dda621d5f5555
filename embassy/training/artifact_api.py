"""What can be had of a checkpoint: its weights, a merged model on demand, and its evidence."""

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from embassy.platform.query import query_of
from embassy.platform.storage.disposition import attachment
from embassy.projects.authentication import actor_of
from embassy.training import artifacts, evidence, merges, selectors
from embassy.training.api import JobView
from embassy.training.artifact_serializers import ArtifactSerializer, EvidenceQuerySerializer
from embassy.training.models import Checkpoint


class CheckpointView(JobView):
    def checkpoint(self, request: Request, project_id: str, training_job_id: str, number: int) -> Checkpoint:
        job = self.job(request, project_id, training_job_id)
        checkpoint = selectors.get_checkpoint(job, number)
        checkpoint.job = job
        return checkpoint


class CheckpointArtifacts(CheckpointView):
    @extend_schema(operation_id="listCheckpointArtifacts", responses=ArtifactSerializer(many=True))
    def get(self, request: Request, project_id: str, training_job_id: str, number: int) -> Response:
        checkpoint = self.checkpoint(request, project_id, training_job_id, number)
        found = artifacts.artifacts_of(checkpoint)
        return Response(ArtifactSerializer(found, many=True, context={"checkpoint": checkpoint}).data)


class CheckpointMerge(CheckpointView):
    """Put the adapter into its base model. Asking again does nothing while it is under way or done."""

    @extend_schema(
        operation_id="mergeCheckpoint",
        request=None,
        responses={status.HTTP_200_OK: ArtifactSerializer, status.HTTP_202_ACCEPTED: ArtifactSerializer},
    )
    def post(self, request: Request, project_id: str, training_job_id: str, number: int) -> Response:
        checkpoint = self.checkpoint(request, project_id, training_job_id, number)
        merge = merges.merge_checkpoint(checkpoint=checkpoint, actor=actor_of(request))
        # A whole model needs no merging: it is there already.
        artifact = (
            artifacts.weights(checkpoint) if merge is None else artifacts.merged_model(checkpoint, merge)
        )
        code = status.HTTP_200_OK if artifact.state == "ready" else status.HTTP_202_ACCEPTED
        return Response(ArtifactSerializer(artifact, context={"checkpoint": checkpoint}).data, status=code)


class CheckpointEvidence(CheckpointView):
    @extend_schema(
        operation_id="retrieveCheckpointEvidence",
        parameters=[EvidenceQuerySerializer],
        responses={status.HTTP_200_OK: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request, project_id: str, training_job_id: str, number: int) -> HttpResponse:
        query = query_of(request, EvidenceQuerySerializer)
        checkpoint = self.checkpoint(request, project_id, training_job_id, number)
        # As bytes, so that the file is the one whose checksum the list of artifacts shows.
        content = evidence.as_bytes(evidence.evidence_of(checkpoint))
        answer = HttpResponse(content, content_type="application/json")
        if query["download"]:
            answer["Content-Disposition"] = attachment(artifacts.evidence_filename(checkpoint))
        return answer
