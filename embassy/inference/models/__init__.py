from embassy.inference.models.latency import Latency, LatencyKind
from embassy.inference.models.request_log import RequestLog
from embassy.inference.models.tally import Tally, TallyKind
from embassy.inference.models.usage import Usage, UsageDay

__all__ = ["Latency", "LatencyKind", "RequestLog", "Tally", "TallyKind", "Usage", "UsageDay"]
