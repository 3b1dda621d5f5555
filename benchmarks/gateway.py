"""What the gateway costs, in CPU time for each request and in tokens per second against a direct connection.

`python -m benchmarks.gateway` puts it before an engine that answers at once; `--vllm` also before a real one;
`--litellm PATH` lets a LiteLLM proxy do the same work (its program, from an environment of its own). Key
check, routing, limits, rebuilding, shaping and metering are all on. Targets take turns in each round, so that
a busy moment hits all of them; ratios are medians of the rounds' own ratios.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import uvloop

from benchmarks import http_load, openai_load, servers
from benchmarks.http_load import Load, Target

Body = dict[str, Any]

MODEL = "tiny"
CHAT = "/v1/chat/completions"
VLLM_TOKENS = 64  # of each answer, wherever the model would have ended it


@dataclass(frozen=True)
class Case:
    """So many requests in a round, over so many connections. The promise: at most, or at least."""

    connections: int
    requests: int
    stream: bool
    most_cpu_us: float | None = None
    least_ratio: float | None = None
    load: Callable[..., Awaitable[Load]] = http_load.load

    @property
    def name(self) -> str:
        kind = "plain" if not self.stream else "stream" if self.load is http_load.load else "openai"
        return f"{kind} c{self.connections}"


STUB = (
    Case(1, 1_000, stream=False, most_cpu_us=250),
    Case(8, 2_400, stream=False),
    Case(32, 3_200, stream=False, most_cpu_us=150),
    Case(1, 100, stream=True),
    Case(8, 320, stream=True),
    Case(32, 640, stream=True),
    Case(1, 40, stream=True, least_ratio=0.8, load=openai_load.load),
    Case(8, 80, stream=True, least_ratio=0.8, load=openai_load.load),
    Case(32, 128, stream=True, least_ratio=0.8, load=openai_load.load),
)
VLLM = tuple(
    Case(connections, requests, stream=stream, least_ratio=0.95)
    for connections, requests in ((1, 10), (8, 64), (32, 192))
    for stream in (False, True)
)
LITELLM = (
    Case(1, 60, stream=False),
    Case(32, 96, stream=False),
    Case(8, 32, stream=True),
)
LITELLM_LEAST = 30  # times our CPU time


# --- Targets ---


def stub_body(*, stream: bool) -> Body:
    body: Body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello, how are you?"}]}
    return body | {"temperature": 0.7, "max_tokens": 20} | ({"stream": True} if stream else {})


def vllm_body(*, stream: bool) -> Body:
    body: Body = {"model": MODEL, "messages": [{"role": "user", "content": "My parcel has not arrived."}]}
    body |= {"temperature": 0, "max_tokens": VLLM_TOKENS, "ignore_eos": True}
    return body | ({"stream": True, "stream_options": {"include_usage": True}} if stream else {})


def at(name: str, port: int, body: Body, *headers: str, pid: int | None = None) -> Target:
    data = json.dumps(body, separators=(",", ":")).encode()
    return Target(name, port, CHAT, data, headers, () if pid is None else (pid,))


def direct(port: int, body: Body) -> Target:
    """With just what the gateway would add to it."""
    body = body | {"model": "base", "cache_salt": "salt"}
    return at("direct", port, body, f"Authorization: Bearer {servers.ENGINE_KEY}")


# --- Rounds ---


async def rounds(case: Case, targets: Sequence[Target], count: int) -> dict[str, list[Load]]:
    """Loads by target's name; every second round goes the other way about."""
    seen: dict[str, list[Load]] = {target.name: [] for target in targets}
    for number in range(count):
        for target in targets if number % 2 == 0 else reversed(targets):
            result = await case.load(target, connections=case.connections, requests=case.requests)
            seen[target.name].append(result)
    return seen


def compared(case: Case, seen: dict[str, list[Load]]) -> dict[str, Any]:
    """The gateway against a direct connection, and whether it is what was promised."""
    both = list(zip(seen["gateway"], seen["direct"], strict=True))
    result: dict[str, Any] = {
        "gateway": summary(seen["gateway"]),
        "direct": summary(seen["direct"]),
        "ratio": spread([ours.tokens_per_s / theirs.tokens_per_s for ours, theirs in both]),
    }
    if case.most_cpu_us is not None:
        result |= {"promise": f"≤ {case.most_cpu_us:g} µs"}
        result |= {"kept": result["gateway"]["cpu_us"]["median"] <= case.most_cpu_us}
    if case.least_ratio is not None:
        result |= {
            "promise": f"≥ {case.least_ratio:g}",
            "kept": result["ratio"]["median"] >= case.least_ratio,
        }
    return result


def summary(loads: Sequence[Load]) -> dict[str, Any]:
    cpu = [load.cpu_us for load in loads if load.cpu_us is not None]
    return {
        "requests_per_s": spread([load.requests_per_s for load in loads]),
        "tokens_per_s": spread([load.tokens_per_s for load in loads]),
        "p50_ms": spread([load.p50_ms for load in loads]),
        "cpu_us": spread(cpu) if cpu else None,
    }


