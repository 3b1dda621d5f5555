"""The Celery application. It carries wake-ups, never truth: see docs/architecture.md."""

from urllib.parse import parse_qs, unquote, urlsplit

from celery import Celery
from django.conf import settings


def celery_url(url: str) -> str:
    """redis-py's `unix://:password@/path?db=n` as Celery writes it; any other address unchanged."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return url
    database = parse_qs(parts.query).get("db", ["0"])[0]
    password = f":{parts.password}@" if parts.password else ""
    return f"redis+socket://{password}{unquote(parts.path)}?virtual_host={database}"


def queue_of(task: str) -> str:
    queues = {"training.run": "training", "training.merge": "training", "engines.run": "engines"}
    return queues.get(task, "control")


app = Celery("embassy")
app.conf.update(
    broker_url=celery_url(settings.BROKER_URL or settings.REDIS_URL),
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    # Early acknowledgement and no prefetch: an hour-long task neither runs twice nor blocks another.
    task_acks_late=False,
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,
    task_default_queue="control",
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    broker_transport_options={"socket_timeout": 10, "socket_connect_timeout": 5, "retry_on_timeout": True},
    timezone="UTC",
)
