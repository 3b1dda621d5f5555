"""Who samples GRPO's answers."""

from typing import Any

import pytest

from embassy.training.runner.failures import RunnerError
from embassy.training.runner.generation import generation_arguments, uses_vllm
from embassy.training.runner.hardware import Hardware
from embassy.training.spec import EndCode, GrpoParameters, SpecError

GPU = Hardware(cuda=True, bf16=True, tiny=False, threads=8)
CPU = Hardware(cuda=False, bf16=False, tiny=True, threads=1)


@pytest.mark.parametrize(
    ("generation", "hardware", "available", "expected"),
    [
        ("auto", GPU, True, True),
        ("auto", GPU, False, False),
        ("auto", CPU, True, False),
        ("transformers", GPU, True, False),
        ("vllm", GPU, True, True),
    ],
)
def test_vllm_samples_on_a_gpu(generation: Any, hardware: Hardware, available: bool, expected: bool) -> None:
    assert uses_vllm(GrpoParameters(generation=generation), hardware, available=available) is expected


@pytest.mark.parametrize(("hardware", "available"), [(CPU, True), (GPU, False)])
def test_vllm_asked_for_in_vain_is_refused(hardware: Hardware, available: bool) -> None:
    with pytest.raises(RunnerError) as raised:
        uses_vllm(GrpoParameters(generation="vllm"), hardware, available=available)
    assert raised.value.code is EndCode.INVALID_SPEC
    assert "generation" in raised.value.sentence


def test_it_shares_the_gpu_with_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("embassy.training.runner.generation.is_vllm_available", lambda: True)
    found = generation_arguments(GrpoParameters(vllm_memory_share=0.4, max_length=512), GPU)
    assert found["use_vllm"]
    assert found["vllm_mode"] == "colocate"
    assert found["vllm_gpu_memory_utilization"] == 0.4
    assert found["vllm_max_model_length"] == 512


def test_four_bits_stay_with_transformers(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not uses_vllm(GrpoParameters(load_in_4bit=True), GPU, available=True)
    with pytest.raises(SpecError, match="generation"):
        GrpoParameters(load_in_4bit=True, generation="vllm")
