"""Training jobs in the Emissary family's words. Times are UNIX seconds."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from embassy.evaluation.scoring import as_text
from embassy.platform.storage import get_storage
from embassy.training.live import live_of
from embassy.training.live_serializers import CHANGED, LiveSerializer
from embassy.training.models import Checkpoint, JobEvent, LossPoint, TestResult, TrainingJob
from embassy.training.parity import ParityStatus
from embassy.training.requests import JobRequest
from embassy.training.selection import MOST_PATIENCE, Keep
from embassy.training.states import BaseModelOption, JobStatus, TaskType, Technique


@extend_schema_field({"type": "integer"})
class UnixSecondsField(serializers.Field[Any, Any, int, datetime]):
    def to_representation(self, value: datetime) -> int:
        return int(value.timestamp())


class SelectionSerializer(serializers.Serializer[Any]):
    """Which checkpoint is the best, what happens to the others, and when training stops early."""

    test_function = serializers.CharField(
        required=False,
        allow_null=True,
        max_length=120,
        help_text="One of test_functions, whose mean over the test rows decides; left out, the first.",
    )
    higher_is_better = serializers.BooleanField(
        required=False,
        allow_null=True,
        help_text="Left out, as the function says; of a function of yours: true.",
    )
    early_stopping_patience = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        max_value=MOST_PATIENCE,
        help_text="Stop after so many checkpoints without improvement. Null: train to the end.",
    )
    min_delta = serializers.FloatField(
        required=False, min_value=0, help_text="What is no more than this is no improvement. 0 if left out."
    )
    keep = serializers.ChoiceField(
        [keep.value for keep in Keep], required=False, help_text="best removes the others when all is tested."
    )


# The contract has no word for a paused job: it is pending, and `paused` says why.
SHOWN_STATUSES = [status.value for status in JobStatus if status != JobStatus.PAUSED]

_WEIGHTS = {"type": "object", "additionalProperties": {"type": "number"}}


class CreateJobFields(serializers.Serializer[Any]):
    """What jobs of every technique take."""

    base_model_option = serializers.ChoiceField(BaseModelOption.choices, default=BaseModelOption.PRE_TRAINED)
    base_model = serializers.CharField(
        max_length=200, help_text="Name of a base model, or of the training job to go on from (fine-tuned)."
    )
    checkpoint = serializers.IntegerField(
        required=False, allow_null=True, min_value=1, help_text="Of that job; the newest if left out."
    )
    train_dataset_id = serializers.CharField(max_length=40)
    test_dataset_id = serializers.CharField(required=False, allow_null=True, max_length=40)
    train_test_split_ratio = serializers.FloatField(
        required=False, allow_null=True, help_text="Percent of the training rows held out for testing."
    )
    name = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=120)
    description = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=4000)
    task_type = serializers.ChoiceField(TaskType.choices, default=TaskType.TEXT_GENERATION)
    parameters = serializers.DictField(
        required=False,
        help_text=(
            "See GET /v1/models/{base_model_name}. downsample_size: percent of the training rows to train on."
            " dynamic_loss: give what is hard more weight; in text-generation tokens that the model is"
            " unsure of, in classification the rarer labels (as class_weighting)."
        ),
    )
    hf_model_link = serializers.CharField(required=False, allow_null=True, allow_blank=True, max_length=300)
    time_limit_seconds = serializers.IntegerField(
        required=False,
        allow_null=True,
        min_value=1,
        help_text="Of training, without waits and pauses. Then the job is TimedOut; checkpoints are kept.",
    )
    selection = SelectionSerializer(required=False, allow_null=True)

    def request(self) -> JobRequest:
        """What was asked for; call after is_valid()."""
        values = dict(self.validated_data)
        values["test_functions"] = tuple(values.get("test_functions") or ())
        values["description"] = values.get("description") or ""
        return JobRequest(**values)


class CreateTrainingJobSerializer(CreateJobFields):
    technique = serializers.ChoiceField(
        [Technique.SFT, Technique.DPO],
        required=False,
        allow_null=True,
        help_text="SFT, or DPO for a dataset of preferences; left out, the dataset decides.",
        error_messages={"invalid_choice": "must be SFT or DPO. For GRPO use POST …/training-jobs/grpo."},
    )
    test_functions = serializers.ListField(
        child=serializers.CharField(max_length=120), required=False, max_length=20
    )
    rebalance_data = serializers.DictField(
        child=serializers.FloatField(min_value=0),
        required=False,
        allow_null=True,
        help_text=(
            "Classification with one label to a row: shares of all labels that sum to 1, or numbers of rows."
            " Of two labels such as yes and no, positive and negative may be said."
        ),
    )


class CreateGrpoJobSerializer(CreateJobFields):
    test_functions = serializers.ListField(
        child=serializers.CharField(max_length=120),
        allow_empty=False,
        max_length=20,
        help_text="The reward functions; test rows are scored by them as well.",
    )
    reward = serializers.DictField(
        child=serializers.FloatField(),
        help_text="The weight of each of test_functions. The weights sum to 1.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["base_model_option"] == BaseModelOption.FINE_TUNED and attrs.get("checkpoint") is None:
            raise serializers.ValidationError(
                {"checkpoint": "say which checkpoint of the training job to go on from."}
            )
        return attrs

    def request(self) -> JobRequest:
        return replace(super().request(), technique=Technique.GRPO)


class TrainingJobFields(serializers.ModelSerializer[TrainingJob]):
    """What the summary and the detail share."""

    id = serializers.CharField(source="public_id")
    training_technique = serializers.SerializerMethodField()
    technique = serializers.ChoiceField(Technique.choices)
    status = serializers.SerializerMethodField()
    paused = serializers.SerializerMethodField(
        help_text="Whether a user has paused it; it is Pending then, until it is resumed."
    )
    reward = serializers.SerializerMethodField()
    reason = serializers.CharField(help_text="Why it waits or ended; empty if there is nothing to say.")
    reason_code = serializers.CharField(source="code")
    next_retry_at = UnixSecondsField(read_only=True, allow_null=True)
    created_by = serializers.CharField(source="created_by.public_id")
    created_at = UnixSecondsField(read_only=True)
    updated_at = UnixSecondsField(read_only=True)

    class Meta:
        model = TrainingJob
        fields: tuple[str, ...] = (
            "id",
            "name",
            "training_technique",
            "technique",
            "task_type",
            "base_model_option",
            "base_model",
            "base_fine_tuned_model",
            "base_fine_tuned_model_checkpoint",
            "test_functions",
            "reward",
            "status",
            "paused",
            "pause_requested",
            "reason",
            "reason_code",
            "next_retry_at",
            "progress",
            "created_by",
            "created_at",
            "updated_at",
        )

    @extend_schema_field(serializers.ChoiceField([Technique.SFT, Technique.GRPO]))
    def get_training_technique(self, job: TrainingJob) -> str:
        # The contract has two words. DPO needs a third, which `technique` says.
        return Technique.GRPO if job.technique == Technique.GRPO else Technique.SFT

    @extend_schema_field(serializers.ChoiceField(SHOWN_STATUSES))
    def get_status(self, job: TrainingJob) -> str:
        return JobStatus.PENDING if job.status == JobStatus.PAUSED else job.status

    def get_paused(self, job: TrainingJob) -> bool:
        return job.status == JobStatus.PAUSED

    @extend_schema_field(_WEIGHTS)
    def get_reward(self, job: TrainingJob) -> dict[str, float]:
        return dict(job.reward or {})

    def to_representation(self, instance: TrainingJob) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not instance.base_fine_tuned_model:  # the contract types both, so nothing is better than null
            del shown["base_fine_tuned_model"], shown["base_fine_tuned_model_checkpoint"]
        return shown


class TrainingJobSummarySerializer(TrainingJobFields):
    train_dataset_name = serializers.SerializerMethodField()

    class Meta(TrainingJobFields.Meta):
        fields = (*TrainingJobFields.Meta.fields, "train_dataset_name")

    def get_train_dataset_name(self, job: TrainingJob) -> str:
        return str(job.datasets["train"]["name"])


class DatasetOfJobSerializer(serializers.Serializer[Any]):
    """A dataset as it was when the job was created."""

    id = serializers.CharField()
    name = serializers.CharField()
    created_at = serializers.IntegerField()
    is_uploaded = serializers.BooleanField()


class LabelCountsSerializer(serializers.Serializer[Any]):
    before = serializers.DictField(child=serializers.IntegerField())
    after = serializers.DictField(child=serializers.IntegerField())


class RowCountsSerializer(serializers.Serializer[Any]):
    """How many rows of the training dataset were left after each step."""

    dataset = serializers.IntegerField(help_text="All of them.")
    held_out = serializers.IntegerField(help_text="For testing, by train_test_split_ratio.")
    sampled = serializers.IntegerField(help_text="Of the others, left by downsample_size.")
    trained = serializers.IntegerField(help_text="After rebalance_data: repeated rows count as often.")
    labels = LabelCountsSerializer(allow_null=True, help_text="Null without rebalance_data.")


class LossPointSerializer(serializers.ModelSerializer[LossPoint]):
    timestamp = serializers.SerializerMethodField()

    class Meta:
        model = LossPoint
        fields = ("timestamp", "loss", "step", "epoch", "learning_rate")

    def get_timestamp(self, point: LossPoint) -> float:
        return point.at.timestamp()


class TrainingJobDetailSerializer(TrainingJobFields):
    description = serializers.CharField()
    train_dataset = serializers.SerializerMethodField()
    test_dataset = serializers.SerializerMethodField()
    training_loss = LossPointSerializer(source="loss_points", many=True)
    hyper_parameters = serializers.DictField(source="parameters")
    selection = serializers.SerializerMethodField(
        help_text="By what the best checkpoint is chosen; null where nothing is scored."
    )
    live = serializers.SerializerMethodField(help_text="How it is doing; null before the first step.")
    time_limit_seconds = serializers.IntegerField(source="spec.time_limit_seconds")
    seconds_used = serializers.FloatField(help_text="Of training, over all attempts.")
    changed_parameters = serializers.SerializerMethodField(
        help_text="What is in effect otherwise than asked for, after training ran out of memory."
    )
    row_counts = serializers.SerializerMethodField()
    started_at = UnixSecondsField(read_only=True, allow_null=True)
    finished_at = UnixSecondsField(read_only=True, allow_null=True)

    class Meta(TrainingJobFields.Meta):
        fields = (
            *TrainingJobFields.Meta.fields,
            "description",
            "train_dataset",
            "test_dataset",
            "train_test_split_ratio",
            "train_rows",
            "test_rows",
            "row_counts",
            "training_loss",
            "hyper_parameters",
            "selection",
            "live",
            "time_limit_seconds",
            "seconds_used",
            "changed_parameters",
            "started_at",
            "finished_at",
        )

    @extend_schema_field(LiveSerializer(allow_null=True))
    def get_live(self, job: TrainingJob) -> dict[str, Any] | None:
        live = live_of(job)
        return dict(LiveSerializer(live).data) if live else None

    @extend_schema_field(CHANGED)
    def get_changed_parameters(self, job: TrainingJob) -> dict[str, Any]:
        return dict(job.spec.get("batch_reduced") or {})

    @extend_schema_field(SelectionSerializer(allow_null=True))
    def get_selection(self, job: TrainingJob) -> dict[str, Any] | None:
        selection: dict[str, Any] | None = job.spec.get("selection")
        return selection

    @extend_schema_field(RowCountsSerializer(allow_null=True))
    def get_row_counts(self, job: TrainingJob) -> dict[str, Any] | None:
        counts: dict[str, Any] | None = job.spec.get("rows")
        return counts

    @extend_schema_field(DatasetOfJobSerializer)
    def get_train_dataset(self, job: TrainingJob) -> dict[str, Any]:
        return dict(job.datasets["train"])

    @extend_schema_field(DatasetOfJobSerializer)
    def get_test_dataset(self, job: TrainingJob) -> dict[str, Any]:
        return dict(job.datasets.get("test") or {})

    def to_representation(self, instance: TrainingJob) -> dict[str, Any]:
        shown = super().to_representation(instance)
        if not shown["test_dataset"]:
            del shown["test_dataset"]
        return shown


class ResultLinksSerializer(serializers.Serializer[Any]):
    general_test_result = serializers.URLField(help_text="Every row with its answers and scores, as JSONL.")
    aggregated_test_result = serializers.DictField(child=serializers.CharField())


class ParitySerializer(serializers.Serializer[Any]):
    """Whether the serving engine answers as the trainer did."""

    status = serializers.ChoiceField([status.value for status in ParityStatus])
    code = serializers.CharField(help_text="Why it is unchecked: no_engine, no_references; else empty.")
    reason = serializers.CharField(help_text="Empty if passed.")
    checked_at = serializers.IntegerField(help_text="UNIX seconds.")
    probes = serializers.ListField(
        child=serializers.DictField(), help_text="What was compared in each, how far it differed, `problem`."
    )
    tolerance = serializers.DictField(
        child=serializers.FloatField(), allow_null=True, help_text="How much may differ."
    )


class CheckpointSerializer(serializers.Serializer[Any]):
    """Give the results of the job as context: `{number: TestResult}`."""

    checkpoint = serializers.IntegerField(source="number")
    model_download_url = serializers.SerializerMethodField()
    test_results = serializers.SerializerMethodField()
    step = serializers.IntegerField()
    size_bytes = serializers.IntegerField()
    best = serializers.BooleanField(help_text="Of those tested so far, by the job's selection.")
    parity = ParitySerializer(allow_null=True, help_text="Null until it is checked.")
    created_at = UnixSecondsField(read_only=True)
    updated_at = UnixSecondsField(read_only=True)

    def get_model_download_url(self, checkpoint: Checkpoint) -> str:
        filename = f"{checkpoint.job.name}-checkpoint-{checkpoint.number}.tar.gz"
        return get_storage().presigned_get(checkpoint.archive_key, filename=filename)

    @extend_schema_field(ResultLinksSerializer)
    def get_test_results(self, checkpoint: Checkpoint) -> dict[str, Any]:
        result = self.context["results"].get(checkpoint.number)
        return {} if result is None else links_of(checkpoint.job, result)


def links_of(job: TrainingJob, result: TestResult) -> dict[str, Any]:
    filename = f"{job.name}-checkpoint-{result.number}-results.jsonl"
    return {
        "general_test_result": get_storage().presigned_get(result.rows_key, filename=filename),
        "aggregated_test_result": as_text(result.scores),
    }


class JobEventSerializer(serializers.ModelSerializer[JobEvent]):
    seq = serializers.IntegerField(source="id", help_text="Give the last one as `after` to go on.")
    time = serializers.SerializerMethodField()
    event = serializers.CharField(source="kind")
    attempt = serializers.IntegerField(allow_null=True)
    details = serializers.DictField(source="data")

    class Meta:
        model = JobEvent
        fields = ("seq", "time", "event", "attempt", "details")

    def get_time(self, event: JobEvent) -> float:
        return event.at.timestamp()


class EventsQuerySerializer(serializers.Serializer[Any]):
    after = serializers.IntegerField(default=0, min_value=0, help_text="Only events after this seq.")
    limit = serializers.IntegerField(default=500, min_value=1, max_value=5000)
