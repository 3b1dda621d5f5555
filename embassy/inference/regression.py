"""`/v1/regression`: a number for a text, in the unit of the training data."""

import orjson

from embassy.inference.call import Call
from embassy.inference.endpoints import REGRESSION
from embassy.inference.heads import judge
from embassy.platform.ids import new_id


async def estimate(call: Call) -> None:
    judgement = await judge(call, REGRESSION)
    route = judgement.route
    body = {
        "id": new_id("regress-"),
        "model": judgement.model,
        "data": [{"index": 0, "value": judgement.outputs[0] * route.deviation + route.mean}],
        "usage": judgement.usage,
    }
    await call.exchange.answer(200, orjson.dumps(body))
