import json
from pathlib import Path

import pytest
from pytest_django import Settings

from embassy.catalog import facts, selectors, weights
from embassy.platform.errors import InvalidInput, NotFound, Unavailable
from tests.fakes.weights import write_safetensors

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 256,
    "num_hidden_layers": 4,
    "intermediate_size": 704,
    "vocab_size": 2048,
    "max_position_embeddings": 512,
    "tie_word_embeddings": True,
}


@pytest.fixture
def models_dir(tmp_path: Path, settings: Settings) -> Path:
    settings.MODELS_DIRS = [tmp_path / "models"]
    (tmp_path / "models").mkdir()
    return tmp_path / "models"


def put_model(folder: Path, config: dict[str, object] | None = None, *, template: str = "{{ bos }}") -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config or LLAMA))
    (folder / "tokenizer.json").write_text("{}")
    (folder / "tokenizer_config.json").write_text(json.dumps({"chat_template": template}))
    write_safetensors(folder / "model.safetensors", {"lm_head.weight": (2048, 256), "norm.weight": (256,)})
    return folder


@pytest.mark.parametrize("name", ["Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-1B-Instruct"])
def test_found_by_name_and_by_hugging_face_id(name: str) -> None:
    assert selectors.get_base_model(name).name == "Llama-3.2-1B-Instruct"


def test_unknown_model_gets_the_nearest() -> None:
    with pytest.raises(NotFound, match=r"Did you mean Qwen3-0\.6B\?"):
        selectors.get_base_model("Qwen3-0.6")


def test_folder_of_an_administrator_is_a_model(models_dir: Path) -> None:
    put_model(models_dir / "our-model")

    model = selectors.get_base_model("our-model")

    assert (model.type, model.context_length, model.dtype) == ("chat", 512, "float32")
    assert model.task_types == ("text-generation", "classification", "regression")
    assert model.size_parameters == 2048 * 256 + 256  # counted, not guessed
    assert model.takes_adapters
    assert weights.locate("our-model") == models_dir / "our-model"
    assert "our-model" in [listed.name for listed in selectors.list_base_models()]


def test_folder_within_a_folder_is_named_by_both(models_dir: Path) -> None:
    put_model(models_dir / "us" / "our-model")

    assert [model.name for model in selectors.list_base_models()][-1] == "us/our-model"


def test_folder_of_a_listed_model_is_not_listed_twice(models_dir: Path) -> None:
    put_model(models_dir / "Qwen3-0.6B")
    put_model(models_dir / "Qwen" / "Qwen3-1.7B")

    names = [model.name for model in selectors.list_base_models()]

    assert names.count("Qwen3-0.6B") == 1
    assert "Qwen/Qwen3-1.7B" not in names


def test_model_without_a_chat_template_says_what_to_do(models_dir: Path) -> None:
    folder = put_model(models_dir / "plain", template="")
    with pytest.raises(InvalidInput, match=r"no chat template.*put a chat_template\.jinja into its folder"):
        selectors.get_base_model("plain")

    (folder / "chat_template.jinja").write_text("{{ messages }}")

    assert selectors.get_base_model("plain").type == "chat"


def test_model_with_other_layers_takes_no_adapters(models_dir: Path) -> None:
    put_model(models_dir / "phi", {**LLAMA, "architectures": ["Phi3ForCausalLM"]})

    assert not selectors.get_base_model("phi").takes_adapters


def test_embedding_model(models_dir: Path) -> None:
    folder = put_model(
        models_dir / "encoder", {"architectures": ["BertModel"], "max_position_embeddings": 512}
    )
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 128}')
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text("{}")

    model = selectors.get_base_model("encoder")

    assert (model.type, model.task_types, model.context_length) == ("embeddings", ("embedding",), 128)
    assert "encoder/1_Pooling" not in [listed.name for listed in selectors.list_base_models()]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"architectures": ["T5ForConditionalGeneration"]}, "is a T5ForConditionalGeneration"),
        ({"architectures": ["OursForCausalLM"], "auto_map": {"AutoModel": "ours.py"}}, "trust_remote_code"),
        ({**LLAMA, "quantization_config": {"bits": 4}}, "is quantized"),
        ({}, "of an unknown kind"),
    ],
)
def test_model_that_cannot_be_used_says_why(models_dir: Path, config: dict[str, object], said: str) -> None:
    folder = put_model(models_dir / "odd")
    (folder / "config.json").write_text(json.dumps(config))

    with pytest.raises(InvalidInput, match=said):
        selectors.get_base_model("odd")
    assert "odd" not in [model.name for model in selectors.list_base_models()]


