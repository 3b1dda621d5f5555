"""The test chat of a deployment's page."""

import orjson
from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.views import View

from embassy.console.actor import visitor_of
from embassy.console.playground import Chat
from embassy.console.views.page import check_scope
from embassy.deployments.selectors import get_deployment
from embassy.platform.actor import Actor
from embassy.platform.errors import EmbassyError, InvalidInput, Unauthorized
from embassy.projects.selectors import get_project

TAKEN = ("messages", "temperature", "top_p", "max_tokens", "seed")


class DeploymentChat(View):
    """POST `{"messages": …}`: an event stream as of /v1/chat/completions, or an error as JSON."""

    async def post(self, request: HttpRequest, project_id: str, deployment_id: str) -> HttpResponseBase:
        try:
            actor, model = await sync_to_async(_enter)(request, project_id, deployment_id)
            return await Chat(actor, _body(request.body, model)).response()
        except EmbassyError as error:
            body = orjson.dumps({"error": error.message, "code": error.code})
            return HttpResponse(body, status=error.status, content_type="application/json")


def _enter(request: HttpRequest, project_id: str, deployment_id: str) -> tuple[Actor, str]:
    """Who asks, and what the gateway calls the model. Raises Unauthorized, Forbidden, NotFound."""
    visitor = visitor_of(request) if request.user.is_authenticated else None
    if visitor is None:
        raise Unauthorized("You are signed out. Sign in again.")
    check_scope(visitor.actor, "inference", request.method)
    deployment = get_deployment(visitor.actor, get_project(visitor.actor, project_id), deployment_id)
    return visitor.actor, deployment.public_id


def _body(given: bytes, model: str) -> bytes:
    """The model is the one of the page, whatever the body says."""
    try:
        data = orjson.loads(given)
    except orjson.JSONDecodeError:
        raise InvalidInput("The body is not JSON.", code="malformed_body") from None
    if not isinstance(data, dict):
        raise InvalidInput("The body must be a JSON object.", code="malformed_body")
    return orjson.dumps({key: data[key] for key in TAKEN if key in data} | {"model": model, "stream": True})
