"""The document's words for what the gateway answers, and stored chats on the wire."""

from typing import Any

from drf_spectacular.utils import PolymorphicProxySerializer
from rest_framework import serializers

from embassy.inference.serializers import ChatRequestSerializer, CompletionRequestSerializer
from embassy.llama_stack.inference import shapes
from embassy.llama_stack.models import StoredCompletion
from embassy.llama_stack.openai.dialects import Dialect
from embassy.llama_stack.openai.pages import ORDERS

Json = dict[str, Any]


class ChatBodySerializer(ChatRequestSerializer):
    user = serializers.CharField(required=False)
    functions = serializers.ListField(
        child=serializers.JSONField(), required=False, help_text="Not offered: give `tools`."
    )
    function_call = serializers.JSONField(required=False, help_text="Not offered: give `tool_choice`.")
    store = serializers.BooleanField(
        default=False, help_text="Keep the chat for 30 days. The contract's address keeps every one."
    )
    metadata = serializers.DictField(child=serializers.CharField(), required=False)


class CompletionBodySerializer(CompletionRequestSerializer):
    logprobs = serializers.JSONField(  # type: ignore[assignment] # a number; in the contract, a yes or no
        required=False, help_text="How many; at the contract's address true or false."
    )
    user = serializers.CharField(required=False)
    echo = serializers.BooleanField(required=False, help_text="Not offered.")
    best_of = serializers.IntegerField(required=False, help_text="Not offered but as `n`.")
    suffix = serializers.CharField(required=False, help_text="Not offered.")
    guided_choice = serializers.ListField(child=serializers.CharField(), required=False)
    prompt_logprobs = serializers.IntegerField(required=False, help_text="Not offered.")


class EmbeddingBodySerializer(serializers.Serializer[Any]):
    model = serializers.CharField()
    input = serializers.JSONField(help_text="A text, token ids, or a list of either.")
    encoding_format = serializers.CharField(required=False, help_text="float or base64.")
    dimensions = serializers.IntegerField(required=False, min_value=1)
    user = serializers.CharField(required=False)


# Comments, not docstrings: those would tell of every heir in the API's document.
class AnswerFields(serializers.Serializer[Any]):  # beside the choices
    id = serializers.CharField()
    object = serializers.CharField()
    created = serializers.IntegerField()
    model = serializers.CharField()
    usage = serializers.JSONField(required=False)


class ChoiceFields(serializers.Serializer[Any]):  # beside what was said
    index = serializers.IntegerField()
    finish_reason = serializers.CharField()
    logprobs = serializers.JSONField(required=False)


class ChoiceSerializer(ChoiceFields):
    message = serializers.JSONField()


class ChatSerializer(AnswerFields):
    choices = ChoiceSerializer(many=True)


class ChunkChoiceSerializer(ChoiceFields):
    delta = serializers.JSONField()
    finish_reason = serializers.CharField(allow_null=True)


class ChunkSerializer(AnswerFields):
    choices = ChunkChoiceSerializer(many=True)


CHAT = PolymorphicProxySerializer(
    component_name="ChatOrChunk",
    serializers=[ChatSerializer, ChunkSerializer],
    resource_type_field_name=None,
)


class TextChoiceSerializer(ChoiceFields):
    text = serializers.CharField()


class TextSerializer(AnswerFields):
    choices = TextChoiceSerializer(many=True)


class StoredChatSerializer(ChatSerializer):
    input_messages = serializers.ListField(child=serializers.JSONField(), required=False)
    metadata = serializers.DictField(child=serializers.CharField(), required=False)


class StoredChatListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = StoredChatSerializer(many=True)  # type: ignore[assignment]
    first_id = serializers.CharField()
    last_id = serializers.CharField()
    has_more = serializers.BooleanField()


class StoredChatQuerySerializer(serializers.Serializer[Any]):
    after = serializers.CharField(required=False)
    limit = serializers.IntegerField(min_value=1, max_value=100, default=20)
    model = serializers.CharField(required=False)
    order = serializers.ChoiceField(choices=ORDERS, required=False)


class MetadataSerializer(serializers.Serializer[Any]):
    metadata = serializers.DictField(child=serializers.CharField(), allow_null=True)


class DeletedChatSerializer(serializers.Serializer[Any]):
    id = serializers.CharField()
    object = serializers.CharField()
    deleted = serializers.BooleanField()


class MessageListSerializer(serializers.Serializer[Any]):
    object = serializers.CharField()
    data = serializers.ListField(child=serializers.JSONField())  # type: ignore[assignment]
    first_id = serializers.CharField()
    last_id = serializers.CharField()
    has_more = serializers.BooleanField()


def stored_body(completion: StoredCompletion, dialect: Dialect) -> Json:
    if dialect is Dialect.CONTRACT:
        return shapes.contract_stored(completion.answer) | {"input_messages": completion.messages}
    return {**completion.answer, "metadata": completion.metadata}


def messages_of(completion: StoredCompletion) -> list[Json]:
    """The messages that were asked, each with an id of its own."""
    return [
        {"id": f"{completion.public_id}-{number}", "name": None, "content_parts": None} | message
        for number, message in enumerate(completion.messages)
    ]