@pytest.mark.parametrize(
    ("missing", "said"),
    [("model.safetensors", "no weights as safetensors"), ("tokenizer.json", "no tokenizer")],
)
def test_model_with_a_part_missing_says_which(models_dir: Path, missing: str, said: str) -> None:
    (put_model(models_dir / "odd") / missing).unlink()

    with pytest.raises(InvalidInput, match=said):
        selectors.get_base_model("odd")


def test_damaged_model_is_no_fault_of_ours(models_dir: Path) -> None:
    (put_model(models_dir / "odd") / "model.safetensors").write_bytes(b"short")

    with pytest.raises(InvalidInput, match="cannot be read"):
        selectors.get_base_model("odd")


def test_link_to_nowhere_spoils_no_other_model(models_dir: Path) -> None:
    put_model(models_dir / "good")
    (put_model(models_dir / "odd") / "extra.json").symlink_to("/nowhere.json")

    assert "good" in [model.name for model in selectors.list_base_models()]
    with pytest.raises(InvalidInput, match="cannot be read"):
        selectors.get_base_model("odd")


def test_folder_that_is_filled_later_is_looked_at_again(models_dir: Path) -> None:
    folder = put_model(models_dir / "late")
    (folder / "model.safetensors").rename(models_dir / "elsewhere")
    with pytest.raises(InvalidInput):
        selectors.get_base_model("late")

    (models_dir / "elsewhere").rename(folder / "model.safetensors")

    assert selectors.get_base_model("late").name == "late"


def test_fingerprint_is_that_of_the_weights(models_dir: Path) -> None:
    folder, same = put_model(models_dir / "one"), put_model(models_dir / "two")
    before = weights.fingerprint(folder)

    assert before == weights.fingerprint(same) == weights.fingerprint(folder)
    write_safetensors(folder / "model.safetensors", {"norm.weight": (255,)})
    assert weights.fingerprint(folder) != before


@pytest.mark.parametrize("name", ["../outside", "/etc", "a/../../outside"])
def test_name_cannot_lead_out_of_the_folders(models_dir: Path, name: str) -> None:
    put_model(models_dir.parent / "outside")

    with pytest.raises(NotFound):
        selectors.get_base_model(name)


def test_listed_model_is_taken_from_a_folder_named_like_it(models_dir: Path) -> None:
    folder = put_model(models_dir / "meta-llama" / "Llama-3.2-1B-Instruct")

    assert weights.locate("Llama-3.2-1B-Instruct") == folder


def test_shipped_models_are_there() -> None:
    for name in ("tiny-llama-instruct", "all-MiniLM-L6-v2"):
        assert list(weights.locate(name).glob("*.safetensors"))


def test_missing_weights_say_what_to_do(models_dir: Path) -> None:
    with pytest.raises(Unavailable, match="EMBASSY_MODELS_DIRS"):
        weights.locate("tiny-llama-instruct")


@pytest.mark.parametrize(
    "link",
    [
        "Qwen/Qwen3-0.6B",
        "https://huggingface.co/Qwen/Qwen3-0.6B",
        "huggingface.co/Qwen/Qwen3-0.6B/",
        "hf.co/Qwen/Qwen3-0.6B",
    ],
)
def test_link_to_the_catalog(link: str) -> None:
    assert weights.add_from_hub(link).name == "Qwen3-0.6B"


@pytest.mark.parametrize(
    "link",
    [
        "https://example.com/a/b",
        "file:///etc/passwd",
        "http://169.254.169.254/a/b",
        "a",
        "../../x",
        "a/b/c",
        "",
    ],
)
def test_other_links_are_refused(link: str) -> None:
    with pytest.raises(InvalidInput, match="no Hugging Face model"):
        weights.add_from_hub(link)


def test_size_is_estimated_from_the_configuration() -> None:
    assert facts.estimate_size(LLAMA) == pytest.approx(3_475_712, rel=0.1)
