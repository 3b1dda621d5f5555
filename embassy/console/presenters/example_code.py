"""The texts of the API examples, with gaps for what presenters/examples.py fills in."""

from dataclasses import dataclass
from string import Template

from embassy.inference.endpoints import CLASSIFICATION, EMBEDDING, REGRESSION, TEXT

CURL = Template("""\
curl --fail-with-body $url \\
  -H "X-API-Key: $$EMBASSY_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d $body
""")

OPENAI = Template("""\
import os

from openai import OpenAI

client = OpenAI(base_url=$base, api_key=os.environ["EMBASSY_API_KEY"])
$call
""")

REQUESTS = Template("""\
import os

import requests

answer = requests.post(
    $endpoint,
    headers={"X-API-Key": os.environ["EMBASSY_API_KEY"]},
    json=$payload,
    timeout=120,
)
answer.raise_for_status()
print(answer.json()$python)
""")

JAVASCRIPT = Template("""\
const response = await fetch($endpoint, {
  method: "POST",
  headers: { "X-API-Key": process.env.EMBASSY_API_KEY, "Content-Type": "application/json" },
  body: JSON.stringify($script_payload),
});
if (!response.ok) throw new Error(await response.text());
console.log((await response.json())$javascript);
""")

OPENAI_JS = Template("""\
import OpenAI from "openai";

const client = new OpenAI({ baseURL: $base, apiKey: process.env.EMBASSY_API_KEY });
$call
""")


@dataclass(frozen=True)
class Call:
    """What OpenAI's clients are told, once there is one."""

    python: str
    javascript: str


_CHAT = Call(
    """\
stream = client.chat.completions.create(
    model=$model,
    messages=[{"role": "user", "content": $question}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
""",
    """\
const stream = await client.chat.completions.create({
  model: $model,
  messages: [{ role: "user", content: $question }],
  stream: true,
});
for await (const chunk of stream) process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
console.log();
""",
)

_EMBED = Call(
    """\
answer = client.embeddings.create(model=$model, input=[$question, $other])
one, other = (entry.embedding for entry in answer.data)
length = sum(x * x for x in one) ** 0.5 * sum(x * x for x in other) ** 0.5
print("cosine", sum(x * y for x, y in zip(one, other)) / length)
""",
    """\
const answer = await client.embeddings.create({ model: $model, input: [$question, $other] });
const [one, other] = answer.data.map((entry) => entry.embedding);
const dot = (a, b) => a.reduce((sum, value, at) => sum + value * b[at], 0);
console.log("cosine", dot(one, other) / Math.sqrt(dot(one, one) * dot(other, other)));
""",
)

# Addresses that OpenAI does not have: its clients can post to them all the same.
_POST = Call(
    """\
answer = client.post(
    $path,
    cast_to=object,
    body=$payload,
)
print(answer$python)
""",
    """\
const answer = await client.post($path, {
  body: $script_payload,
});
console.log(answer$javascript);
""",
)

CALLS = {TEXT: _CHAT, EMBEDDING: _EMBED, CLASSIFICATION: _POST, REGRESSION: _POST}
