"""A test function as the reward of a training run: a program that answers rows with scores.

Reads the file of `write_reward`, then one JSON line `{"rows": [{"input_text", "expected_output",
"predicted_output"}]}` after the other, and answers each with one line `{"scores": [0.5, null, …]}` or
`{"error": "…"}`. It ends with its input. No Django: the trainer starts it, and knows none.
"""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from embassy.evaluation.builtin.table import BUILT_IN
from embassy.evaluation.functions import ResolvedFunction, Row
from embassy.evaluation.sandbox.policy import Level, Limits, Policy
from embassy.evaluation.sandbox.sandbox import Outcome, Sandbox, SandboxUnavailable
from embassy.evaluation.sandbox.worker import Code
from embassy.evaluation.user_function import UserFunction

_ROOT = Path(__file__).resolve().parents[2]


def write_reward(function: ResolvedFunction, path: Path) -> tuple[str, ...]:
    """Write down the function at `path`; returns the command that scores by it, from any folder."""
    document: dict[str, Any] = {"built_in": function.name}
    if isinstance(function, UserFunction):
        document = asdict(function)
    path.write_text(json.dumps(document))
    start = (
        f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from embassy.evaluation.reward import main; main()"
    )
    return (sys.executable, "-c", start, str(path))


def main() -> None:
    document = json.loads(Path(sys.argv[1]).read_text())
    if "built_in" in document:
        answer_by_built_in(document["built_in"])
    else:
        answer_in_sandbox(document)


def answer_by_built_in(name: str) -> None:
    [function] = [function for function in BUILT_IN if function.name == name]
    for line in sys.stdin:
        rows = [Row(**row) for row in json.loads(line)["rows"]]
        say({"scores": [score.value for score in function.score(rows)]})


def answer_in_sandbox(document: dict[str, Any]) -> None:
    """One process for the whole run, as long as the function lets it live."""
    code = Code(document["content"], document["name"], tuple(document["modules"]))
    limits, policy = Limits(**document["limits"]), _policy(document["policy"])
    try:
        with Sandbox(code, limits=limits, policy=policy) as sandbox:
            for line in sys.stdin:
                rows = [Row(**row) for row in json.loads(line)["rows"]]
                say(answer_of(sandbox.call_all([row.arguments for row in rows])))
    except SandboxUnavailable as error:
        say({"error": str(error)})


def _policy(values: dict[str, Any]) -> Policy:
    wanted = values["wanted"]
    return Policy(**{**values, "wanted": None if wanted is None else Level(wanted)})


def answer_of(outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """A function that scored nothing at all cannot be learned from: that is an error, with its reason."""
    if outcomes and all(outcome.value is None for outcome in outcomes):
        return {"error": outcomes[0].reason}
    return {"scores": [outcome.value for outcome in outcomes]}


def say(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
