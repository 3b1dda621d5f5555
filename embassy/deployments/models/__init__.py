from embassy.deployments.models.deployment import Deployment
from embassy.deployments.models.wake import Wake, WakeCause, WakeOutcome

__all__ = ["Deployment", "Wake", "WakeCause", "WakeOutcome"]
