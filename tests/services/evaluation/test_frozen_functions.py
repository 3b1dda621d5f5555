"""Functions as jobs keep and use them."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from embassy.evaluation import registry, reward, scoring, services
from embassy.evaluation.functions import Row
from embassy.evaluation.sandbox import strength as strengths
from embassy.platform.actor import Actor
from embassy.platform.errors import InvalidInput
from tests.factories.evaluation import make_test_function, source
from tests.factories.projects import make_actor

pytestmark = [pytest.mark.django_db, pytest.mark.processes]
ROWS = [Row("q", "1", "1"), Row("q", "2", "x")]


def frozen(actor: Actor, *names: str) -> list[Any]:
    """As a JSON column gives it back."""
    return list(json.loads(json.dumps(registry.freeze(registry.resolve(actor, names)))))


def test_job_scores_with_the_source_that_it_was_created_with(actor: Actor) -> None:
    function = make_test_function(actor)
    kept = frozen(actor, "vowels", "exact_match_shared", "vowels")
    services.update_test_function(function=function, content=source(body="return 0.125"), actor=actor)
    services.delete_test_function(function=function, actor=actor)

    scored = scoring.score_rows(registry.thaw(kept), ROWS)
    assert scoring.means(scored) == {"vowels": 0.5, "exact_match_shared": 0.5}


def test_built_in_function_that_has_changed_since_keeps_its_source(actor: Actor) -> None:
    kept = frozen(actor, "exact_match_shared")
    kept[0]["content"] = source("exact_match_shared", "return 0.125")

    assert scoring.means(scoring.score_rows(registry.thaw(kept), ROWS)) == {"exact_match_shared": 0.125}


def test_function_of_another_organization_is_unknown(actor: Actor) -> None:
    make_test_function(make_actor(), name="secret_recipe")

    with pytest.raises(InvalidInput, match="There is no test function secret_recipe"):
        registry.resolve(actor, ["secret_recipe"])


def test_hint_knows_ones_own_functions(actor: Actor) -> None:
    make_test_function(actor)

    with pytest.raises(InvalidInput, match=r"Did you mean vowels\?"):
        registry.resolve(actor, ["vowel"])


def test_hostile_function_costs_its_rows_and_no_other_score(actor: Actor) -> None:
    body = "import os\nif predicted_output == 'x':\n    os._exit(1)\nreturn 1.0"
    make_test_function(actor, content=source(body=body))
    scored = scoring.score_rows(registry.resolve(actor, ["vowels", "exact_match_shared"]), ROWS)

    assert scoring.means(scored) == {"vowels": 0.5, "exact_match_shared": 0.5}
    assert scoring.failures(scored) == {"vowels": 1}
    assert scored[1].scores["vowels"].reason == "the function ended its process (exit status 1)"


def test_without_a_sandbox_the_rows_say_so(actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    make_test_function(actor)
    strengths.forget()
    monkeypatch.setattr(strengths, "_try", lambda level, policy, bwrap: "the kernel has no Landlock")
    try:
        scored = scoring.score_rows(registry.resolve(actor, ["vowels"]), ROWS)
    finally:
        strengths.forget()

    assert all("cannot be run here" in item.scores["vowels"].reason for item in scored)


def test_whoever_reports_progress_may_stop_it(actor: Actor) -> None:
    make_test_function(actor)
    seen = []

    class Stop(Exception):
        pass

    def on_progress(done: int) -> None:
        seen.append(done)
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        scoring.score_rows(registry.resolve(actor, ["exact_match_shared", "vowels"]), ROWS, on_progress)
    assert seen == [1, 2, 3]


def ask(command: tuple[str, ...], *lines: list[Row], cwd: Path) -> list[Any]:
    questions = "".join(json.dumps({"rows": [vars(row) for row in rows]}) + "\n" for rows in lines)
    done = subprocess.run(command, input=questions, capture_output=True, text=True, cwd=cwd, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize("name", ["vowels", "exact_match_shared"])
def test_reward_program_scores_line_by_line(actor: Actor, name: str, tmp_path: Path) -> None:
    make_test_function(actor)
    [function] = registry.resolve(actor, [name])
    command = reward.write_reward(function, tmp_path / "reward.json")

    assert ask(command, ROWS, ROWS[:1], cwd=tmp_path) == [{"scores": [1.0, 0.0]}, {"scores": [1.0]}]


def test_reward_program_insists_on_what_the_settings_insist_on(
    actor: Actor, tmp_path: Path, settings: Settings
) -> None:
    settings.SANDBOX = "basic"
    reading_proc = "import os\nos.listdir('/proc')\nreturn 1.0"  # is there, but forbidden, in the basic one
    make_test_function(actor, content=source(body=reading_proc))
    command = reward.write_reward(registry.resolve(actor, ["vowels"])[0], tmp_path / "reward.json")

    [answer] = ask(command, ROWS, cwd=tmp_path)
    assert answer["error"].startswith("PermissionError")


def test_reward_without_any_score_is_an_error_with_the_reason(actor: Actor, tmp_path: Path) -> None:
    make_test_function(actor, content=source(body="return 1 / 0"))
    command = reward.write_reward(registry.resolve(actor, ["vowels"])[0], tmp_path / "reward.json")

    assert ask(command, ROWS, cwd=tmp_path) == [{"error": "ZeroDivisionError: division by zero (line 2)"}]
