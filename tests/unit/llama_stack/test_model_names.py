"""Names of fine-tuned models."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embassy.llama_stack.fine_tuning import names

ID = "ftjob-0123456789abcdefABCDEF"


def test_the_parts_are_told_apart() -> None:
    name = names.model_name(base="tiny-llama", organization="Acme & Co", suffix="sums", public_id=ID)
    assert name == "ft:tiny-llama:Acme-Co:sums:89ABCDEF".replace("89ABCDEF", ID[-8:])


def test_a_model_of_a_model_names_the_base() -> None:
    first = names.model_name(base="tiny", organization="a", suffix="", public_id=ID)
    second = names.model_name(base=first, organization="a", suffix="", public_id=ID)
    assert second == first


@given(
    base=st.text(min_size=1), organization=st.text(), suffix=st.text(max_size=64), step=st.integers(0, 10**9)
)
def test_every_name_fits_and_can_be_split(base: str, organization: str, suffix: str, step: int) -> None:
    name = names.model_name(base=base, organization=organization, suffix=suffix, public_id=ID)
    assert len(name) <= names.MAX_LENGTH
    assert name.count(":") == 4
    assert names.split(names.checkpoint_name(name, step)) == (name, step)
    assert names.split(name) == (name, None)


@pytest.mark.parametrize("name", ["tiny", "dp-1", ""])
def test_others_are_no_fine_tuned_models(name: str) -> None:
    assert not names.is_fine_tuned(name)
