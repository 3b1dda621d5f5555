"""`ft:BASE:ORGANIZATION:SUFFIX:ID`, and with `:ckpt-step-N` the model of a single checkpoint. Pure."""

import re

PREFIX = "ft:"
STEP = ":ckpt-step-"
MAX_LENGTH = 100  # leaves room for a step within the name of a deployment
SHORT_ID = 8

_OTHER = re.compile(r"[^A-Za-z0-9.-]+")


def model_name(*, base: str, organization: str, suffix: str, public_id: str) -> str:
    """`public_id` is the job's; of a long base name the end is left out."""
    fixed = f":{_slug(organization)[:20]}:{_slug(suffix)}:{public_id[-SHORT_ID:]}"
    room = MAX_LENGTH - len(PREFIX) - len(fixed)
    return f"{PREFIX}{_base(base)[:room]}{fixed}"


def checkpoint_name(model: str, step: int) -> str:
    return f"{model}{STEP}{step}"


def split(name: str) -> tuple[str, int | None]:
    """The job's own model, and the step of the checkpoint if the name says one."""
    model, _, step = name.partition(STEP)
    return (model, int(step)) if step.isdigit() else (name, None)


def is_fine_tuned(name: str) -> bool:
    return name.startswith(PREFIX)


def _base(name: str) -> str:
    """Of a fine-tuned model the base that it was made of."""
    return _slug(name.split(":")[1] if is_fine_tuned(name) else name)


def _slug(text: str) -> str:
    return _OTHER.sub("-", text).strip("-")
