"""System check: every name that may be enqueued is a registered task, and the other way round."""

from collections.abc import Sequence
from typing import Any

from django.core.checks import CheckMessage, Error, register

from embassy.platform.broker import app
from embassy.platform.enqueue import NAMES


@register()
def every_enqueued_name_is_a_task(app_configs: Sequence[Any] | None, **kwargs: Any) -> list[CheckMessage]:
    from embassy.workers import tasks  # noqa: F401  (registers them; here because tasks need all models)

    registered = {name for name in app.tasks if not name.startswith("celery.")}
    return [
        Error(f"{name} is enqueued or registered, not both", id="workers.E001")
        for name in sorted(NAMES ^ registered)
    ]