def spread(values: Sequence[float]) -> dict[str, float]:
    """Median and quartiles, to four figures; of at least two values."""
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {name: float(f"{value:.4g}") for name, value in (("median", median), ("low", low), ("high", high))}


# --- Parts ---


def before_stub(stack: ExitStack, key: str, count: int) -> dict[str, Any]:
    port = servers.instant_engine(stack)
    ours, pid = servers.gateway(stack, port)
    return in_front_of(port, ours, pid, key, STUB, stub_body, count)


def before_vllm(stack: ExitStack, key: str, folder: Path, count: int) -> dict[str, Any]:
    port = servers.vllm_engine(stack, folder)
    ours, pid = servers.gateway(stack, port)
    return in_front_of(port, ours, pid, key, VLLM, vllm_body, count)


def in_front_of(
    port: int, ours: int, pid: int, key: str, cases: Sequence[Case], body: Callable[..., Body], count: int
) -> dict[str, Any]:
    results = {}
    for case in cases:
        asked = body(stream=case.stream)
        targets = (direct(port, asked), at("gateway", ours, asked, f"X-API-Key: {key}", pid=pid))
        servers.wait_until_it_answers(targets[1])
        results[case.name] = compared(case, uvloop.run(warmed(case, targets, count)))
        tell(case.name, results[case.name])
    return results


async def warmed(case: Case, targets: Sequence[Target], count: int) -> dict[str, list[Load]]:
    await rounds(replace(case, requests=max(case.connections, case.requests // 10)), targets, 1)
    return await rounds(case, targets, count)


def before_litellm(stack: ExitStack, key: str, program: Path, folder: Path, count: int) -> dict[str, Any]:
    port = servers.instant_engine(stack)
    ours, our_pid = servers.gateway(stack, port)
    theirs, their_pid = servers.litellm(stack, program, folder, port, MODEL)
    results = {}
    for case in LITELLM:
        asked = stub_body(stream=case.stream)
        targets = (
            at("gateway", ours, asked, f"X-API-Key: {key}", pid=our_pid),
            at("litellm", theirs, asked, f"Authorization: Bearer {servers.LITELLM_KEY}", pid=their_pid),
        )
        for target in targets:
            servers.wait_until_it_answers(target)
        results[case.name] = uvloop.run(against_litellm(case, targets, count))
        print(f"{case.name:11} {json.dumps(results[case.name])}", file=sys.stderr)
    return results


async def against_litellm(case: Case, targets: Sequence[Target], count: int) -> dict[str, Any]:
    """Ours with ten times their requests: a hundredth of a second is all that the kernel tells apart."""
    ours, theirs = [], []
    for _ in range(count):
        more = case.requests * 10
        ours.append(await case.load(targets[0], connections=case.connections, requests=more))
        theirs.append(await case.load(targets[1], connections=case.connections, requests=case.requests))
    times = [(t.cpu_us or 0.0) / (o.cpu_us or 1.0) for o, t in zip(ours, theirs, strict=True)]
    result = {"gateway": summary(ours), "litellm": summary(theirs), "times_our_cpu": spread(times)}
    return result | {"kept": result["times_our_cpu"]["median"] >= LITELLM_LEAST}


# --- The report ---


def tell(name: str, result: dict[str, Any]) -> None:
    ours, ratio = result["gateway"], result["ratio"]
    kept = (
        ""
        if "promise" not in result
        else f"  promised {result['promise']}: {'kept' if result['kept'] else 'NOT KEPT'}"
    )
    print(
        f"{name:11} {ours['cpu_us']['median']:8.1f} µs CPU   {ours['tokens_per_s']['median']:9.0f} tokens/s, "
        f"{ratio['median']:.3f} of direct ({ratio['low']:.3f} to {ratio['high']:.3f}){kept}",
        file=sys.stderr,
        flush=True,
    )


def measured(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Each part with servers of its own, so that no idle one is in the way."""
    results: dict[str, Any] = {"machine": servers.machine()}
    count = arguments.rounds
    with ExitStack() as stack:
        servers.stores(stack)
        key = servers.api_key()
        if not arguments.no_stub:
            with ExitStack() as own:
                results["stub"] = before_stub(own, key, count)
        if arguments.litellm is not None:
            with ExitStack() as own:
                results["litellm"] = before_litellm(own, key, arguments.litellm, folder, count)
        if arguments.vllm:
            with ExitStack() as own:
                results["vllm"] = before_vllm(own, key, folder, count)
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-stub", action="store_true")
    parser.add_argument("--vllm", action="store_true", help="also in front of a real engine")
    parser.add_argument("--litellm", type=Path, help="a LiteLLM proxy's program to compare with")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="em-"))
    try:
        print(json.dumps(measured(arguments, folder), indent=2))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
