import json
from pathlib import Path

import pytest
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError
from pytest_django import Settings

from embassy.catalog import hub, selectors, weights
from embassy.platform.errors import InvalidInput, NotFound, Unavailable

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


def put_model(folder: Path, config: dict[str, object] | None = None) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(config or LLAMA))
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

    assert (model.context_length, model.dtype, model.task_types[0]) == (512, "float32", "text-generation")
    assert weights.locate("our-model") == models_dir / "our-model"


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


def test_model_that_is_no_causal_language_model() -> None:
    with pytest.raises(InvalidInput, match="BertModel"):
        hub.describe("a/b", {"architectures": ["BertModel"]})


def test_size_is_estimated_from_the_configuration() -> None:
    assert hub.describe("x", LLAMA).size_parameters == pytest.approx(3_475_712, rel=0.1)


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (GatedRepoError, InvalidInput, "Accept its licence"),
        (RepositoryNotFoundError, InvalidInput, "has no model"),
        (LocalEntryNotFoundError, Unavailable, "cannot be reached"),
        (ConnectionError, Unavailable, "cannot be reached"),
    ],
)
def test_errors_of_the_hub_become_ours(
    monkeypatch: pytest.MonkeyPatch,
    settings: Settings,
    error: type[Exception],
    expected: type[Exception],
    said: str,
) -> None:
    settings.HF_OFFLINE = False

    def refuse(*_: object, local_files_only: bool = False, **__: object) -> str:
        raised = LocalEntryNotFoundError if local_files_only else error
        raise raised.__new__(raised)

    monkeypatch.setattr(hub, "hf_hub_download", refuse)
    with pytest.raises(expected, match=said):
        weights.add_from_hub("someone/something")


def test_offline_says_so(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    settings.HF_OFFLINE = True

    def nothing(*_: object, **__: object) -> str:
        raise LocalEntryNotFoundError("not here")

    monkeypatch.setattr(hub, "hf_hub_download", nothing)
    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE"):
        weights.add_from_hub("someone/something")
