"""Preflights in the Emissary family's words. Sizes are bytes, times seconds, lengths tokens."""

from typing import Any

from rest_framework import serializers

from embassy.training.serializers import CreateGrpoJobSerializer, CreateTrainingJobSerializer
from embassy.training.states import TaskType, Technique


class PreflightRequestSerializer(CreateTrainingJobSerializer):
    """The body of either creation; `technique` GRPO takes `reward` as well."""

    technique = serializers.ChoiceField(
        Technique.choices,
        required=False,
        allow_null=True,
        help_text="Left out, the dataset decides between SFT and DPO.",
    )
    reward = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        help_text="For GRPO: the weight of each of test_functions. The weights sum to 1.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("technique") == Technique.GRPO:
            CreateGrpoJobSerializer(data=self.initial_data).is_valid(raise_exception=True)
        elif "reward" in attrs:
            raise serializers.ValidationError({"reward": "only with technique GRPO."})
        return attrs


class TokensSerializer(serializers.Serializer[Any]):
    """Of the longest text of each row, before it is cut."""

    total = serializers.IntegerField()
    min = serializers.IntegerField()
    mean = serializers.FloatField()
    max = serializers.IntegerField()
    p50 = serializers.IntegerField()
    p90 = serializers.IntegerField()
    p95 = serializers.IntegerField()
    p99 = serializers.IntegerField()


class ProblemSerializer(serializers.Serializer[Any]):
    line = serializers.IntegerField(help_text="Of the dataset's file.")
    code = serializers.CharField()
    message = serializers.CharField()


class RowsSerializer(serializers.Serializer[Any]):
    total = serializers.IntegerField()
    read = serializers.IntegerField(
        help_text="Of a big dataset evenly spaced rows are read, and the figures reckoned from these."
    )
    trainable = serializers.IntegerField()
    truncated = serializers.IntegerField(help_text="Longer than max_length, and cut off.")
    untrainable = serializers.IntegerField(help_text="Left out: they teach nothing.")
    problems = ProblemSerializer(many=True)
    tokens = TokensSerializer()


class MemorySerializer(serializers.Serializer[Any]):
    parts = serializers.DictField(child=serializers.IntegerField(), help_text="They add up to peak_bytes.")
    peak_bytes = serializers.IntegerField()
    available_bytes = serializers.IntegerField(allow_null=True, help_text="What a trainer may take.")
    total_bytes = serializers.IntegerField(allow_null=True)
    fits = serializers.BooleanField(allow_null=True, help_text="null: too close to say.")
    host = serializers.ChoiceField(
        ["last_training_host", "this_host"],
        help_text="Whose memory this is: of the host that trained last, or of the one that answers.",
    )
    device = serializers.CharField()


class DurationSerializer(serializers.Serializer[Any]):
    seconds = serializers.FloatField(help_text="Of training alone, without start and tests.")
    seconds_per_step = serializers.FloatField()
    basis = serializers.ChoiceField(["earlier_jobs", "rule_of_thumb"])
    jobs = serializers.IntegerField(help_text="How many earlier jobs it is reckoned from.")


class CostSerializer(serializers.Serializer[Any]):
    amount = serializers.FloatField()
    currency = serializers.CharField()
    price_per_hour = serializers.FloatField()


class WarnedSerializer(serializers.Serializer[Any]):
    code = serializers.CharField()
    message = serializers.CharField()
    blocking = serializers.BooleanField(help_text="Whether the training host will refuse the job for this.")


class PreflightSerializer(serializers.Serializer[Any]):
    technique = serializers.ChoiceField(Technique.choices)
    task_type = serializers.ChoiceField(TaskType.choices)
    base_model = serializers.CharField()
    hyper_parameters = serializers.DictField(source="parameters", help_text="Defaults included.")
    train_rows = serializers.IntegerField()
    test_rows = serializers.IntegerField()
    train = RowsSerializer(allow_null=True, help_text="null if the model's tokenizer is not at hand.")
    steps_per_epoch = serializers.IntegerField()
    total_steps = serializers.IntegerField()
    memory = MemorySerializer(allow_null=True)
    fits = serializers.BooleanField(allow_null=True)
    duration = DurationSerializer(allow_null=True)
    cost = CostSerializer(allow_null=True, help_text="null unless the installation has set a price.")
    warnings = WarnedSerializer(many=True)
