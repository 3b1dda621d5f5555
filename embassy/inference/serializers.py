"""Requests and answers of the gateway, for the API's document. `protocol` and `shapes` are what acts."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from embassy.inference import classification, embeddings
from embassy.inference.messages import ROLES
from embassy.inference.protocol import MAX_CHOICES, MAX_LOGPROBS
from embassy.inference.structure import FORMATS

MODEL = "Name or id of a deployment, or name of a serverless base model."
DEPLOYMENT = "Name or id of a deployment."
LIMIT = "How many tokens to write at most."


class ResponseFormatSerializer(serializers.Serializer[Any]):
    type = serializers.ChoiceField(FORMATS)
    json_schema = serializers.JSONField(
        required=False, help_text="`{name, schema}`, for the type json_schema."
    )
    regex = serializers.CharField(required=False, help_text="For the type regex; `pattern` is the same.")
    grammar = serializers.CharField(required=False, help_text="For the type grammar: EBNF with a rule root.")
    choice = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="For the type choice: the answers there are."
    )


class StructuredOutputsSerializer(serializers.Serializer[Any]):
    """One of them."""

    json = serializers.JSONField(required=False, help_text="A JSON schema.")
    regex = serializers.CharField(required=False)
    choice = serializers.ListField(child=serializers.CharField(), required=False)
    grammar = serializers.CharField(required=False, help_text="EBNF with a rule root.")
    json_object = serializers.BooleanField(required=False, help_text="True: any JSON object.")


class StreamOptionsSerializer(serializers.Serializer[Any]):
    include_usage = serializers.BooleanField(
        default=False, help_text="End with an event that tells the usage."
    )


class SamplingSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(help_text=MODEL)
    temperature = serializers.FloatField(required=False, min_value=0, max_value=2)
    top_p = serializers.FloatField(required=False, max_value=1, help_text="Above 0.")
    top_k = serializers.IntegerField(required=False, min_value=-1, help_text="0 or -1: all tokens.")
    min_p = serializers.FloatField(required=False, min_value=0, max_value=1)
    max_tokens = serializers.IntegerField(required=False, min_value=1, help_text=LIMIT)
    max_completion_tokens = serializers.IntegerField(required=False, min_value=1, help_text=LIMIT)
    n = serializers.IntegerField(required=False, min_value=1, max_value=MAX_CHOICES)
    stop = serializers.JSONField(required=False, help_text="A string or a list of at most 16.")
    seed = serializers.IntegerField(required=False)
    presence_penalty = serializers.FloatField(required=False, min_value=-2, max_value=2)
    frequency_penalty = serializers.FloatField(required=False, min_value=-2, max_value=2)
    repetition_penalty = serializers.FloatField(required=False, max_value=2, help_text="Above 0.")
    logit_bias = serializers.DictField(child=serializers.FloatField(), required=False)
    response_format = ResponseFormatSerializer(required=False)
    structured_outputs = StructuredOutputsSerializer(
        required=False,
        help_text="In place of response_format, in vLLM's words. So are guided_json and its like.",
    )
    min_tokens = serializers.IntegerField(required=False, min_value=0)
    stop_token_ids = serializers.ListField(child=serializers.IntegerField(), required=False)
    include_stop_str_in_output = serializers.BooleanField(required=False)
    skip_special_tokens = serializers.BooleanField(required=False)
    ignore_eos = serializers.BooleanField(required=False)
    bad_words = serializers.ListField(child=serializers.CharField(), required=False)
    stream = serializers.BooleanField(default=False, help_text="Answer with server-sent events.")
    stream_options = StreamOptionsSerializer(required=False)


class CompletionRequestSerializer(SamplingSerializer):
    prompt = serializers.CharField(help_text="A text. Token ids, or a list of either, are taken too.")
    logprobs = serializers.IntegerField(required=False, min_value=0, max_value=MAX_LOGPROBS)


class MessageSerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(ROLES, required=False, help_text="Must be there.")
    content = serializers.CharField(
        required=False,
        help_text="A text, or a list of text parts. Only a message with tool calls needs none.",
    )
    name = serializers.CharField(required=False)
    tool_calls = serializers.ListField(child=serializers.JSONField(), required=False)
    tool_call_id = serializers.CharField(required=False)


class ChatRequestSerializer(SamplingSerializer):
    messages = MessageSerializer(many=True)
    logprobs = serializers.BooleanField(required=False)
    top_logprobs = serializers.IntegerField(required=False, min_value=0, max_value=MAX_LOGPROBS)
    tools = serializers.ListField(child=serializers.JSONField(), required=False)
    tool_choice = serializers.JSONField(required=False, help_text="none, auto, required, or a function.")
    parallel_tool_calls = serializers.BooleanField(required=False)


class CompletionChoiceSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    text = serializers.CharField()
    logprobs = serializers.JSONField(allow_null=True)
    prompt_logprobs = serializers.JSONField(allow_null=True)
    stop_reason = serializers.CharField(allow_null=True)
    finish_reason = serializers.CharField(help_text="stop, length or tool_calls.")


class UsageSerializer(serializers.Serializer[Any]):
    prompt_tokens = serializers.IntegerField()
    completion_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class CompletionUsageSerializer(UsageSerializer):
    prompt_tokens_details = serializers.CharField(allow_null=True)


class CompletionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField(help_text="text_completion")
    created = serializers.IntegerField(help_text="UNIX seconds.")
    model = serializers.CharField(help_text="As the request named it.")
    choices = CompletionChoiceSerializer(many=True)
    usage = CompletionUsageSerializer()


class AnswerMessageSerializer(serializers.Serializer[Any]):
    role = serializers.CharField()
    content = serializers.CharField(
        allow_null=True, help_text="Null if the answer is nothing but tool calls."
    )
    refusal = serializers.CharField(allow_null=True)
    tool_calls = serializers.ListField(child=serializers.JSONField(), required=False)


class ChatChoiceSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    message = AnswerMessageSerializer()
    logprobs = serializers.JSONField(allow_null=True)
    refusal = serializers.CharField(allow_null=True)
    finish_reason = serializers.CharField(help_text="stop, length or tool_calls.")


class PromptTokensSerializer(serializers.Serializer[Any]):
    cached_tokens = serializers.IntegerField()
    audio_tokens = serializers.IntegerField()


class CompletionTokensSerializer(serializers.Serializer[Any]):
    reasoning_tokens = serializers.IntegerField()
    audio_tokens = serializers.IntegerField()
    accepted_prediction_tokens = serializers.IntegerField()
    rejected_prediction_tokens = serializers.IntegerField()


class ChatUsageSerializer(UsageSerializer):
    prompt_tokens_details = PromptTokensSerializer()
    completion_tokens_details = CompletionTokensSerializer()


class ChatCompletionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField(help_text="chat.completion")
    created = serializers.IntegerField(help_text="UNIX seconds.")
    model = serializers.CharField(help_text="As the request named it.")
    choices = ChatChoiceSerializer(many=True)
    usage = ChatUsageSerializer()
    service_tier = serializers.CharField()
    system_fingerprint = serializers.CharField(help_text="Changes with the weights that answered.")


class ClassificationRequestSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(help_text=DEPLOYMENT)
    input = serializers.CharField()
    data_format = serializers.ChoiceField(
        classification.FORMATS,
        default=classification.FORMATS[0],
        help_text="The head's own outputs, or probabilities.",
    )


class ClassSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    logits = serializers.DictField(
        child=serializers.FloatField(), required=False, help_text="By label, with the data_format logits."
    )
    probs = serializers.DictField(
        child=serializers.FloatField(),
        required=False,
        help_text="By label, with the data_format probs. If labels exclude each other they add up to 1.",
    )


class ClassificationUsageSerializer(UsageSerializer):
    prompt_token_details = serializers.CharField()


class ClassificationSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    model = serializers.CharField(help_text="As the request named it.")
    data = ClassSerializer(many=True)  # type: ignore[assignment] # the name that clients expect
    usage = ClassificationUsageSerializer()


class RegressionRequestSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(help_text=DEPLOYMENT)
    input = serializers.CharField()


class EstimateSerializer(serializers.Serializer[Any]):
    index = serializers.IntegerField()
    value = serializers.FloatField(help_text="In the unit of the training data.")


class RegressionSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    model = serializers.CharField(help_text="As the request named it.")
    data = EstimateSerializer(many=True)  # type: ignore[assignment] # the name that clients expect
    usage = UsageSerializer()


class EmbeddingRequestSerializer(serializers.Serializer[Any]):
    model = serializers.CharField(help_text=MODEL)
    input = serializers.CharField(
        help_text=f"A text. Without `target` also token ids, or a list of at most {embeddings.MAX_TEXTS}."
    )
    target = serializers.CharField(required=False, help_text="What to compare the input with.")
    cosine = serializers.BooleanField(default=True)
    manhattan = serializers.BooleanField(default=False)
    euclidean = serializers.BooleanField(default=False)
    encoding_format = serializers.ChoiceField(
        embeddings.ENCODINGS, default=embeddings.ENCODINGS[0], help_text="Only without `target`."
    )
    dimensions = serializers.IntegerField(
        required=False, min_value=1, help_text="Of models that were trained to be cut; others refuse it."
    )


class LikenessSerializer(serializers.Serializer[Any]):
    input_embedding = serializers.ListField(child=serializers.FloatField())
    target_embedding = serializers.ListField(child=serializers.FloatField())
    cosine_score = serializers.FloatField(required=False, help_text="Unless `cosine` is false.")
    manhattan_distance = serializers.FloatField(required=False, help_text="If asked for.")
    euclidean_distance = serializers.FloatField(required=False, help_text="If asked for.")


class ComparisonSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    response = LikenessSerializer()


class VectorSerializer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="embedding")
    index = serializers.IntegerField()
    embedding = serializers.ListField(
        child=serializers.FloatField(), help_text="With base64, a text of little-endian 32-bit floats."
    )


class EmbeddingUsageSerializer(serializers.Serializer[Any]):
    prompt_tokens = serializers.IntegerField()
    total_tokens = serializers.IntegerField()


class EmbeddingListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField(help_text="list")
    data = VectorSerializer(many=True)  # type: ignore[assignment] # the name that clients expect
    model = serializers.CharField(help_text="As the request named it.")
    usage = EmbeddingUsageSerializer()


EMBEDDINGS = PolymorphicProxySerializer(
    component_name="Embeddings",
    serializers=[ComparisonSerializer, EmbeddingListSerializer],
    resource_type_field_name=None,
)
