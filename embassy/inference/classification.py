"""`/v1/classification`: for each label how much the text has of it."""

import math
from collections.abc import Sequence

import orjson

from embassy.inference import fields
from embassy.inference.call import Call
from embassy.inference.endpoints import CLASSIFICATION
from embassy.inference.heads import Judgement, judge
from embassy.platform.ids import new_id

FORMATS = ("logits", "probs")


async def classify(call: Call) -> None:
    chosen = fields.chosen(call.body, {"data_format": fields.one_of(*FORMATS)})
    data_format = chosen.get("data_format", FORMATS[0])
    judgement = await judge(call, CLASSIFICATION)
    body = {
        "id": new_id("classify-"),
        "model": judgement.model,
        "data": [{"index": 0, data_format: by_label(judgement, data_format)}],
        "usage": judgement.usage | {"prompt_token_details": ""},
    }
    await call.exchange.answer(200, orjson.dumps(body))


def by_label(judgement: Judgement, data_format: str) -> dict[str, float]:
    """A base model's head has no names for its outputs: they are counted from 0."""
    route, outputs = judgement.route, judgement.outputs
    labels = route.labels or [str(index) for index in range(len(outputs))]
    if data_format == "probs":
        outputs = [sigmoid(output) for output in outputs] if route.multi_label else softmax(outputs)
    return dict(zip(labels, outputs, strict=True))


def softmax(outputs: Sequence[float]) -> list[float]:
    highest = max(outputs)
    powers = [math.exp(output - highest) for output in outputs]
    whole = sum(powers)
    return [power / whole for power in powers]


def sigmoid(output: float) -> float:
    """In the form that cannot overflow for large outputs of either sign."""
    if output >= 0:
        return 1 / (1 + math.exp(-output))
    power = math.exp(output)
    return power / (1 + power)
