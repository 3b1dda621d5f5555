"""The events of a training job for a browser: the API's stream, opened by a session instead of a key."""

import re
from importlib import import_module
from io import BytesIO
from typing import ClassVar

from django.conf import settings
from django.contrib.auth import get_user
from django.core.handlers.asgi import ASGIRequest

from embassy.console.actor import Visitor, visitor_of
from embassy.platform.errors import Forbidden, Unauthorized
from embassy.projects.selectors import get_project
from embassy.training import selectors
from embassy.training.models import TrainingJob
from embassy.training.stream.app import Answer, EventStreams
from embassy.training.stream.feed import SCOPE


class ConsoleStreams(EventStreams):
    path: ClassVar[re.Pattern[str]] = re.compile(
        r"/console/projects/(?P<project>[^/]+)/jobs/(?P<job>[^/]+)/events"
    )

    def find(self, answer: Answer, project_id: str, job_id: str) -> TrainingJob:
        visitor = _visitor(answer)
        if not visitor.actor.may(SCOPE):
            raise Forbidden("Your role may not read training jobs.")
        return selectors.get_job(visitor.actor, get_project(visitor.actor, project_id), job_id)


def _visitor(answer: Answer) -> Visitor:
    request = ASGIRequest(dict(answer.scope), BytesIO())
    cookie = request.COOKIES.get(settings.SESSION_COOKIE_NAME)
    request.session = import_module(settings.SESSION_ENGINE).SessionStore(cookie)
    request.user = get_user(request)
    visitor = visitor_of(request) if request.user.is_authenticated else None
    if visitor is None:
        raise Unauthorized("Sign in first.")
    return visitor
