"""Logs as the rows of a data set: what was asked, with the answer as what is to be learned."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from hashlib import blake2b
from itertools import chain, islice
from typing import Any

import orjson

from embassy.datasets.validation.fields import BadRow
from embassy.datasets.validation.shapes import shape_of
from embassy.inference.models import RequestLog
from embassy.inference.request_logs import texts

Json = dict[str, Any]

STOPPED = ("stop", "tool_calls")  # the model ended by itself
DIGEST_BYTES = 12
ABOVE = 0.5  # what several labels at once need each
PASSED_ON = ("name", "tool_calls", "tool_call_id")


class LogRows:
    """Iterate once. `skipped` tells how many were left out and why; `count` how many rows there were.

    Memory grows by a digest for each row and no more, so `limit` bounds it.
    """

    def __init__(
        self,
        logs: Iterable[RequestLog],
        *,
        limit: int,
        deduplicate: bool,
        only_whole: bool,
        multi_label: bool,
    ) -> None:
        self.skipped: Counter[str] = Counter()
        self.count = 0
        self._deduplicate = deduplicate
        self._only_whole = only_whole
        self._multi_label = multi_label
        self._seen: set[bytes] = set()
        self._rows: Iterator[Json] = islice(self._usable(logs), limit)

    def has_any(self) -> bool:
        first = next(self._rows, None)
        if first is None:
            return False
        self._rows = chain([first], self._rows)
        return True

    def __iter__(self) -> Iterator[Json]:
        for row in self._rows:
            self.count += 1
            yield row

    def _usable(self, logs: Iterable[RequestLog]) -> Iterator[Json]:
        for log in logs:
            rows = list(self._rows_of(log))
            if not rows:
                self.skipped["unusable"] += 1
            for row in rows:
                if self._deduplicate and self._is_seen(row):
                    self.skipped["duplicate"] += 1
                elif not _is_valid(row):
                    self.skipped["unusable"] += 1
                else:
                    yield row

    def _rows_of(self, log: RequestLog) -> Iterator[Json]:
        read = READERS.get(log.endpoint)
        if read is not None and "error" not in log.response:
            yield from read(self, log)

    def _is_seen(self, row: Json) -> bool:
        """The same question was there already, with a newer answer."""
        question = row["messages"][:-1] if "messages" in row else row.get("prompt", row.get("input"))
        data = orjson.dumps([question, row.get("tools")])
        digest = blake2b(data, digest_size=DIGEST_BYTES).digest()
        if digest in self._seen:
            return True
        self._seen.add(digest)
        return False

    def _chat(self, log: RequestLog) -> Iterator[Json]:
        choice = log.response["choices"][0] if log.response.get("choices") else {}
        if not self._is_whole(choice) or not choice.get("message"):
            return
        messages = [_message(message) for message in log.request["messages"]]
        row: Json = {"messages": [*messages, _message(choice["message"])]}
        if tools := log.request.get("tools"):
            row["tools"] = tools
        yield row

    def _completion(self, log: RequestLog) -> Iterator[Json]:
        """Of several prompts each is a row; of several answers to one the first."""
        asked = log.request["prompt"]
        prompts = [asked] if isinstance(asked, str) else asked
        choices = {choice["index"]: choice for choice in log.response.get("choices", [])}
        answers_each = log.request.get("n") or 1
        for number, prompt in enumerate(prompts):
            choice = choices.get(number * answers_each, {})
            if isinstance(prompt, str) and self._is_whole(choice):
                yield {"prompt": prompt, "completion": choice.get("text", "")}

    def _classification(self, log: RequestLog) -> Iterator[Json]:
        label = _labels_of(log.response) if self._multi_label else texts.label_of(log.response)
        if label is not None:
            yield {"input": log.request["input"], "expected_output": label}

    def _regression(self, log: RequestLog) -> Iterator[Json]:
        value = texts.value_of(log.response)
        if value is not None:
            yield {"input": log.request["input"], "expected_output": value}

    def _is_whole(self, choice: Json) -> bool:
        """An answer that was cut at its limit teaches to stop in the middle of a sentence."""
        return not self._only_whole or choice.get("finish_reason") in STOPPED


READERS: dict[str, Callable[[LogRows, RequestLog], Iterator[Json]]] = {
    texts.CHAT: LogRows._chat,  # noqa: SLF001 (its own table)
    texts.COMPLETIONS: LogRows._completion,  # noqa: SLF001
    texts.CLASSIFICATION: LogRows._classification,  # noqa: SLF001
    texts.REGRESSION: LogRows._regression,  # noqa: SLF001
}


def _message(message: Json) -> Json:
    role = message["role"]
    passed_on = {name: message[name] for name in PASSED_ON if message.get(name)}
    content = texts.content_of(message)
    return {"role": "system" if role == "developer" else role, "content": content} | passed_on


def _labels_of(response: Json) -> Json:
    """Each label with 1 or 0. Logits are above 0 where probabilities are above a half."""
    entry = (response.get("data") or [{}])[0]
    threshold = ABOVE if "probs" in entry else 0.0
    scores: dict[str, float] = entry.get("probs") or entry.get("logits") or {}
    return {label: int(score > threshold) for label, score in scores.items()}


def _is_valid(row: Json) -> bool:
    """One odd log must not spoil the whole data set."""
    shape = shape_of(row)
    try:
        return shape is not None and bool(shape.read(row))
    except BadRow:
        return False
