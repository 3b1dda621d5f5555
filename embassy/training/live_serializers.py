"""What a job's detail shows of how it runs."""

from typing import Any

from rest_framework import serializers

CHANGED = {
    "type": "object",
    "additionalProperties": {
        "type": "object",
        "properties": {"from": {}, "to": {}},
        "required": ["from", "to"],
    },
}


class LiveSerializer(serializers.Serializer[Any]):
    """The figures of the newest step. A kind of training without a figure has null there."""

    time = serializers.SerializerMethodField(help_text="When the step was made, in UNIX seconds.")
    attempt = serializers.IntegerField(allow_null=True)
    step = serializers.IntegerField()
    max_steps = serializers.IntegerField(allow_null=True)
    epoch = serializers.FloatField(allow_null=True)
    loss = serializers.FloatField(allow_null=True)
    eval_loss = serializers.FloatField(allow_null=True, help_text="Of the newest evaluation.")
    learning_rate = serializers.FloatField(allow_null=True)
    grad_norm = serializers.FloatField(allow_null=True)
    tokens_per_second = serializers.FloatField(allow_null=True)
    eta_seconds = serializers.FloatField(
        allow_null=True, help_text="What is left of training; null while nothing is trained."
    )
    rss_bytes = serializers.IntegerField(allow_null=True, help_text="Memory of the trainer's process.")
    gpu_bytes = serializers.IntegerField(allow_null=True, help_text="The most that it had on a GPU.")

    def get_time(self, live: Any) -> float:
        return float(live.at.timestamp())
