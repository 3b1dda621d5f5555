"""What the gateway needs to know to answer for one model: the one type that deployments and inference share.

`selectors.routes()` makes the list. The gateway keeps it as a snapshot, looks again after every
`notify.ROUTES` and at the latest after two seconds, and acts on rows only through
`services.wake(route=…, actor=…)`, for a route that is asleep, and
`services.touch(deployment_pks=…, engine_pks=…)`, every few seconds, for what was used since or is in use now.
"""

from dataclasses import dataclass
from typing import Literal

RouteKind = Literal["deployment", "base_model"]
RouteState = Literal["ready", "starting", "asleep", "failed", "terminated"]


@dataclass(frozen=True)
class Route:
    """One deployment, or one serverless base model (organization and project None: it is everybody's).

    `models` are the names and ids that requests may give. `host` and `port` are of use only while `state` is
    ready, and `upstream_model` is the name by which the engine knows the adapter, or "base". `reason` is a
    sentence: why it is not ready. With `prompt_prefix` and `prompt_suffix` a plain prompt is dressed as in
    training; None: it goes as it is. `task_type` is text-generation, classification, embedding or
    regression. `context_length` is in tokens. A head's outputs stand for `labels` in their order, and with
    `multi_label` each holds or not by itself; what a regression gives is times `deviation` plus `mean`. With
    `log_requests` what goes in and out is kept.
    """

    kind: RouteKind
    models: tuple[str, ...]
    organization_id: int | None
    project_id: int | None
    deployment_pk: int | None
    engine_pk: int | None
    engine_id: str | None  # public id
    host: str
    port: int
    api_key: str
    upstream_model: str
    task_type: str
    prompt_prefix: str | None
    prompt_suffix: str | None
    context_length: int
    state: RouteState
    reason: str
    cache_salt: str
    labels: tuple[str, ...] = ()
    multi_label: bool = False
    mean: float = 0.0
    deviation: float = 1.0
    log_requests: bool = False
