import ast
import json
import shlex

import pytest

from embassy.console.presenters.examples import QUESTION, examples

NASTY = """it's "mine" $HOME \\ """


def codes(model: str) -> dict[str, str]:
    made = examples(base_url="http://127.0.0.1:8000", model=model, task="text-generation")
    return {example.title: example.code for example in made}


def test_the_shell_sends_the_name_as_it_is() -> None:
    words = shlex.split(codes(NASTY)["curl"].replace("\\\n", " "))
    body = json.loads(words[words.index("-d") + 1])
    assert body == {"model": NASTY, "messages": [{"role": "user", "content": QUESTION}]}
    assert "X-API-Key: $EMBASSY_API_KEY" in words


def test_python_reads_the_name_as_it_is() -> None:
    for title in ("Python, openai", "Python, requests"):
        tree = ast.parse(codes(NASTY)[title])
        assert NASTY in {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}


@pytest.mark.parametrize(
    ("task", "address"),
    [
        ("embedding", "/v1/embeddings"),
        ("classification", "/v1/classification"),
        ("regression", "/v1/regression"),
    ],
)
def test_other_tasks_are_asked_at_their_own_address(task: str, address: str) -> None:
    made = examples(base_url="http://x", model="m", task=task)
    assert f"http://x{address}" in next(example.code for example in made if example.title == "curl")
