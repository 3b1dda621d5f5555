"""What one would write from TRL's documentation: `python -m benchmarks.plain_trl SETTINGS.json`."""

import json
import sys
import time
from pathlib import Path
from typing import Any

import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import TrainerCallback
from trl import SFTConfig, SFTTrainer


class Clock(TrainerCallback):
    """Notes when each step ended."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        self.times.append(time.time())


clock = Clock()
settings = json.loads(Path(sys.argv[1]).read_text())
torch.set_num_threads(settings["threads"])
parameters = settings["parameters"]
trainer = SFTTrainer(
    model=settings["base"],
    train_dataset=load_dataset("json", data_files=settings["train"], split="train"),
    args=SFTConfig(
        output_dir=settings["output"],
        learning_rate=parameters["learning_rate"],
        num_train_epochs=parameters["num_train_epochs"],
        per_device_train_batch_size=parameters["per_device_train_batch_size"],
        max_length=parameters["max_length"],
        lr_scheduler_type=parameters["lr_scheduler_type"],
        warmup_steps=parameters["warmup_ratio"],
        seed=parameters["seed"],
        assistant_only_loss=True,
        gradient_checkpointing=False,
        bf16=settings["bf16"],
        use_cpu=True,
        dataloader_pin_memory=False,
        logging_steps=1,
        save_strategy="epoch",
        report_to="none",
    ),
    peft_config=LoraConfig(
        r=parameters["lora_r"],
        lora_alpha=parameters["lora_alpha"],
        lora_dropout=0.0,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
    ),
    callbacks=[clock],
)
trainer.train()
Path(settings["times"]).write_text(json.dumps(clock.times))
