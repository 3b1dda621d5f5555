"""Fine-tuned models answer at once: who first names one gets it deployed, and is held while it comes up."""

from collections.abc import Awaitable, Callable
from functools import partial

from embassy.deployments import services as deployments
from embassy.deployments.services import DeploymentRequest
from embassy.inference.call import Call
from embassy.llama_stack.fine_tuning import names, selectors
from embassy.platform.actor import Actor
from embassy.platform.errors import Conflict
from embassy.projects.roles import check_role

Endpoint = Callable[[Call], Awaitable[None]]


def deploys_first(endpoint: Endpoint) -> Endpoint:
    """`endpoint`, but a fine-tuned model that is not deployed is, before the request is answered."""

    async def call_with_model(call: Call) -> None:
        model = call.body.get("model")
        if isinstance(model, str) and names.is_fine_tuned(model):
            routes = call.backend.routes
            if await routes.peek(call.actor, model) is None:
                await call.backend.database.run(partial(deploy_model, name=model, actor=call.actor))
                await routes.look_again()
        await endpoint(call)

    return call_with_model


def deploy_model(*, name: str, actor: Actor) -> None:
    """Put the model behind its name. Raises NotFound for a name that stands for nothing."""
    job, checkpoint = selectors.find_model(actor, name)
    project = job.training_job.project
    check_role(actor, project.pk)
    request = DeploymentRequest(
        reference=job.training_job.public_id,
        checkpoint=checkpoint.number,
        name=name,
        description=f"Deployed when it was first used; made by {job.public_id}.",
    )
    try:
        deployments.create_deployment(project=project, request=request, actor=actor)
    except Conflict as error:
        if error.code != "name_taken":  # by another request that came first
            raise
