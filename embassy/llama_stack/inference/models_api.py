"""The models that requests may name: serverless base models, and the caller's deployments by name."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from embassy.catalog import selectors as catalog
from embassy.deployments import selectors as deployments
from embassy.deployments.models import Deployment
from embassy.llama_stack.openai.dialects import Dialect, DialectView, mounted
from embassy.platform.actor import Actor
from embassy.platform.errors import NotFound
from embassy.projects.authentication import actor_of

OURS = "embassy"
Json = dict[str, Any]


class ModelSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="What requests give as `model`.")
    object = serializers.CharField(help_text="model")
    created = serializers.IntegerField(help_text="UNIX seconds; 0 for base models.")
    owned_by = serializers.CharField(help_text="The organization's id; of base models: embassy.")


class ModelListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField(required=False)
    data = ModelSerializer(many=True)  # type: ignore[assignment] # the name that clients expect


class ModelList(DialectView):
    scope = "models"

    @extend_schema(summary="List models", responses={200: ModelListSerializer})
    def get(self, request: Request) -> Response:
        data = models_of(actor_of(request))
        return Response({"data": data} if self.is_contract else {"object": "list", "data": data})


class ModelDetail(DialectView):
    scope = "models"

    @extend_schema(summary="Look at a model", responses=ModelSerializer)
    def get(self, request: Request, model: str) -> Response:
        found = next((entry for entry in models_of(actor_of(request)) if entry["id"] == model), None)
        if found is None:
            raise NotFound(f"There is no model {model}. List them with GET /openai/v1/models.")
        return Response(found)


def models_of(actor: Actor) -> list[Json]:
    """A key that is limited to models sees these alone."""
    base = [_entry(model.name, 0, OURS) for model in catalog.list_base_models() if model.support_serverless]
    rows = deployments.deployments_visible_to(actor).select_related("organization")
    found = [*base, *map(_of_deployment, rows)]
    return [entry for entry in found if actor.models is None or entry["id"] in actor.models]


def _of_deployment(row: Deployment) -> Json:
    return _entry(row.name, int(row.created_at.timestamp()), row.organization.public_id)


def _entry(name: str, created: int, owner: str) -> Json:
    return {"id": name, "object": "model", "created": created, "owned_by": owner}


urlpatterns = [
    *mounted("models", ModelList),
    *mounted("models/<path:model>", ModelDetail, Dialect.OPENAI),
]
