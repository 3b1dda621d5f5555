"""Which field of a form an error is about. `""` stands for the form as a whole."""

import re
from collections.abc import Callable, Mapping

from embassy.platform.errors import EmbassyError, InvalidInput

Errors = dict[str, str]  # field → what is wrong with it, a sentence

_INVALID_FORM = "invalid_form"
_NAMED = re.compile(r"([a-z][\w.]*): (.+)", re.DOTALL)


def invalid_form(errors: Mapping[str, str]) -> InvalidInput:
    """What a form finds wrong by itself, all at once."""
    sentence = " ".join(f"{name}: {text}" if name else text for name, text in errors.items())
    return InvalidInput(sentence, code=_INVALID_FORM, details=dict(errors))


def errors_of(error: EmbassyError, field_of: Callable[[str], str | None]) -> Errors:
    """Services begin a sentence with the name of what is wrong; `field_of` finds the field of that name."""
    if error.code == _INVALID_FORM:
        return dict(error.details)
    named = _NAMED.fullmatch(error.message)
    field = field_of(named[1]) if named else None
    if named is None or field is None:
        return {"": error.message}
    return {field: named[2][:1].upper() + named[2][1:]}
