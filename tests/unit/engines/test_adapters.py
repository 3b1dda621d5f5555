"""What may be loaded into an engine, and the sentence for each thing that may not."""

from pathlib import Path
from typing import Any

import pytest

from embassy.engines.adapters import AdapterFacts, AdapterRejected, check_adapter
from embassy.engines.command import CAUSAL_TARGETS, EngineKind
from tests.fakes import weights

SCORE = "base_model.model.score.weight"


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return weights.write_base(tmp_path / "base")


def check(adapter: Path, base: Path, kind: EngineKind = "generate", max_rank: int = 16) -> AdapterFacts:
    return check_adapter(adapter, base, kind=kind, max_rank=max_rank, targets=CAUSAL_TARGETS)


def test_a_plain_lora_passes(tmp_path: Path, base: Path) -> None:
    assert check(weights.write_adapter(tmp_path / "a"), base) == AdapterFacts(rank=4, labels=None, modules=6)


def test_an_adapter_of_some_layers_passes(tmp_path: Path, base: Path) -> None:
    some = weights.lora_shapes(4, layers=1)
    assert check(weights.write_adapter(tmp_path / "a", some), base).modules == 3


def test_rank_pattern_counts(tmp_path: Path, base: Path) -> None:
    adapter = weights.write_adapter(tmp_path / "a", rank_pattern={"q_proj": 32})
    assert check(adapter, base, max_rank=64).rank == 32
    with pytest.raises(AdapterRejected, match="rank is 32; this engine takes adapters up to rank 16"):
        check(adapter, base)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"use_dora": True}, "uses DoRA"),
        ({"bias": "all"}, "trains biases"),
        ({"lora_bias": True}, "uses lora_bias"),
        ({"modules_to_save": ["lm_head"]}, "replaces whole layers \\(lm_head\\)"),
        ({"modules_to_save": ["score"], "task_type": "CAUSAL_LM"}, "replaces whole layers"),
        ({"init_lora_weights": "pissa_niter_16"}, "pissa_niter_16, which changes the base model"),
        ({"trainable_token_indices": [3]}, "trained token embeddings"),
        ({"layer_replication": [[0, 2]]}, "repeated layers"),
        ({"some_new_method": {"strength": 1}}, "uses some_new_method"),
        ({"peft_type": "IA3"}, "Only LoRA adapters"),
        ({"task_type": "SEQ_CLS"}, "made for the task 'SEQ_CLS'"),
        ({"r": 0}, "rank must be a positive"),
    ],
)
def test_configs_that_no_engine_serves(
    tmp_path: Path, base: Path, changes: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(AdapterRejected, match=sentence):
        check(weights.write_adapter(tmp_path / "a", weights.lora_shapes(4), **changes), base)


@pytest.mark.parametrize("init", [True, False, "gaussian", "eva"])
def test_harmless_starts_pass(tmp_path: Path, base: Path, init: object) -> None:
    assert check(weights.write_adapter(tmp_path / "a", init_lora_weights=init), base)


@pytest.mark.parametrize("hidden", [4, 16])
def test_another_hidden_size(tmp_path: Path, base: Path, hidden: int) -> None:
    adapter = weights.write_adapter(tmp_path / "a", weights.lora_shapes(4, hidden=hidden))
    with pytest.raises(AdapterRejected, match="trained on another base model"):
        check(adapter, base)


def test_more_layers_than_the_base(tmp_path: Path, base: Path) -> None:
    adapter = weights.write_adapter(tmp_path / "a", weights.lora_shapes(4, layers=3))
    with pytest.raises(
        AdapterRejected, match=r"layers\.2\.self_attn\.q_proj, which the base model does not have"
    ):
        check(adapter, base)


def test_weights_of_another_rank_than_the_config(tmp_path: Path, base: Path) -> None:
    adapter = weights.write_adapter(tmp_path / "a", weights.lora_shapes(8))
    with pytest.raises(AdapterRejected, match="not those of rank 4"):
        check(adapter, base)


def test_half_a_module(tmp_path: Path, base: Path) -> None:
    shapes = weights.lora_shapes(4)
    del shapes["base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight"]
    with pytest.raises(AdapterRejected, match="lacks one half"):
        check(weights.write_adapter(tmp_path / "a", shapes), base)


@pytest.mark.parametrize(
    "extra",
    ["lm_head.lora_A.weight", "model.embed_tokens.lora_embedding_A", "model.norm.weight", "score.weight"],
)
def test_parts_that_an_engine_would_ignore(tmp_path: Path, base: Path, extra: str) -> None:
    shapes = weights.lora_shapes(4) | {f"base_model.model.{extra}": (4, 8)}
    with pytest.raises(AdapterRejected, match="Merge it into the base model"):
        check(weights.write_adapter(tmp_path / "a", shapes), base)


def test_no_weights_at_all(tmp_path: Path, base: Path) -> None:
    with pytest.raises(AdapterRejected, match="holds no LoRA weights"):
        check(weights.write_adapter(tmp_path / "a", {}), base)


def test_integer_weights(tmp_path: Path, base: Path) -> None:
    with pytest.raises(AdapterRejected, match="of type I8, not a float"):
        check(weights.write_adapter(tmp_path / "a", dtype="I8"), base)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
def test_a_missing_file(tmp_path: Path, base: Path, name: str) -> None:
    adapter = weights.write_adapter(tmp_path / "a")
    (adapter / name).unlink()
    with pytest.raises(AdapterRejected, match=f"has no {name}"):
        check(adapter, base)


@pytest.mark.parametrize("name", ["adapter_config.json", "adapter_model.safetensors"])
@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b"\xff" * 64])
def test_a_damaged_file(tmp_path: Path, base: Path, name: str, content: bytes) -> None:
    adapter = weights.write_adapter(tmp_path / "a")
    (adapter / name).write_bytes(content)
    with pytest.raises(AdapterRejected):
        check(adapter, base)


