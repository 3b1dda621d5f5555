"""An object of each kind that an address of the console can name."""

from embassy.deployments.services import create_engine
from embassy.platform.actor import Actor
from embassy.projects.enrolment import mailed_token
from embassy.projects.invitations import invite
from embassy.projects.models import ApiKey, Organization, Project, User
from embassy.projects.services import create_api_key
from tests.factories.datasets import make_dataset
from tests.factories.deployments import BASE, make_checkpoint, make_deployment, make_job
from tests.factories.evaluation import make_test_function
from tests.factories.projects import make_member
from tests.factories.request_logs import make_log
from tests.factories.uploads import make_refused_upload


def ids_of(project: Project, actor: Actor) -> dict[str, str]:
    """By the name that addresses give it, or by `address.name` where one address means something else.

    An address with a name that is not here fails tests/console/test_every_address.py: make a row of the
    project or of its organization, and add its id.
    """
    job = make_job(project)
    make_checkpoint(job)
    deployment = make_deployment(project, actor=actor, reference=job.public_id, checkpoint=1)
    engine = create_engine(base_model=BASE, name="own", task_type=None, resource_management=None, actor=actor)
    invitation, token = invite(email="invited@example.com", role="member", actor=actor)
    return {
        "project_id": project.public_id,
        "dataset_id": make_dataset(project=project, actor=actor).public_id,
        "upload_id": make_refused_upload(project, actor).public_id,
        "job_id": job.public_id,
        "deployment_id": deployment.public_id,
        "engine_id": engine.public_id,
        "log_id": make_log(deployment).public_id,
        "function_name": make_test_function(actor).name,
        "number": "1",
        "prefix": _key(actor).prefix,
        "user_id": make_member(project.organization).public_id,
        "invitation_id": invitation.public_id,
        "invitation.token": token,
        "sign-up-mailed.token": mailed_token("new@example.com"),
        "account_reset_password_from_key.uidb36": "1",
        "account_reset_password_from_key.key": "set-password",
        "provider_id": "oidc",
    }


def _key(actor: Actor) -> ApiKey:
    organization = Organization.objects.get(pk=actor.organization_id)
    key, _ = create_api_key(
        organization=organization, user=User.objects.get(pk=actor.user_id), name="an owner's"
    )
    return key
