"""Code that calls a deployment and runs as it is pasted, once EMBASSY_API_KEY holds a key."""

import json
from dataclasses import dataclass
from string import Template

QUESTION = "I was charged twice for my order."

CURL = Template("""\
curl $url/v1/chat/completions \\
  -H "X-API-Key: $$EMBASSY_API_KEY" \\
  -H 'Content-Type: application/json' \\
  -d $body
""")

OPENAI = Template("""\
# pip install openai
import os

from openai import OpenAI

client = OpenAI(base_url=$base, api_key=os.environ["EMBASSY_API_KEY"])
stream = client.chat.completions.create(
    model=$model,
    messages=[{"role": "user", "content": $question}],
    stream=True,
)
for chunk in stream:
    if chunk.choices:
        print(chunk.choices[0].delta.content or "", end="", flush=True)
print()
""")

REQUESTS = Template("""\
# pip install requests
import os

import requests

answer = requests.post(
    $endpoint,
    headers={"X-API-Key": os.environ["EMBASSY_API_KEY"]},
    json={"model": $model, "messages": [{"role": "user", "content": $question}]},
    timeout=120,
)
answer.raise_for_status()
print(answer.json()["choices"][0]["message"]["content"])
""")

JAVASCRIPT = Template("""\
// node example.mjs (Node 18 or later)
const response = await fetch($endpoint, {
  method: "POST",
  headers: { "X-API-Key": process.env.EMBASSY_API_KEY, "Content-Type": "application/json" },
  body: JSON.stringify({ model: $model, messages: [{ role: "user", content: $question }] }),
});
if (!response.ok) throw new Error(await response.text());
console.log((await response.json()).choices[0].message.content);
""")

TITLES = {"curl": CURL, "Python, openai": OPENAI, "Python, requests": REQUESTS, "JavaScript": JAVASCRIPT}


@dataclass(frozen=True)
class Example:
    key: str
    title: str
    code: str


def examples(*, base_url: str, model: str, task: str) -> list[Example]:
    """None for a task that has no chat."""
    if task != "text-generation":
        return []
    body = json.dumps(
        {"model": model, "messages": [{"role": "user", "content": QUESTION}]}, ensure_ascii=False
    )
    values = {
        "url": base_url,
        "base": json.dumps(f"{base_url}/v1"),
        "endpoint": json.dumps(f"{base_url}/v1/chat/completions"),
        # A JSON string is one in Python and JavaScript too.
        "model": json.dumps(model),
        "question": json.dumps(QUESTION),
        "body": _shell(body),
    }
    return [
        Example(f"example-{number}", title, template.substitute(values))
        for number, (title, template) in enumerate(TITLES.items())
    ]


def _shell(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