def test_weights_that_were_cut_off(tmp_path: Path, base: Path) -> None:
    adapter = weights.write_adapter(tmp_path / "a")
    whole = (adapter / "adapter_model.safetensors").read_bytes()
    (adapter / "adapter_model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(AdapterRejected, match="cut off"):
        check(adapter, base)


def classifier(folder: Path, head: dict[str, tuple[int, ...]]) -> Path:
    shapes = weights.lora_shapes(4) | head
    saved = ["classifier", "score"]
    return weights.write_adapter(folder, shapes, task_type="SEQ_CLS", modules_to_save=saved)


def test_a_classifier_brings_its_labels(tmp_path: Path, base: Path) -> None:
    assert check(classifier(tmp_path / "a", {SCORE: (5, 8)}), base, kind="classify").labels == 5


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        ({}, "no classification head"),
        ({SCORE: (5, 16)}, "needs \\(labels, 8\\)"),
        ({SCORE: (65, 8)}, "has 65 labels, more than the 64"),
    ],
)
def test_a_classifier_with_a_wrong_head(
    tmp_path: Path, base: Path, head: dict[str, tuple[int, ...]], sentence: str
) -> None:
    with pytest.raises(AdapterRejected, match=sentence):
        check(classifier(tmp_path / "a", head), base, kind="classify")


def test_a_bert_adapter_matches_names_with_or_without_the_inner_model(tmp_path: Path) -> None:
    module = "encoder.layer.0.attention.self.query"
    shapes = {
        f"base_model.model.{module}.lora_A.weight": (4, 8),
        f"base_model.model.{module}.lora_B.weight": (8, 4),
    }
    adapter = weights.write_adapter(tmp_path / "a", shapes, task_type="FEATURE_EXTRACTION")
    for prefix in ("", "bert."):
        base = tmp_path / f"base{prefix}"
        base.mkdir()
        weights.write_safetensors(base / "model.safetensors", {f"{prefix}{module}.weight": (8, 8)})
        facts = check_adapter(adapter, base, kind="embed", max_rank=16, targets=("query",))
        assert facts.modules == 1
