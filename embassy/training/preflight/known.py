"""All that a preflight has found out, and what follows from it."""

from dataclasses import dataclass

from embassy.training.duration import seconds_per_step
from embassy.training.examples.summary import Counted, steps_per_epoch
from embassy.training.fitting import Fit
from embassy.training.footprint import Load
from embassy.training.footprint import estimate as footprint_of
from embassy.training.model_shape import ModelShape
from embassy.training.plan import Plan
from embassy.training.preflight.history import earlier_speed, tokens_per_step
from embassy.training.preflight.hosts import TrainingHost
from embassy.training.preflight.result import Duration
from embassy.training.preflight.survey import Survey
from embassy.training.spec import GrpoParameters, Parameters, Task, Technique
from embassy.training.workload import load_of


@dataclass(kw_only=True)
class Known:
    """`shape` and `examples` are None as long as the base model's files are not at hand."""

    plan: Plan
    technique: Technique
    task: Task
    parameters: Parameters
    seen: Survey
    host: TrainingHost
    shape: ModelShape | None = None
    examples: list[Counted] | None = None

    @property
    def trainable_rows(self) -> int:
        """Of all rows, as far as the sample tells."""
        if not self.examples:
            return self.seen.train_rows
        kept = sum(example.problem is None for example in self.examples)
        return round(kept / len(self.examples) * self.seen.train_rows)

    @property
    def prompts_per_step(self) -> int:
        """0 where a step is not made of prompts."""
        if not isinstance(self.parameters, GrpoParameters):
            return 0
        return self.parameters.completions_per_step // self.parameters.num_generations

    @property
    def steps_per_epoch(self) -> int:
        if self.prompts_per_step:
            return self.trainable_rows // self.prompts_per_step
        return steps_per_epoch(self.trainable_rows, self.parameters)

    @property
    def total_steps(self) -> int:
        return self.steps_per_epoch * self.parameters.num_train_epochs

    @property
    def load(self) -> Load:
        kept = [example for example in self.examples or () if example.problem is None]
        cuda, bf16 = self.host.cuda, self.host.bf16
        return load_of(self.technique, self.task, self.parameters, kept, cuda=cuda, bf16=bf16)

    def fit(self) -> Fit | None:
        if self.shape is None or not self.examples:
            return None
        sharing = 1 if self.host.cuda else self.parameters.num_processes
        return Fit(footprint_of(self.shape, self.load), self.host.available // sharing)

    def duration(self) -> Duration | None:
        """From how fast earlier jobs were, or else from a count of operations."""
        if self.shape is None or not self.examples:
            return None
        tokens = self._tokens_per_step()
        speed = earlier_speed(
            base_model=self.plan.model.name,
            technique=self.technique.value,
            task_type=self.task.value,
            device=self.host.device,
        )
        each = (
            tokens / speed.tokens_per_second
            if speed
            else seconds_per_step(
                self.shape, self.load, tokens=tokens, device=self.host.device, cores=self.host.cores
            )
        )
        return Duration(
            seconds=round(each * self.total_steps, 1),
            seconds_per_step=round(each, 4),
            basis="earlier_jobs" if speed else "rule_of_thumb",
            jobs=speed.jobs if speed else 0,
        )

    def _tokens_per_step(self) -> float:
        examples = self.examples or []
        mean = sum(example.full_length for example in examples) / max(1, len(examples))
        return tokens_per_step(self.technique.value, self.task.value, self.plan.parameters, mean)
