"""How many processes one run may have here."""

from django.conf import settings

from embassy.platform.errors import InvalidInput
from embassy.training.launch import devices
from embassy.training.spec import Parameters


def check_processes(parameters: Parameters) -> None:
    """Raises InvalidInput for more processes than a training host has devices for."""
    most = settings.TRAINING_PROCESSES or devices()
    if parameters.num_processes > max(1, most):
        raise InvalidInput(
            f"parameters.num_processes: training hosts have devices for {most} here,"
            f" not for {parameters.num_processes}. Lower it.",
            code="invalid_parameter",
        )
