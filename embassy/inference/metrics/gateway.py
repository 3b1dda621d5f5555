"""Counters and histograms of what the gateway answered in this process."""

from collections import Counter
from collections.abc import Iterator, Mapping

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from embassy.inference.histogram import cumulative
from embassy.inference.metrics.audience import Audience
from embassy.inference.series import PRESENT, SERIES, label_of
from embassy.inference.spending import Buckets, Outcome, Total

WHOSE = ("deployment", "model")
Name = tuple[str, str]  # values of WHOSE
Totals = Mapping[Name, Total]


class GatewayCollector(Collector):
    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def collect(self) -> Iterator[Metric]:
        totals = self._totals()
        yield _requests(totals, SERIES.strays() if self._audience.is_operator else {})
        yield _errors(totals, SERIES.strays() if self._audience.is_operator else {})
        yield from _tokens(totals)
        yield _histogram(
            "embassy_gateway_request_seconds",
            "From a request to the last byte of its answer.",
            {name: (total.whole, total.milliseconds) for name, total in totals.items()},
        )
        yield _histogram(
            "embassy_gateway_first_token_seconds",
            "From a request to the first event of its stream.",
            {name: (total.first_token, total.first_milliseconds) for name, total in totals.items()},
        )
        yield _histogram(
            "embassy_gateway_held_seconds",
            "For which requests waited until their models were up.",
            {name: (total.held, total.held_milliseconds) for name, total in totals.items()},
        )
        yield from self._present()

    def _totals(self) -> Totals:
        """By what the labels say: a base model is one, whoever asks it."""
        named: dict[Name, Total] = {}
        for label, total in SERIES.totals().items():
            if self._audience.may_see(label):
                named.setdefault((label.deployment, label.model), Total()).add(total)
        return named

    def _present(self) -> Iterator[Metric]:
        gateways, in_flight = list(PRESENT), Counter[Name]()
        for gateway in gateways:
            for account, count in gateway.in_flight().items():
                label = label_of(account)
                if self._audience.may_see(label):
                    in_flight[label.deployment, label.model] += count
        told = "Requests that engines have."
        family = GaugeMetricFamily("embassy_gateway_requests_in_flight", told, labels=WHOSE)
        for name, count in in_flight.items():
            family.add_metric(name, count)
        yield family
        if self._audience.is_operator:
            waiting = sum(gateway.waiting() for gateway in gateways)
            told = "Requests that are held until their models are up."
            yield GaugeMetricFamily("embassy_gateway_requests_waiting", told, value=waiting)


def _requests(totals: Totals, strays: Mapping[Outcome, int]) -> Metric:
    """Those for no known model have empty labels: bad keys, unknown names, limits."""
    counts: Counter[tuple[str, ...]] = Counter()
    for name, outcomes in _outcomes(totals, strays):
        for outcome, count in outcomes.items():
            counts[(*name, str(outcome.status))] += count
    told = "Requests by the status of their answers; 499: the client went away."
    return _counter("embassy_gateway_requests", told, (*WHOSE, "status"), counts)


def _errors(totals: Totals, strays: Mapping[Outcome, int]) -> Metric:
    counts: Counter[tuple[str, ...]] = Counter()
    for name, outcomes in _outcomes(totals, strays):
        for outcome, count in outcomes.items():
            if outcome.is_error:
                counts[(*name, outcome.code)] += count
    return _counter("embassy_gateway_errors", "Errors by their code.", (*WHOSE, "code"), counts)


def _outcomes(totals: Totals, strays: Mapping[Outcome, int]) -> Iterator[tuple[Name, Mapping[Outcome, int]]]:
    yield ("", ""), strays
    for name, total in totals.items():
        yield name, total.outcomes


def _tokens(totals: Totals) -> Iterator[Metric]:
    for kind, told in (("prompt", "Tokens read."), ("completion", "Tokens written.")):
        counts: dict[tuple[str, ...], int] = {
            name: getattr(total, f"{kind}_tokens") for name, total in totals.items()
        }
        yield _counter(f"embassy_gateway_{kind}_tokens", told, WHOSE, counts)


def _counter(
    name: str, told: str, labels: tuple[str, ...], counts: Mapping[tuple[str, ...], int]
) -> CounterMetricFamily:
    family = CounterMetricFamily(name, told, labels=labels)
    for values, count in counts.items():
        family.add_metric(values, count)
    return family


def _histogram(name: str, told: str, times: Mapping[Name, tuple[Buckets, float]]) -> HistogramMetricFamily:
    """One bound for each doubling: finer ones would cost more than they tell."""
    family = HistogramMetricFamily(name, told, labels=WHOSE)
    for values, (counts, milliseconds) in times.items():
        buckets = [(f"{bound / 1000:g}", done) for bound, done in cumulative(counts)]
        family.add_metric(values, [*buckets, ("+Inf", sum(counts.values()))], milliseconds / 1000)
    return family
