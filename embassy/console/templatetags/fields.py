"""Fields of forms with what is wrong with them: `errors` is a dictionary of sentences by field."""

from collections.abc import Mapping

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def problem(errors: Mapping[str, str] | None, name: str) -> SafeString:
    """The sentence below a field, to which `marked` refers; nothing if all is well."""
    sentence = (errors or {}).get(name)
    if not sentence:
        return SafeString("")
    return format_html('<div class="invalid-feedback d-block" id="{}-problem">{}</div>', name, sentence)


@register.simple_tag
def marked(errors: Mapping[str, str] | None, name: str, hint: str = "") -> SafeString:
    """Attributes of a field: what describes it, and that it is wrong if it is. `hint` is an element's id."""
    is_wrong = bool((errors or {}).get(name))
    described = " ".join(filter(None, (hint, f"{name}-problem" if is_wrong else "")))
    attributes = format_html(' aria-describedby="{}"', described) if described else SafeString("")
    return attributes + SafeString(' aria-invalid="true"') if is_wrong else attributes


@register.simple_tag
def wrong(errors: Mapping[str, str] | None, name: str) -> str:
    """The class of a field that is wrong."""
    return " is-invalid" if (errors or {}).get(name) else ""


@register.filter
def lookup(values: Mapping[str, str] | None, name: str) -> str:
    return (values or {}).get(name, "")
