from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from embassy.catalog.base_model import BaseModel
from embassy.catalog.rules import Rule

_TEMPLATE = {
    "type": "object",
    "additionalProperties": {"oneOf": [{"type": "string"}, {"type": "number"}]},
}


class BaseModelSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    type = serializers.ChoiceField(choices=["completion", "classification", "embeddings", "chat"])
    parameter_template = serializers.SerializerMethodField()
    support_serverless = serializers.BooleanField()
    hugging_face_id = serializers.CharField(source="hf_id", help_text="Empty for a model that is not there.")
    task_types = serializers.ListField(child=serializers.CharField())
    context_length = serializers.IntegerField(help_text="Tokens of prompt and answer together.")
    size_parameters = serializers.IntegerField(help_text="How many parameters the model has.")

    @extend_schema_field(_TEMPLATE)
    def get_parameter_template(self, model: BaseModel) -> dict[str, Any]:
        return model.parameter_template


class RuleSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=["integer", "number", "boolean", "choice"])
    default = serializers.SerializerMethodField(method_name="default_of")
    minimum = serializers.FloatField(allow_null=True)
    maximum = serializers.FloatField(allow_null=True)
    choices = serializers.ListField(child=serializers.CharField())
    meaning = serializers.CharField()

    @extend_schema_field({"oneOf": [{"type": "string"}, {"type": "number"}, {"type": "boolean"}]})
    def default_of(self, rule: Rule) -> int | float | bool | str:
        return rule.default


class BaseModelDetailSerializer(BaseModelSerializer):
    """With the rules of every parameter, by kind of training."""

    parameters = serializers.SerializerMethodField()

    @extend_schema_field({"type": "object", "additionalProperties": {"type": "array"}})
    def get_parameters(self, model: BaseModel) -> dict[str, Any]:
        kinds = [
            (technique, task)
            for task in model.task_types
            for technique in (("SFT", "DPO", "GRPO") if task == "text-generation" else ("SFT",))
        ]
        return {
            f"{technique} {task}": RuleSerializer(model.rules(technique, task), many=True).data
            for technique, task in kinds
        }
