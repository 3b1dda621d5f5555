"""The code on the API tab of a deployment, taken from the page as it is and run."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from tests.e2e.conftest import Trained
from tests.e2e.lessons import Lesson, Lessons, sample
from tests.e2e.live import LivePlatform

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(420)]

FEW = 48  # rows: it only has to answer, not to answer well
ONCE = {"parameters": {"num_train_epochs": 1}}
TICKETS = sample("support-tickets/train.jsonl", FEW), sample("support-tickets/heldout.jsonl", 8)
RENTS = sample("flat-rents/train.jsonl", FEW), sample("flat-rents/heldout.jsonl", 8)
HEADS = {
    "classification": Lesson(*TICKETS, {"task_type": "classification", **ONCE}),
    "regression": Lesson(*RENTS, {"task_type": "regression", **ONCE}),
}
OPENAI = "openai@6"
SUFFIX = {"python": ".py", "javascript": ".mjs", "shell": ".sh"}
NUMBER = r"-?\d+(\.\d+)?(e-?\d+)?"
SAID = {
    "text-generation": r"\w",
    "classification": r"(account|billing|shipping|technical)\W+0?\.\d+",
    "regression": NUMBER,
    "embedding": rf"(cosine|\[|embedding).*{NUMBER}",
}


class CodeOf(HTMLParser):
    """`found` has (title, language, code) of each example of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str, str]] = []
        self._titles: list[str] = []
        self._language = ""
        self._reads = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._language = given.get("data-language") or self._language
        if given.get("data-shows"):
            self._reads = "title"
        elif tag == "code" and (given.get("id") or "").startswith("example-"):
            self._reads = "code"
            self.found.append((self._titles[len(self.found)], self._language, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("button", "code"):
            self._reads = ""

    def handle_data(self, data: str) -> None:
        if self._reads == "title":
            self._titles.append(data)
        elif self._reads == "code":
            title, language, code = self.found[-1]
            self.found[-1] = title, language, code + data


@pytest.fixture(scope="session")
def visitor(platform: LivePlatform) -> Iterator[httpx.Client]:
    """Signed in, as the first user."""
    email, password = (platform.home / "first-sign-in").read_text().split()
    with httpx.Client(base_url=platform.url, follow_redirects=True, timeout=60) as client:
        page = client.get("/console/sign-in")
        token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page.text)
        assert token, page.text
        form = {"csrfmiddlewaretoken": token[1], "login": email, "password": password}
        signed_in = client.post(page.url, data=form, headers={"Referer": str(page.url)})
        assert "Projects" in signed_in.text
        yield client


@pytest.fixture(scope="session")
def deployments(platform: LivePlatform, trained: Trained) -> dict[str, tuple[str, str]]:
    """The project and the id of a deployment for each task."""
    project = platform.create_project("examples")
    lessons = Lessons(platform, project, HEADS)
    for task in HEADS:
        lessons.begin(task)
    found = {"text-generation": (trained.project, trained.deployment["id"])}
    body = {"training_job_id": "all-MiniLM-L6-v2", "checkpoint": 0, "name": "embedder"}
    created = platform.call("POST", f"/v1/projects/{project}/deployments", expect=201, json=body)
    found["embedding"] = project, platform.wait_for_deployment(project, created["id"])["id"]
    for task in HEADS:
        found[task] = project, lessons.deploy(lessons.learned(task))
    return found


@pytest.fixture(scope="session")
def script_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Node finds OpenAI's client, if it can be had."""
    folder = tmp_path_factory.mktemp("scripts")
    npm = shutil.which("npm")
    if npm is not None:
        install = [npm, "install", "--no-audit", "--no-fund", "--silent", OPENAI]
        subprocess.run(install, cwd=folder, check=False, capture_output=True, timeout=120)
    return folder


@pytest.mark.parametrize("task", sorted(SAID))
def test_examples_run_as_pasted(
    platform: LivePlatform,
    visitor: httpx.Client,
    deployments: dict[str, tuple[str, str]],
    script_folder: Path,
    task: str,
) -> None:
    project, deployment = deployments[task]
    page = visitor.get(f"/console/projects/{project}/deployments/{deployment}/examples")
    examples = CodeOf(page.text).found
    assert [language for _, language, _ in examples] == [
        "shell",
        "python",
        "python",
        "javascript",
        "javascript",
    ]
    for title, language, code in examples:
        if (command := interpreter(language, code, script_folder)) is None:
            continue
        file = script_folder / f"example{SUFFIX[language]}"
        file.write_text(code)
        environment = {"PATH": os.environ["PATH"], "EMBASSY_API_KEY": platform.key}
        ran = subprocess.run(
            [*command, file.name],
            cwd=script_folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=90,
        )
        assert ran.returncode == 0, f"{title}: {ran.stderr}\n{code}"
        assert re.search(SAID[task], ran.stdout, re.DOTALL), f"{title}: {ran.stdout}"


def interpreter(language: str, code: str, folder: Path) -> list[str] | None:
    """None where it, or a package that the code needs, is not there."""
    if language == "python":
        return [sys.executable]
    if language == "shell":
        return ["bash"]
    node = shutil.which("node")
    lacks = 'from "openai"' in code and not (folder / "node_modules" / "openai").exists()
    return None if node is None or lacks else [node]
