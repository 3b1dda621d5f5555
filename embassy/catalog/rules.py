"""What may be set when a model is trained: one rule for each parameter, by kind of training."""

from dataclasses import dataclass, replace
from typing import Any, Literal

Value = int | float | bool | str


@dataclass(frozen=True)
class Rule:
    """One parameter. `minimum` and `maximum` are inclusive and None for booleans and choices."""

    name: str
    kind: Literal["integer", "number", "boolean", "choice"]
    default: Value
    meaning: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()

    def range(self) -> str:
        """What is allowed, in words."""
        if self.kind == "boolean":
            return "true or false"
        if self.kind == "choice":
            return f"one of {', '.join(self.choices)}"
        noun = "a whole number" if self.kind == "integer" else "a number"
        return f"{noun} from {self.minimum:g} to {self.maximum:g}"

    def with_default(self, value: Value) -> "Rule":
        return replace(self, default=value)

    def with_maximum(self, value: float) -> "Rule":
        return replace(self, maximum=value)


def whole(name: str, default: int, minimum: int, maximum: int, meaning: str) -> Rule:
    return Rule(name, "integer", default, meaning, minimum, maximum)


def number(name: str, default: float, minimum: float, maximum: float, meaning: str) -> Rule:
    return Rule(name, "number", default, meaning, minimum, maximum)


def switch(name: str, meaning: str, default: bool = False) -> Rule:
    return Rule(name, "boolean", default, meaning)


def choice(name: str, choices: tuple[str, ...], meaning: str) -> Rule:
    return Rule(name, "choice", choices[0], meaning, choices=choices)


COMMON = (
    number("learning_rate", 2e-4, 1e-8, 0.1, "Size of each step of the optimizer."),
    whole("num_train_epochs", 3, 1, 100, "Passes over the training rows; each leaves one checkpoint."),
    whole("per_device_train_batch_size", 8, 1, 512, "Rows in one forward pass while training."),
    whole("per_device_eval_batch_size", 8, 1, 512, "Rows in one forward pass while evaluating."),
    whole("gradient_accumulation_steps", 1, 1, 256, "Forward passes that make one optimizer step."),
    whole("max_length", 1024, 8, 131072, "Longest row in tokens; what is longer is cut off."),
    number("downsample_size", 100, 0.01, 100, "Percent of the training rows to train on, drawn at random."),
    number("warmup_ratio", 0.03, 0, 0.99, "Share of the steps over which the learning rate rises."),
    Rule(
        "lr_scheduler_type",
        "choice",
        "cosine",
        "How the learning rate falls after the warm-up.",
        choices=("linear", "cosine", "constant", "constant_with_warmup"),
    ),
    number("weight_decay", 0.0, 0, 1, "Pull of the trained weights towards zero."),
    number("max_grad_norm", 1.0, 0, 1000, "Gradients longer than this are shortened; 0 leaves them."),
    whole("seed", 0, 0, 2**31 - 1, "Start of every random choice: the same seed gives the same run."),
    switch("gradient_checkpointing", "Save memory by computing activations twice."),
    whole("lora_r", 16, 1, 256, "Rank of the adapter: how much it can learn."),
    number("lora_alpha", 32.0, 0.01, 4096, "Scale of the adapter; twice the rank is usual."),
    number("lora_dropout", 0.0, 0, 0.9, "Share of the adapter's inputs dropped while training."),
    switch("use_dora", "Train magnitude and direction apart (DoRA); the result is served merged."),
    switch("use_rslora", "Scale the adapter by the root of its rank (rsLoRA)."),
    switch("load_in_4bit", "Hold the base model in 4 bits while training (QLoRA): less memory, slower."),
    switch("full_fine_tuning", "Train every weight instead of an adapter; the result is served on its own."),
    whole("num_processes", 1, 1, 64, "Processes that train together, each on a GPU of its own."),
    choice(
        "sharding",
        ("none", "fsdp", "fsdp_offload"),
        "What each of several processes holds: the whole model, a part (FSDP), or a part in host memory.",
    ),
)

SFT = (
    number("neftune_noise_alpha", 0.0, 0, 100, "Noise on the embeddings against overfitting; 0 is off."),
    switch(
        "dynamic_loss",
        "Weigh each target token by 1 - p, where p is the probability that the model gives it: what it finds"
        " hard counts more than what it knows (focal loss, Lin et al. 2017, with gamma 1).",
    ),
)

DPO = (
    number("beta", 0.1, 0.001, 10, "How firmly the model is held to where it started."),
    choice("loss_type", ("sigmoid", "hinge", "ipo", "robust"), "Shape of the preference loss."),
    number("label_smoothing", 0.0, 0, 0.49, "Share of preferences taken to be wrong."),
)

GRPO = (
    whole("num_generations", 8, 2, 64, "Answers sampled for each prompt and compared with one another."),
    whole("max_completion_length", 128, 1, 32768, "Longest sampled answer in tokens."),
    number("temperature", 1.0, 0.01, 5, "Randomness of the sampled answers."),
    number("top_p", 1.0, 0.01, 1, "Sample only from the likeliest tokens that sum to this probability."),
    number("beta", 0.0, 0, 10, "How firmly the model is held to where it started; 0 is not at all."),
    number("epsilon", 0.2, 0.001, 1, "How far one step may move the probability of an answer down."),
    number("epsilon_high", 0.0, 0, 10, "How far up; 0 means the same as epsilon."),
    choice("loss_type", ("dapo", "grpo", "dr_grpo", "bnpo"), "How tokens of long and short answers count."),
    choice("scale_rewards", ("none", "group", "batch"), "Rescale rewards within a group, a batch, or not."),
    switch("mask_truncated_completions", "Ignore sampled answers that were cut off."),
    choice(
        "generation",
        ("auto", "transformers", "vllm"),
        "What samples the answers: vLLM needs a GPU; auto takes it where it can.",
    ),
    number("vllm_memory_share", 0.3, 0.05, 0.9, "Share of the GPU's memory that vLLM takes while training."),
)

CLASSIFICATION = (
    switch("multi_label", "A row may have several labels at once."),
    switch("class_weighting", "Weigh each class by the inverse of its frequency, up to ten times."),
    switch("dynamic_loss", "Here another name of class_weighting, which wins if both are given."),
)

EMBEDDING = (
    choice("loss", ("cosine", "cosent", "multiple_negatives", "contrastive"), "What makes two texts close."),
)

# Parameters in which 0 stands for "not set": the templates of the API know no null.
ZERO_IS_UNSET = frozenset({"neftune_noise_alpha", "epsilon_high"})

RECIPES: dict[str, tuple[Rule, ...]] = {
    "SFT": COMMON + SFT,
    "DPO": COMMON + DPO,
    "GRPO": COMMON + GRPO,
    "classification": COMMON + CLASSIFICATION,
    "regression": COMMON,
    "embedding": COMMON + EMBEDDING,
}


def recipe_name(technique: str, task_type: str) -> str:
    """Key of RECIPES: the technique for text generation, otherwise the task."""
    return technique if task_type == "text-generation" else task_type


def as_template(rules: tuple[Rule, ...]) -> dict[str, Any]:
    """Defaults by name, as the API shows them: booleans as `true` and `false` in text."""
    return {rule.name: _plain(rule.default) for rule in rules}


def _plain(value: Value) -> int | float | str:
    return str(value).lower() if isinstance(value, bool) else value
