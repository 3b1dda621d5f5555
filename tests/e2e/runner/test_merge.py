"""An adapter merged into its base: transformers loads the folder, and it answers as the adapter does."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer

from embassy.platform.children import start_child
from embassy.training.merge_spec import MergeOutcome, MergeSpec, read_outcome, write
from embassy.training.spec import Task
from tests.e2e.runner.runs import COLOURS, DEADLINE_S, Outcome, Trainer, chat, colour_rows, make_spec

pytestmark = pytest.mark.e2e

PROGRAM = "embassy.training.runner.merge"


def merge(base: Path, adapter: Path, folder: Path) -> MergeOutcome:
    folder.mkdir(parents=True, exist_ok=True)
    spec = MergeSpec(
        base=str(base),
        adapter=str(adapter),
        target=str(folder / "merged"),
        outcome=str(folder / "outcome.json"),
    )
    write(spec, folder / "spec.json")
    with start_child(
        program=PROGRAM,
        argv=[str(folder / "spec.json")],
        env={},
        cwd=folder,
        log=folder / "log",
        standby=None,
    ) as child:
        child.wait(DEADLINE_S)
    outcome = read_outcome(folder / "outcome.json")
    assert outcome is not None, (folder / "log").read_text()
    return outcome


def logits(model: Any, folder: Path) -> torch.Tensor:
    """What the model makes of a question, read by the tokenizer in `folder`."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    messages = [{"role": "user", "content": "My red parcel 7 is late."}]
    inputs = tokenizer.apply_chat_template(
        messages, add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    with torch.no_grad():
        return torch.as_tensor(model.eval()(**inputs).logits)


@pytest.fixture(scope="module")
def trained(trainer: Trainer, base: Path, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    spec = make_spec(tmp_path_factory.mktemp("sft"), base, colour_rows(24))
    return trainer.run(spec).require()


def test_text_generation(trained: Outcome, base: Path, tmp_path: Path) -> None:
    adapter = trained.export(2)

    assert merge(base, adapter, tmp_path).code == ""

    merged = tmp_path / "merged"
    tuned = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter
    )
    whole = AutoModelForCausalLM.from_pretrained(merged)
    torch.testing.assert_close(logits(whole, merged), logits(tuned, adapter), atol=1e-4, rtol=1e-4)
    plain = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    assert not torch.allclose(logits(plain, merged), logits(whole, merged), atol=1e-2)
    names = {path.name for path in merged.iterdir()}
    assert names >= {
        *("config.json", "model.safetensors", "generation_config.json"),
        *("tokenizer.json", "tokenizer_config.json", "chat_template.jinja", "evidence.json"),
    }
    assert not [name for name in names if name.startswith("adapter") or name.endswith((".bin", ".pt"))]


def test_adapter_of_a_base_in_4_bits_goes_into_the_full_one(
    trainer: Trainer, base: Path, tmp_path: Path
) -> None:
    spec = make_spec(
        tmp_path / "run", base, colour_rows(16), parameters={"load_in_4bit": True, "num_train_epochs": 1}
    )
    adapter = trainer.run(spec).require().export(1)

    assert merge(base, adapter, tmp_path / "merge").code == ""

    merged = tmp_path / "merge" / "merged"
    assert "quantization_config" not in json.loads((merged / "config.json").read_text())
    tuned = PeftModel.from_pretrained(
        AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32), adapter
    )
    whole = AutoModelForCausalLM.from_pretrained(merged)
    torch.testing.assert_close(logits(whole, merged), logits(tuned, adapter), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("task", [Task.CLASSIFICATION, Task.REGRESSION])
def test_head(trainer: Trainer, base: Path, tmp_path: Path, task: Task) -> None:
    answers = COLOURS if task is Task.CLASSIFICATION else ("1", "2", "3", "4")
    rows = [chat(f"{COLOURS[i % 4]} parcel {i}", answers[i % 4]) for i in range(16)]
    spec = make_spec(tmp_path / "run", base, rows, task=task, parameters={"num_train_epochs": 1})
    adapter = trainer.run(spec).require().export(1)

    assert merge(base, adapter, tmp_path / "merge").code == ""

    merged = tmp_path / "merge" / "merged"
    whole = AutoModelForSequenceClassification.from_pretrained(merged)
    start = AutoModelForSequenceClassification.from_pretrained(
        base, num_labels=whole.config.num_labels, dtype=torch.float32, pad_token_id=whole.config.pad_token_id
    )
    tuned = PeftModel.from_pretrained(start, adapter)
    torch.testing.assert_close(logits(whole, merged), logits(tuned, adapter), atol=1e-4, rtol=1e-4)
    if task is Task.CLASSIFICATION:
        assert list(whole.config.id2label.values()) == sorted(COLOURS)


def test_adapter_of_another_base_is_refused(trained: Outcome, tmp_path: Path) -> None:
    shipped = Path(__file__).resolve().parents[3] / "models" / "tiny-llama-instruct"

    outcome = merge(shipped, trained.export(2), tmp_path)

    assert (outcome.code, outcome.final) == ("adapter_mismatch", True)
    assert not (tmp_path / "merged").exists()


def test_card_says_how_to_load_the_adapter(trained: Outcome) -> None:
    folder = trained.export(2)
    card, config = (
        (folder / "README.md").read_text(),
        json.loads((folder / "adapter_config.json").read_text()),
    )

    assert "PeftModel.from_pretrained" in card
    assert 'from_pretrained("tiny-random", revision="r1")' in card
    assert (config["base_model_name_or_path"], config["revision"]) == ("tiny-random", "r1")
    assert not [path.name for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]
