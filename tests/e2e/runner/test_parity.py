"""The answers that each export brings along, for the engine to be compared with."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from embassy.training.parity import LONGEST, Answer, shift
from embassy.training.spec import Task, Technique
from tests.e2e.runner.runs import Outcome, Trainer, chat, colour_rows, make_spec, resumed

pytestmark = pytest.mark.e2e


def references(outcome: Outcome, number: int) -> Any:
    return json.loads((outcome.export(number) / "parity.json").read_text())


@pytest.mark.parametrize(
    "parameters",
    [{}, {"use_dora": True}, {"full_fine_tuning": True}, {"load_in_4bit": True}],
    ids=["lora", "dora", "full", "qlora"],
)
def test_texts_answer_before_and_after(
    trainer: Trainer, base: Path, tmp_path: Path, parameters: dict[str, Any]
) -> None:
    rows = colour_rows(24)
    spec = make_spec(tmp_path, base, rows, eval_rows=[chat("New?", "No."), *rows[:2]], parameters=parameters)
    outcome = trainer.run(spec).require()

    first, last = references(outcome, 1), references(outcome, 2)
    assert (last["kind"], last["precision"]) == ("text", "float32")
    assert last["quantized"] is bool(parameters.get("load_in_4bit"))
    asked = [probe["messages"][-1]["content"] for probe in last["probes"]]
    assert asked == ["New?", *(row["messages"][0]["content"] for row in rows[:3])]
    for one, other in zip(first["probes"], last["probes"], strict=True):
        tuned, start = Answer.parse(other["tuned"]), Answer.parse(other["base"])
        assert one["base"] == other["base"]
        assert 1 <= len(tuned.ids) == len(tuned.logprobs) == len(tuned.margins) <= LONGEST
        assert all(logprob <= 0 for logprob in tuned.logprobs)
        assert all(margin >= 0 for margin in tuned.margins)
        assert shift(tuned, start) > 0.01
        assert shift(tuned, Answer.parse(one["tuned"])) > 0


def test_prompts_are_rendered_as_in_training(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    spec = make_spec(tmp_path, base, colour_rows(8), parameters={"num_train_epochs": 1})
    [probe, *_] = references(trainer.run(spec).require(), 1)["probes"]

    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(base)
    rendered = tokenizer.apply_chat_template(probe["messages"], add_generation_prompt=True)
    assert probe["prompt_ids"] == rendered["input_ids"]


def test_preferences_answer_too(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    rows = [
        {
            "messages": [{"role": "user", "content": f"Parcel {number}?"}],
            "chosen": [{"role": "assistant", "content": "Yes."}],
            "rejected": [{"role": "assistant", "content": "No idea."}],
        }
        for number in range(8)
    ]
    spec = make_spec(tmp_path, base, rows, technique=Technique.DPO, parameters={"num_train_epochs": 1})
    probes = references(trainer.run(spec).require(), 1)["probes"]

    assert [probe["messages"] for probe in probes] == [row["messages"] for row in rows[:4]]
    assert all(probe["base"]["ids"] for probe in probes)


@pytest.mark.parametrize("parameters", [{}, {"full_fine_tuning": True}], ids=["lora", "full"])
def test_a_head_gives_its_outputs(
    trainer: Trainer, base: Path, tmp_path: Path, parameters: dict[str, Any]
) -> None:
    rows = [chat(f"{colour} parcel", colour) for colour in ("red", "blue", "green") for _ in range(4)]
    spec = make_spec(tmp_path, base, rows, task=Task.CLASSIFICATION, parameters=parameters)
    document = references(trainer.run(spec).require(), 2)

    assert document["kind"] == "outputs"
    assert [len(probe["outputs"]) for probe in document["probes"]] == [3, 3, 3]
    assert document["probes"][0]["messages"] == rows[0]["messages"][:1]


def test_long_prompts_are_asked_if_there_are_no_others(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    rows = [chat("word " * (300 + number), "yes") for number in (9, 3, 6)]
    spec = make_spec(tmp_path, base, rows, parameters={"num_train_epochs": 1, "max_length": 512})
    [probe] = references(trainer.run(spec).require(), 1)["probes"]

    assert probe["messages"] == rows[1]["messages"][:1]


def test_a_belated_export_has_the_same_answers(trainer: Trainer, base: Path, tmp_path: Path) -> None:
    """The attempt died after it had saved the checkpoint and before the export was whole."""
    spec = make_spec(tmp_path, base, colour_rows(16), parameters={"full_fine_tuning": True})
    before = references(trainer.run(spec).require(), 2)
    for path in sorted(spec.exports_dir.joinpath("2").iterdir()):
        path.unlink()
    spec.exports_dir.joinpath("2").rmdir()

    again = trainer.run(resumed(spec)).require()

    for one, other in zip(before["probes"], references(again, 2)["probes"], strict=True):
        assert one["base"] == other["base"]
        assert one["tuned"]["ids"] == other["tuned"]["ids"]
        assert torch.allclose(
            torch.tensor(one["tuned"]["logprobs"]), torch.tensor(other["tuned"]["logprobs"]), atol=1e-5
        )
