"""Kept requests, as the gateway writes them."""

from datetime import datetime
from itertools import count
from typing import Any

from django.utils import timezone

from embassy.deployments.models import Deployment
from embassy.inference.models import RequestLog

_numbers = count(1)


def make_log(
    deployment: Deployment,
    question: str = "Where is Paris?",
    answer: str = "In France.",
    *,
    created_at: datetime | None = None,
    **columns: Any,
) -> RequestLog:
    """A chat that went well, or what `columns` make of it."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": answer, "refusal": None},
        "finish_reason": "stop",
    }
    values: dict[str, Any] = {
        "request_id": f"rq-{next(_numbers)}",
        "endpoint": "chat.completions",
        "status": 200,
        "request": {"model": deployment.name, "messages": [{"role": "user", "content": question}]},
        "response": {"object": "chat.completion", "choices": [choice]},
        "input": question,
        "output": answer,
        "prompt_tokens": 6,
        "completion_tokens": 5,
        "milliseconds": 12.5,
        "created_at": created_at or timezone.now(),
    }
    return RequestLog.objects.create(deployment=deployment, **values | columns)
