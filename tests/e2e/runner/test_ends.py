"""How a run can end before it is done: stopped, refused, failed, killed."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from embassy.training.spec import TrainingSpec
from tests.e2e.runner.runs import (
    PROGRAM,
    Outcome,
    Trainer,
    assert_same_weights,
    chat,
    colour_rows,
    kill_at,
    make_spec,
    resumed,
    wait_for,
)

pytestmark = pytest.mark.e2e

LONG = {"num_train_epochs": 500}


def is_step(event: dict[str, Any]) -> bool:
    return event["event"] == "step"


def test_cancel_ends_the_run_in_time(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, base, colour_rows(64), parameters=LONG)
    with trainer.start(spec) as child:
        wait_for(spec, child, is_step)
        child.terminate()
        code = child.wait(5.0)

    assert code == 0
    outcome = Outcome(spec, code).require("cancelled")
    assert outcome.end["code"] == "cancelled"


def test_cancel_before_the_first_step(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, base, colour_rows(64), parameters=LONG)
    with trainer.start(spec) as child:
        wait_for(spec, child, lambda event: event["event"] == "started")
        child.terminate()
        code = child.wait(5.0)

    Outcome(spec, code).require("cancelled")


def test_the_time_limit_ends_the_run(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, base, colour_rows(64), parameters=LONG, time_limit_seconds=3)
    outcome = trainer.run(spec).require("time_limit")

    assert outcome.code == 0
    assert outcome.of("step")


def test_a_loss_that_is_no_number_ends_the_run(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    parameters = {"learning_rate": 1e30, "full_fine_tuning": True, "max_grad_norm": 0.0, "warmup_ratio": 0}
    spec = make_spec(tmp_path, base, colour_rows(64), parameters={**LONG, **parameters})
    outcome = trainer.run(spec).require("nan_loss")

    assert outcome.code == 1
    assert not outcome.of("checkpoint")


REFUSALS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "all empty": ([chat("Hello.", "")] * 4, "no_trainable_rows"),
    "no rows": ([], "no_trainable_rows"),
    "most cut off": ([chat("word " * 90, "yes")] * 3 + [chat("Hi.", "yes")], "mostly_untrainable_rows"),
    "no messages": ([{"text": "Hello."}], "invalid_data"),
    "bad message": ([{"messages": [{"role": "user"}]}], "invalid_data"),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_hopeless_data_is_refused(trainer: Trainer, base: Path, tmp_path: Path, case: str) -> None:
    rows, code = REFUSALS[case]
    outcome = trainer.run(make_spec(tmp_path, base, rows)).require("error")

    assert outcome.code == 1
    assert outcome.end["code"] == code
    assert not outcome.of("step")


def test_the_reason_names_the_rows(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    outcome = trainer.run(make_spec(tmp_path, base, REFUSALS["most cut off"][0])).require("error")

    assert outcome.end["message"] == (
        "3 of 4 rows cannot be trained on. In most of these max_length cuts the answer off (rows 1, 2, 3). "
        "Raise max_length."
    )
    (preflight,) = outcome.of("preflight")
    assert preflight["untrainable"][0] == {"line": 1, "problem": "cut_off"}
    assert preflight["truncated_rows"] == 3


def test_a_missing_base_model_is_named(trainer: Trainer, tmp_path: Path) -> None:
    outcome = trainer.run(make_spec(tmp_path, tmp_path / "absent", colour_rows(4))).require("error")

    assert outcome.end["code"] == "base_model_unreadable"


def test_an_adapter_of_another_model_is_refused(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = make_spec(tmp_path / "a", base, colour_rows(8), parameters={"num_train_epochs": 1})
    adapter = trainer.run(spec).require().export(1)
    shipped = Path(__file__).resolve().parents[3] / "models" / "tiny-llama-instruct"
    outcome = trainer.run(make_spec(tmp_path / "b", shipped, colour_rows(8), adapter=str(adapter)))

    assert outcome.require("error").end["code"] == "adapter_mismatch"


def test_an_unusable_template_is_refused(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    template = tmp_path / "template.jinja"
    template.write_text("{{ raise_exception('no system turns') }}")
    spec = make_spec(tmp_path / "run", base, colour_rows(8), chat_template=str(template))

    assert trainer.run(spec).require("error").end["code"] == "chat_template_unusable"


def test_a_template_without_markers_trains_the_same_tokens(
    trainer: Trainer, base: Path, tmp_path: Path
) -> None:
    marked = (base / "chat_template.jinja").read_text()
    template = tmp_path / "template.jinja"
    template.write_text(marked.replace("{%- generation %}", "").replace("{%- endgeneration %}", ""))
    rows = [chat(f"Parcel {i}?", "It is late.", "Why?", f"Reason {i}.") for i in range(8)]
    one = {"num_train_epochs": 1}
    with_markers = trainer.run(make_spec(tmp_path / "a", base, rows, parameters=one)).require()
    spec = make_spec(tmp_path / "b", base, rows, parameters=one, chat_template=str(template))
    without = trainer.run(spec).require()

    assert without.of("step")[0]["loss"] == with_markers.of("step")[0]["loss"]


def test_weight_zero_is_not_learned(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    learned, ignored = chat("Parcel?", "late", "Why?", "rain"), chat("Parcel?", "late", "Why?", "rain")
    ignored["messages"][1]["weight"] = 0
    one = {"num_train_epochs": 1}
    full = trainer.run(make_spec(tmp_path / "a", base, [learned] * 4, parameters=one)).require()
    part = trainer.run(make_spec(tmp_path / "b", base, [ignored] * 4, parameters=one)).require()

    assert part.of("step")[0]["loss"] != full.of("step")[0]["loss"]


def test_tools_are_shown_to_the_model(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    call = {"type": "function", "function": {"name": "track", "arguments": {"id": 7}}}
    row: dict[str, Any] = chat("Where is parcel 7?", "")
    row["messages"][1]["tool_calls"] = [call]
    tools = [{"type": "function", "function": {"name": "track", "parameters": {"type": "object"}}}]
    parameters = {"num_train_epochs": 1, "max_length": 256}
    with_tools = trainer.run(make_spec(tmp_path / "a", base, [row | {"tools": tools}], parameters=parameters))
    without = trainer.run(make_spec(tmp_path / "b", base, [row], parameters=parameters))

    tokens = [outcome.require().of("preflight")[0]["tokens"]["total"] for outcome in (with_tools, without)]
    assert tokens[0] > tokens[1] + 20


def test_two_attempts_never_share_a_run_folder(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, base, colour_rows(64), parameters=LONG)
    with trainer.start(spec) as child:
        wait_for(spec, child, is_step)
        second = trainer.run(replace(spec, attempt=2)).require("error")
        child.terminate()
        child.wait(5.0)

    assert second.end["code"] == "run_folder_busy"


def test_nothing_to_run(tmp_path: Path) -> None:
    spec = tmp_path / "spec.json"
    spec.write_text('{"version": 1, "technique": "PPO"}')
    done = subprocess.run([sys.executable, "-m", PROGRAM, str(spec)], stderr=subprocess.PIPE, text=True)

    assert done.returncode == 2
    assert "technique: must be one of" in done.stderr


@pytest.fixture(scope="module")
def undisturbed(trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return trainer.run(resumable(tmp_path_factory.mktemp("undisturbed"), base)).require()


def resumable(run_dir: Path, base: Path) -> TrainingSpec:
    parameters = {"num_train_epochs": 3, "lora_dropout": 0.1}
    return make_spec(run_dir, base, colour_rows(64), eval_rows=colour_rows(4), parameters=parameters)


def test_a_killed_run_resumes_to_the_same_weights(
    trainer: Trainer, base: Path, tmp_path: Path, undisturbed: Outcome
) -> None:
    spec = resumable(tmp_path, base)
    kill_at(trainer, spec, 11)  # in the second of three epochs of eight steps
    outcome = trainer.run(resumed(spec)).require()

    assert_same_weights(undisturbed, outcome)
    assert outcome.of("started")[0]["resumed_from"] == str(spec.checkpoints_dir / "checkpoint-8")
    assert [event["step"] for event in outcome.of("step")] == list(range(9, 25))
    assert [event["number"] for event in outcome.of("checkpoint")] == [1, 2, 3]
    losses = {event["step"]: event["loss"] for event in undisturbed.of("step")}
    assert all(event["loss"] == losses[event["step"]] for event in outcome.of("step"))


def test_writing_a_merged_export_changes_nothing(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    def spec(name: str) -> TrainingSpec:
        parameters = {"use_dora": True, "lora_dropout": 0.1}
        return make_spec(tmp_path / name, base, colour_rows(64), parameters=parameters)

    undisturbed = trainer.run(spec("a")).require()
    kill_at(trainer, spec("b"), 11)

    assert_same_weights(undisturbed, trainer.run(resumed(spec("b"))).require())


def test_a_partial_checkpoint_is_not_resumed_from(
    trainer: Trainer, base: Path, tmp_path: Path, undisturbed: Outcome
) -> None:
    spec = resumable(tmp_path, base)
    kill_at(trainer, spec, 17)
    shutil.rmtree(spec.exports_dir / "2")  # as if killed between the checkpoint and its export …
    shutil.copytree(spec.checkpoints_dir / "checkpoint-16", spec.checkpoints_dir / "checkpoint-24")
    (spec.checkpoints_dir / "checkpoint-24" / "trainer_state.json").write_text(
        '{"global_step":'
    )  # … or in it
    outcome = trainer.run(resumed(spec)).require()

    assert outcome.of("started")[0]["resumed_from"] == str(spec.checkpoints_dir / "checkpoint-16")
    assert outcome.of("checkpoint")[0]["number"] == 2
    evidence = json.loads((outcome.export(2) / "evidence.json").read_text())
    assert evidence["metrics"]["eval_loss"] == undisturbed.of("eval")[1]["loss"]
    assert_same_weights(undisturbed, outcome)


def test_nothing_to_resume_from_starts_afresh(
    trainer: Trainer, base: Path, tmp_path: Path, undisturbed: Outcome
) -> None:
    assert_same_weights(undisturbed, trainer.run(resumed(resumable(tmp_path, base))).require())


def test_a_named_checkpoint_must_be_whole(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = replace(resumable(tmp_path, base), resume_from=str(tmp_path / "checkpoints" / "checkpoint-8"))

    assert trainer.run(spec).require("error").end["code"] == "resume_failed"


def test_a_stop_is_quick_even_while_data_is_read(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = make_spec(
        tmp_path, base, [chat("word " * 50, "yes " * 20)] * 20000, parameters={"max_length": 512}
    )
    with trainer.start(spec) as child:
        wait_for(spec, child, lambda event: event["event"] == "started")
        child.terminate()
        code = child.wait(5.0)

    assert not Outcome(spec, code).require("cancelled").of("preflight")
