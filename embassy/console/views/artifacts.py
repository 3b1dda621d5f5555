"""What can be had of a checkpoint."""

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from embassy.console.presenters.parity import probes_of
from embassy.console.views.jobs import JobPage
from embassy.platform.errors import NotFound
from embassy.platform.storage import get_storage
from embassy.platform.storage.disposition import attachment
from embassy.training import artifacts, evidence, merges, selectors
from embassy.training.artifacts import Artifact
from embassy.training.models import Checkpoint

TITLES = {
    "adapter": ("Adapter", "What training added to the base model."),
    "model": ("Model", "The whole model."),
    "merged": ("Merged model", "Adapter and base model in one, to be served anywhere."),
    "evidence": ("Evidence", "From what, with what and how this checkpoint was made."),
}


@dataclass(frozen=True)
class ShownArtifact:
    artifact: Artifact
    title: str
    hint: str
    address: str


class CheckpointPage(JobPage):
    """One that is about a single checkpoint."""

    checkpoint: Checkpoint

    def enter(self) -> None:
        super().enter()
        self.checkpoint = selectors.get_checkpoint(self.job, int(self.kwargs["number"]))
        self.checkpoint.job = self.job

    def list_page(self) -> HttpResponse:
        found = artifacts.artifacts_of(self.checkpoint)
        kinds = {artifact.kind for artifact in found}
        return self.page(
            "console/_artifacts.html",
            job=self.job,
            checkpoint=self.checkpoint,
            shown=[self._shown(artifact) for artifact in found],
            mergeable="merged" not in kinds and "model" not in kinds,
            card=artifacts.model_card(self.checkpoint),
            probes=probes_of(self.checkpoint.parity),
            moving=any(artifact.state in ("pending", "running") for artifact in found),
        )

    def _shown(self, artifact: Artifact) -> ShownArtifact:
        title, hint = TITLES[artifact.kind]
        return ShownArtifact(artifact, title, hint, self._address(artifact))

    def _address(self, artifact: Artifact) -> str:
        if artifact.kind == "evidence":
            ids = (self.project.public_id, self.job.public_id, self.checkpoint.number)
            return reverse("console:evidence", args=ids)
        return get_storage().presigned_get(artifact.key, filename=artifact.filename) if artifact.key else ""


class ArtifactList(CheckpointPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        return self.list_page()


class MergeCheckpoint(CheckpointPage):
    def post(self, request: HttpRequest, **ids: str) -> HttpResponse:
        merges.merge_checkpoint(checkpoint=self.checkpoint, actor=self.actor)
        return self.list_page()


class DownloadCard(CheckpointPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        card = artifacts.model_card(self.checkpoint)
        if card is None:
            raise NotFound("This checkpoint has no model card.")
        answer = HttpResponse(card, content_type="text/markdown; charset=utf-8")
        answer["Content-Disposition"] = attachment(artifacts.card_filename(self.checkpoint))
        return answer


class DownloadEvidence(CheckpointPage):
    def get(self, request: HttpRequest, **ids: str) -> HttpResponse:
        answer = HttpResponse(
            evidence.as_bytes(evidence.evidence_of(self.checkpoint)), content_type="application/json"
        )
        answer["Content-Disposition"] = attachment(artifacts.evidence_filename(self.checkpoint))
        return answer
