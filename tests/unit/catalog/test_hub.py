"""Models behind a link, with a stand-in for the library that talks to Hugging Face."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from huggingface_hub.errors import GatedRepoError, LocalEntryNotFoundError, RepositoryNotFoundError
from pytest_django import Settings

from embassy.catalog import selectors, weights
from embassy.platform.errors import InvalidInput, Unavailable
from tests.fakes.hub import COMMIT, FakeHub
from tests.fakes.weights import write_safetensors


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Settings) -> FakeHub:
    settings.HF_OFFLINE = False
    fake = FakeHub(tmp_path)
    fake.install(monkeypatch)
    return fake


def test_model_is_pinned_to_its_commit_and_not_downloaded_yet(fake: FakeHub) -> None:
    model = weights.add_from_hub("https://huggingface.co/some/model")

    assert (model.name, model.hf_id) == (f"some/model@{COMMIT}", "some/model")
    assert (model.type, model.context_length, model.size_parameters) == ("chat", 64, 12_345)
    assert not (fake.cache / "model.safetensors").exists()
    assert selectors.get_base_model(model.name).task_types == model.task_types
    assert weights.public_name(model.name) == "some/model"


@pytest.mark.parametrize(
    ("link", "revision"),
    [
        ("some/model@v1", "v1"),
        ("https://huggingface.co/some/model/tree/v1", "v1"),
        ("hf.co/some/model/commit/abc", "abc"),
    ],
)
def test_revision_of_the_link_is_asked_for(fake: FakeHub, link: str, revision: str) -> None:
    weights.add_from_hub(link)

    assert fake.asked[0] == f"info some/model {revision}"


def test_weights_come_when_they_are_needed(fake: FakeHub) -> None:
    name = weights.add_from_hub("some/model").name

    folder = weights.locate(name)

    assert (folder / "model.safetensors").exists()
    assert weights.revision_of(folder) == COMMIT
    fake.asked.clear()
    assert weights.locate(name) == folder
    assert fake.asked == []  # all of it is here


def test_half_a_download_is_finished(fake: FakeHub) -> None:
    name = weights.add_from_hub("some/model").name
    for number in (1, 2):
        write_safetensors(fake.remote / f"model-0000{number}-of-00002.safetensors", {"w": (8, 8)})
    (fake.remote / "model.safetensors").unlink()
    fake.fetch("model-00001-of-00002.safetensors")

    assert len(list(weights.locate(name).glob("*.safetensors"))) == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda folder: (folder / "model.safetensors").rename(folder / "pytorch_model.bin"), "no weights"),
        (lambda folder: (folder / "tokenizer.json").unlink(), "no tokenizer"),
        (lambda folder: (folder / "config.json").unlink(), "no config.json"),
        (lambda folder: (folder / "config.json").write_text('{"architectures": ["T5Model"]}'), "T5Model"),
    ],
)
def test_what_cannot_be_used_is_refused_before_it_is_downloaded(
    fake: FakeHub, change: Callable[[Path], object], said: str
) -> None:
    change(fake.remote)

    with pytest.raises(InvalidInput, match=said):
        weights.add_from_hub("some/model")
    assert "file model.safetensors" not in fake.asked


def test_model_too_big_for_the_disk(fake: FakeHub) -> None:
    fake.sizes["model.safetensors"] = 10**18

    with pytest.raises(Unavailable, match="of disk are free") as caught:
        weights.add_from_hub("some/model")
    assert caught.value.code == "disk_full"


def from_hub(kind: type[Exception]) -> Callable[[], Exception]:
    return lambda: kind.__new__(kind)


@pytest.mark.parametrize(
    ("error", "expected", "said"),
    [
        (from_hub(GatedRepoError), InvalidInput, "Accept its licence"),
        (from_hub(RepositoryNotFoundError), InvalidInput, "has no model"),
        (from_hub(LocalEntryNotFoundError), Unavailable, "cannot be reached"),
        (lambda: httpx.ConnectError("no route"), Unavailable, "cannot be reached"),
        (ConnectionError, Unavailable, "cannot be reached"),
    ],
)
def test_errors_of_the_hub_become_ours(
    fake: FakeHub, error: Callable[[], Exception], expected: type[Exception], said: str
) -> None:
    fake.error = error

    with pytest.raises(expected, match=said):
        weights.add_from_hub("someone/something")


def test_offline_says_so(fake: FakeHub, settings: Settings) -> None:
    settings.HF_OFFLINE = True

    with pytest.raises(Unavailable, match="HF_HUB_OFFLINE"):
        weights.add_from_hub("someone/something")


def test_offline_takes_what_is_in_the_cache(fake: FakeHub, settings: Settings) -> None:
    weights.locate(weights.add_from_hub("some/model").name)
    settings.HF_OFFLINE = True

    assert weights.add_from_hub("some/model").name == f"some/model@{COMMIT}"
