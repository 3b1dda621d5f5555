"""What accelerate is told, as accelerate itself reads it."""

import json
from pathlib import Path
from typing import Any

import pytest
from accelerate.commands.config import load_config_from_file
from accelerate.commands.launch import _validate_launch_command, launch_command_parser

from embassy.training import launch
from embassy.training.spec import GrpoParameters, Parameters, SftParameters


def read_back(parameters: Parameters, folder: Path) -> Any:
    """The arguments with which accelerate would start the processes."""
    config = folder / "accelerate.json"
    config.write_text(launch.config(parameters))
    arguments = launch.arguments(config, folder / "spec.json")
    settings, _, _ = _validate_launch_command(launch_command_parser().parse_args(arguments))
    return settings


def test_each_process_holds_the_whole_model(tmp_path: Path) -> None:
    settings = read_back(SftParameters(num_processes=4), tmp_path)
    assert settings.multi_gpu
    assert not settings.use_fsdp
    assert settings.num_processes == 4
    assert settings.num_machines == 1
    assert settings.main_process_port == 0  # a free one
    assert settings.training_script == "embassy.training.runner"
    assert settings.training_script_args == [str(tmp_path / "spec.json")]
    assert settings.module


def test_they_meet_by_a_file(tmp_path: Path) -> None:
    settings = read_back(SftParameters(num_processes=2), tmp_path)
    assert (settings.rdzv_backend, settings.rdzv_conf) == ("c10d", "store_type=file")
    assert settings.main_process_ip == "127.0.0.1"


@pytest.mark.parametrize(("sharding", "offloads"), [("fsdp", False), ("fsdp_offload", True)])
def test_the_model_is_spread_over_them(tmp_path: Path, sharding: Any, offloads: bool) -> None:
    settings = read_back(SftParameters(num_processes=2, sharding=sharding), tmp_path)
    assert settings.use_fsdp
    assert settings.fsdp_version == 2
    assert settings.fsdp_auto_wrap_policy == "TRANSFORMER_BASED_WRAP"
    assert settings.fsdp_state_dict_type == "FULL_STATE_DICT"
    assert settings.fsdp_cpu_ram_efficient_loading
    assert settings.fsdp_offload_params is offloads


def test_it_is_a_file_of_accelerate(tmp_path: Path) -> None:
    path = tmp_path / "accelerate.json"
    path.write_text(launch.config(SftParameters(num_processes=2, sharding="fsdp")))
    assert (
        load_config_from_file(str(path)).to_dict().items() >= {"num_processes": 2, "num_machines": 1}.items()
    )
    assert json.loads(path.read_text())["mixed_precision"] == "no"  # each process settles it for itself


@pytest.mark.parametrize(
    ("generation", "has_gpu", "expected"),
    [
        ("auto", True, True),
        ("auto", False, False),
        ("vllm", False, True),
        ("transformers", True, False),
    ],
)
def test_vllm_is_wanted_where_it_can_be_had(generation: Any, has_gpu: bool, expected: bool) -> None:
    assert launch.wants_vllm(GrpoParameters(generation=generation), has_gpu=has_gpu) is expected


def test_only_grpo_samples() -> None:
    assert not launch.wants_vllm(SftParameters(), has_gpu=True)
