"""A platform with eight deployments and a base model on three engines, and what each answers in peace."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.e2e.asking import Json, Question, Said
from tests.e2e.inside import Inside
from tests.e2e.live import LivePlatform
from tests.e2e.variants import Variant, make_variants, train_original
from tests.waiting import PATIENCE_S

BASE = "tiny-llama-instruct"
WRITERS, SLEEPERS = 3, 2
CLASSES = (2, 3, 5)
TOKENS = 24
# A token that is this far ahead of the second best stays so, whatever else is in the batch.
CLEAR = 0.03
QUESTIONS_EACH = 2

PROMPTS = (
    "I was charged twice for the same order.",
    "What is the capital of France?",
    "Write a short poem about the sea and the wind.",
    "My parcel has not arrived yet. Where is it?",
    "How do I change my password?",
    "The screen stays black after the update.",
    "Tell me something about horses.",
    "What is 12 + 7?",
    "Please close my account.",
    "Who wrote the letter?",
)


@dataclass
class Arena:
    """`known` holds for each model the prompts to ask it, with the only right answers."""

    platform: LivePlatform
    project: str
    engine: str = ""  # one of the organization's own, which can be put to sleep by hand
    known: dict[str, dict[str, Said]] = field(default_factory=dict)
    classifiers: list[str] = field(default_factory=list)

    def build(self) -> None:
        text = train_original(self.platform, self.project, "text-generation")
        heads = train_original(self.platform, self.project, "classification")
        with Inside(self.platform.home) as inside:
            writers = make_variants(inside, text, [()] * (WRITERS + SLEEPERS))
            names = [tuple(f"class {number}" for number in range(count)) for count in CLASSES]
            classifiers = make_variants(inside, heads, names)
        self.engine = self._own_engine()
        for place, variant in enumerate(writers):
            self._deploy(f"writer-{place}", variant, own=place >= WRITERS)
        for place, variant in enumerate(classifiers):
            self._deploy(f"classifier-{place}", variant)
            self.classifiers.append(f"classifier-{place}")
        self._learn()

    def put_to_sleep(self) -> None:
        """Stop the organization's own engine, with what is on it; it may sleep, or nobody may hear."""
        with suppress(httpx.TransportError):
            self.platform.http.post(f"/v1/engines/{self.engine}/deactivate")

    def question(self, model: str, prompt: str, **options: Any) -> Question:
        """`options`: of the body, and `chat`, `patience`."""
        patience = options.pop("patience", 60.0)
        body: Json = {"model": model}
        if model in self.classifiers:
            return Question("/v1/classification", body | {"input": prompt}, patience)
        chat = options.pop("chat", False) or model == BASE  # a bare base model completes without an end
        body |= {"temperature": 0, "max_tokens": TOKENS} | options
        if chat:
            messages = [{"role": "user", "content": prompt}]
            return Question("/v1/chat/completions", body | {"messages": messages}, patience)
        return Question("/v1/completions", body | {"prompt": prompt}, patience)

    def _own_engine(self) -> str:
        body = {"name": "sleeper", "base_model": BASE, "task_type": "text-generation"}
        return str(self.platform.call("POST", "/v1/engines", expect=201, json=body)["id"])

    def _deploy(self, name: str, variant: Variant, *, own: bool = False) -> None:
        body: Json = {"checkpoint": variant.checkpoint, "name": name}
        if own:
            path = f"/v1/engines/{self.engine}/deploy"
            body |= {"project_id": self.project, "training_id": variant.job}
        else:
            path = f"/v1/projects/{self.project}/deployments"
            body["training_job_id"] = variant.job
        created = self.platform.call("POST", path, expect=201, json=body)
        self.platform.wait_for_deployment(self.project, created["id"], seconds=PATIENCE_S)
        self.known[name] = {}

    def _learn(self) -> None:
        for model in self.known:
            answers = {prompt: self._answer(model, prompt) for prompt in PROMPTS}
            clear = sorted(answers, key=lambda prompt: -answers[prompt][1])[:QUESTIONS_EACH]
            assert all(answers[prompt][1] > CLEAR for prompt in clear), (model, answers)
            self.known[model] = {prompt: answers[prompt][0] for prompt in clear}
        self.known[BASE] = {PROMPTS[1]: self._answer(BASE, PROMPTS[1])[0]}

    def _answer(self, model: str, prompt: str) -> tuple[Said, float]:
        """What it says, and how sure it is: the least margin of a token."""
        question = self.question(model, prompt, chat=True, logprobs=True, top_logprobs=2)
        answer = self.platform.call("POST", question.path, json=question.body)
        if model in self.classifiers:
            return answer["data"][0]["logits"], 1.0
        [choice] = answer["choices"]
        tokens = choice["logprobs"]["content"]
        tops = [sorted(top["logprob"] for top in token["top_logprobs"]) for token in tokens]
        return choice["message"]["content"], min(top[-1] - top[-2] for top in tops if len(top) > 1)
