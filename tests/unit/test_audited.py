"""Every service that somebody in particular calls leaves a line in the audit log."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

EMBASSY = Path(__file__).resolve().parents[2] / "embassy"
APPS = ("projects", "datasets", "evaluation", "training", "engines", "deployments", "inference")
NOT_WRITES = {
    "begin_upload": "the data set that comes of it is audited",
    "store_file": "the data set that comes of it is audited",
    "claim": "keeps a request from being done twice; what it does is audited",
    "estimate": "answers and keeps nothing",
    "dry_run_test_function": "runs a function and keeps nothing",
    "record": "is the audit log",
    "resolve": "looks up what is to be deployed",
    "wake": "is done by each request to a sleeping model; the wake itself is kept",
}


@dataclass(frozen=True)
class Module:
    path: Path
    functions: dict[str, ast.FunctionDef]

    def services(self) -> Iterator[ast.FunctionDef]:
        """Public functions that take the actor by keyword only, as writes do and reads do not."""
        for function in self.functions.values():
            by_keyword = {argument.arg for argument in function.args.kwonlyargs}
            if "actor" in by_keyword and not function.name.startswith("_"):
                yield function

    def leaves_a_line(self, function: ast.FunctionDef) -> bool:
        """It writes one itself or in a function of its own, or hands its actor to another service."""
        calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
        for call in calls:
            own = self.functions.get(call.func.id) if isinstance(call.func, ast.Name) else None
            if own is not None and own is not function:
                if self.leaves_a_line(own):
                    return True
            elif hands_on(call):
                return True
        return False


def hands_on(call: ast.Call) -> bool:
    """The actor, to a write: reads take it as the first of all."""
    later = [argument.id for argument in call.args[1:] if isinstance(argument, ast.Name)]
    return "actor" in [*later, *(keyword.arg for keyword in call.keywords)]


def modules() -> Iterator[Module]:
    for app in APPS:
        for path in sorted((EMBASSY / app).rglob("*.py")):
            body = ast.parse(path.read_text()).body
            yield Module(path, {node.name: node for node in body if isinstance(node, ast.FunctionDef)})


def test_every_write_of_somebody_is_audited() -> None:
    found = [(module, function) for module in modules() for function in module.services()]
    silent = [
        f"{module.path.relative_to(EMBASSY)}: {function.name}"
        for module, function in found
        if function.name not in NOT_WRITES and not module.leaves_a_line(function)
    ]
    assert len(found) > 20
    assert not silent, f"call projects.audit.record in the transaction of the act: {silent}"
