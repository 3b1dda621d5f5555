"""How much memory a training run takes at its peak, estimated part by part. Pure.

What is held all the time follows Rajbhandari et al., "ZeRO: Memory Optimizations Toward Training Trillion
Parameter Models" (2020): for each trained parameter its weight (4 bytes in fp32), its gradient (4) and the
two moments of AdamW (8). A frozen base in 4 bits takes half a byte and 0.127 bits of constants a weight, as
in Dettmers et al., "QLoRA" (2023). What each token leaves behind for the backward pass follows the count of
Korthikanti et al., "Reducing Activation Recomputation in Large Transformer Models" (2022), redone for
layers with a gated MLP and grouped keys, whose attention keeps no matrix of scores (Dao et al.,
"FlashAttention", 2022). The bytes of one such number, and what the libraries themselves take, are measured;
docs/preflight.md has the figures.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from embassy.training.model_shape import ModelShape
from embassy.training.spec import GrpoParameters, Parameters, Task, Technique

# A smaller base keeps fp32 weights in every case: see the trainer's choice of hardware.
TINY_PARAMETERS = 50_000_000

_WEIGHT, _GRADIENT, _MOMENTS = 4, 4, 8
_HALF = 2
_FOUR_BIT = (4 + 0.127) / 8
_ACTIVATION = 6.0  # one kept number: some are in bf16, some in fp32, and both copies of some are kept
_DORA = 1.4  # DoRA keeps the base's and the adapter's outputs apart
_TILE_TOKENS, _TILE_WORDS = 4096, 32768  # logits are made a tile at a time
_LOGIT_COPIES = 3
LIBRARIES = 700 * 2**20  # resident memory of the trainer once everything is imported
_CUDA = 2**30  # the context, the libraries' workspaces and what the allocator cannot use
# What is freed between the parts of a step is not all found again.
_SLACK = 1.08


@dataclass(frozen=True)
class Load:
    """What a run puts on a device: `batch` rows at once.

    `longest` is the most tokens that a row of a batch takes in all its sequences, `learned` the most of
    them that are predicted, and `prompt` the longest prompt to which answers are sampled.
    """

    technique: Technique
    task: Task
    parameters: Parameters
    batch: int
    longest: int
    learned: int
    prompt: int = 0
    cuda: bool = False
    bf16: bool = False


@dataclass(frozen=True)
class Footprint:
    """Bytes at the peak, by what takes them.

    Sampling and export happen when a step's activations are gone: theirs is only what they take beyond them.
    """

    weights: int
    adapter: int
    gradients: int
    optimizer: int
    activations: int
    logits: int
    sampling: int
    export: int
    libraries: int

    @property
    def parts(self) -> dict[str, int]:
        return asdict(self)

    @property
    def total(self) -> int:
        return sum(self.parts.values())

    @property
    def beyond_libraries(self) -> int:
        """What a trainer that has started still needs."""
        return self.total - self.libraries


def estimate(shape: ModelShape, load: Load) -> Footprint:
    """The peak of one process that trains with a batch of the longest rows."""
    parts = 1 if load.parameters.sharding == "none" else load.parameters.num_processes
    trained = _trained(shape, load.parameters) // parts
    full = load.parameters.full_fine_tuning
    activations, logits = _activations(shape, load), _logits(shape, load)
    step = activations + logits
    return Footprint(
        weights=_weights(shape, load) // parts,
        adapter=0 if full else trained * _WEIGHT,
        gradients=trained * _GRADIENT,
        optimizer=trained * _MOMENTS,
        activations=activations,
        logits=logits,
        sampling=max(0, _sampling(shape, load) - step),
        export=max(0, _export(shape, load.parameters) - step),
        libraries=_CUDA if load.cuda else LIBRARIES,
    )


def is_tiny(shape: ModelShape) -> bool:
    return shape.parameters < TINY_PARAMETERS


def _trained(shape: ModelShape, parameters: Parameters) -> int:
    return shape.parameters if parameters.full_fine_tuning else parameters.lora_r * shape.linear_edges


def _in_bf16(shape: ModelShape, load: Load) -> bool:
    """Whether the base is held in two bytes a weight: only where it is big and stays as it is."""
    return load.bf16 and not is_tiny(shape) and not load.parameters.full_fine_tuning


def _weights(shape: ModelShape, load: Load) -> int:
    each = _HALF if _in_bf16(shape, load) else _WEIGHT
    if load.parameters.load_in_4bit:
        return int(shape.linear * _FOUR_BIT) + (shape.parameters - shape.linear) * each
    # Under autocast each layer's fp32 weights are cast, and the copy is kept for the backward pass.
    casts = shape.linear * _HALF if load.bf16 and each == _WEIGHT else 0
    return shape.parameters * each + casts


def _activations(shape: ModelShape, load: Load) -> int:
    """With checkpointing each layer keeps its input, and one layer at a time all the rest."""
    parameters = load.parameters
    tokens = load.batch * load.longest
    layer = 7 * shape.hidden + 3 * shape.query + 2 * shape.key_value + 4 * shape.intermediate
    kept = layer * shape.layers
    if parameters.gradient_checkpointing:
        kept = shape.hidden * shape.layers + 2 * layer
    each = _ACTIVATION * (_DORA if parameters.use_dora else 1)
    return int(tokens * kept * each * _SLACK)


def _logits(shape: ModelShape, load: Load) -> int:
    if load.task is not Task.TEXT_GENERATION:
        return 0
    tokens = min(load.batch * load.learned, _TILE_TOKENS)
    return tokens * min(shape.vocabulary, _TILE_WORDS) * _WEIGHT * _LOGIT_COPIES


def _sampling(shape: ModelShape, load: Load) -> int:
    """GRPO's answers: keys and values of all tokens so far, and each new token's logits, sorted."""
    parameters = load.parameters
    if not isinstance(parameters, GrpoParameters):
        return 0
    answers = load.batch * parameters.gradient_accumulation_steps
    each = _HALF if _in_bf16(shape, load) else _WEIGHT
    tokens = load.prompt + parameters.max_completion_length
    cache = 2 * shape.layers * shape.key_value * tokens * each
    first = load.prompt * (4 * shape.hidden + 3 * shape.intermediate) * _WEIGHT
    words = shape.vocabulary * (_WEIGHT * _LOGIT_COPIES + 8)
    return answers * (cache + first + words)


def _export(shape: ModelShape, parameters: Parameters) -> int:
    """What is not exported as an adapter is loaded once more, in fp32, and cast."""
    if not (parameters.full_fine_tuning or parameters.use_dora):
        return 0
    return shape.parameters * (_WEIGHT if is_tiny(shape) else _WEIGHT + _HALF)
