"""What a visitor can ask: deployments and shared base models, as a playground offers them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from embassy.catalog.selectors import list_base_models
from embassy.deployments.models import Deployment
from embassy.deployments.states import DeploymentStatus

MOST = 200  # deployments in one list: more than anybody picks from


@dataclass(frozen=True)
class Askable:
    """`id` is what the gateway calls it; `status` is empty for a base model."""

    id: str
    name: str
    task: str
    status: str = ""


def of_deployments(deployments: Iterable[Deployment]) -> list[Askable]:
    return [Askable(row.public_id, row.name, row.task_type, row.status) for row in deployments]


def base_models() -> list[Askable]:
    """Those that everybody may ask without deploying anything."""
    shared = [model for model in list_base_models() if model.support_serverless]
    return [Askable(model.name, model.name, model.task_types[0]) for model in shared]


def chosen(wanted: Sequence[str], offered: Sequence[Askable], *, most: int) -> list[str]:
    """Ids of those that were asked for by id or name; without any, the first that answers at once."""
    by_name = {one.name: one.id for one in offered} | {one.id: one.id for one in offered}
    found = [by_name[name] for name in wanted if name in by_name][:most]
    awake = [one for one in offered if one.status == DeploymentStatus.DEPLOYED]
    return found or [one.id for one in [*awake, *offered][:1]]
