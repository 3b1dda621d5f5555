"""The artifacts of a checkpoint in the Emissary family's words."""

from typing import Any

from django.conf import settings
from rest_framework import serializers

from embassy.platform.storage import get_storage
from embassy.training.artifacts import Artifact
from embassy.training.models import Checkpoint


class ArtifactSerializer(serializers.Serializer[Any]):
    """Give the checkpoint as context."""

    kind = serializers.ChoiceField(["adapter", "model", "merged", "evidence"])
    state = serializers.ChoiceField(["pending", "running", "ready", "failed"])
    reason = serializers.CharField(help_text="Why it is not there; empty if it is.")
    size_bytes = serializers.IntegerField(allow_null=True)
    sha256 = serializers.CharField(allow_null=True, help_text="Of the file, in hexadecimal.")
    download_url = serializers.SerializerMethodField(
        help_text="Null until it is ready. The evidence needs the API key, the others do not."
    )

    def get_download_url(self, artifact: Artifact) -> str | None:
        if artifact.kind == "evidence":
            return f"{settings.PUBLIC_URL}{evidence_path(self.context['checkpoint'])}?download=true"
        if artifact.key is None:
            return None
        return get_storage().presigned_get(artifact.key, filename=artifact.filename)


class EvidenceQuerySerializer(serializers.Serializer[Any]):
    download = serializers.BooleanField(
        default=False, help_text="Answer with Content-Disposition: attachment, for browsers."
    )


def evidence_path(checkpoint: Checkpoint) -> str:
    job = checkpoint.job
    return (
        f"/v1/projects/{job.project.public_id}/training-jobs/{job.public_id}"
        f"/checkpoints/{checkpoint.number}/evidence"
    )
