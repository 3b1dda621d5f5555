"""The lessons of test_techniques.py: small rows and few steps, otherwise as a newcomer would ask."""

import json
from typing import Any

from tests.e2e.lessons import Lesson, rows_of, sample

TICKETS = sample("support-tickets/train.jsonl"), sample("support-tickets/heldout.jsonl", 60)
FEWER_TICKETS = sample("support-tickets/train.jsonl", 240), TICKETS[1]
FEW_TICKETS = sample("support-tickets/train.jsonl", 160), TICKETS[1]
SENTENCES = sample("answer-style/train.jsonl"), sample("answer-style/heldout.jsonl")
CAPITALS = sample("short-answers/train.jsonl"), sample("short-answers/heldout.jsonl")
TOPICS = sample("ticket-topics/train.jsonl"), sample("ticket-topics/heldout.jsonl")
RENTS = sample("flat-rents/train.jsonl"), sample("flat-rents/heldout.jsonl")
PAIRS = sample("ticket-pairs/train.csv"), sample("ticket-pairs/heldout.csv")

Files = tuple[tuple[str, bytes], tuple[str, bytes]]


def changed(files: Files, change: Any) -> Files:
    """The same files with each row as `change` makes it."""

    def rewritten(file: tuple[str, bytes]) -> tuple[str, bytes]:
        rows = map(change, rows_of(file))
        return file[0], "".join(json.dumps(row) + "\n" for row in rows).encode()

    return rewritten(files[0]), rewritten(files[1])


def is_about_money(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "completion": "yes" if row["completion"] == "billing" else "no"}


def answered_in_a_sentence(row: dict[str, Any]) -> dict[str, Any]:
    return {"prompt": row["prompt"], "completion": row["chosen"]}


def supervised(**parameters: Any) -> Lesson:
    return Lesson(*TICKETS, {"test_functions": ["exact_match_shared"], "parameters": STEPS | parameters})


def classified(files: Files, *, after: str | None = None, **body: Any) -> Lesson:
    return Lesson(*files, {"task_type": "classification", **body}, after=after)


STEPS = {"num_train_epochs": 2, "per_device_train_batch_size": 4}
# Of those tried the one that is not near the threshold with any of three seeds.
ADAPTER = {"lora_r": 32, "lora_alpha": 64, "learning_rate": 2e-3}
LABELLED_SENTENCES = changed(SENTENCES, answered_in_a_sentence)
EXACT = {"test_functions": ["exact_match_shared"]}
REWARD = {
    "test_functions": ["exact_match_shared", "token_f1_shared"],
    "reward": {"exact_match_shared": 0.8, "token_f1_shared": 0.2},
}

LESSONS = {
    # What others go on from comes first.
    "a-sentence": Lesson(*LABELLED_SENTENCES, {**EXACT, "parameters": {"num_train_epochs": 1}}),
    "a-head": classified(FEW_TICKETS, parameters={"num_train_epochs": 1}),
    "qlora": supervised(load_in_4bit=True, **ADAPTER, num_train_epochs=4),
    "dora": supervised(use_dora=True, **ADAPTER),
    "full": supervised(full_fine_tuning=True, learning_rate=1e-3, per_device_train_batch_size=8),
    "preferences": Lesson(*SENTENCES, EXACT),
    "rewards": Lesson(*CAPITALS, {**REWARD, "parameters": {"num_train_epochs": 2}}, path="/grpo"),
    "a-users-reward": Lesson(
        *CAPITALS,
        {"test_functions": ["one_word"], "reward": {"one_word": 1}, "parameters": {"num_train_epochs": 1}},
        path="/grpo",
    ),
    "several-classes": classified(FEWER_TICKETS),
    "two-classes": classified(
        changed(FEWER_TICKETS, is_about_money), parameters={"dynamic_loss": True, "num_train_epochs": 4}
    ),
    "several-labels": classified(TOPICS),
    "a-number": Lesson(*RENTS, {"task_type": "regression"}),
    "likeness": Lesson(*PAIRS, {"base_model": "all-MiniLM-L6-v2", "task_type": "embedding"}),
    "a-head-later": classified(FEW_TICKETS, after="a-head", parameters={"num_train_epochs": 3}),
    "preferences-later": Lesson(
        *SENTENCES, {**EXACT, "parameters": {"num_train_epochs": 2}}, after="a-sentence"
    ),
    "rewards-later": Lesson(
        *LABELLED_SENTENCES,
        {**REWARD, "parameters": {"num_train_epochs": 1}},
        path="/grpo",
        after="a-sentence",
    ),
}
