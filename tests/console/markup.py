"""What the content policy forbids, found in the HTML itself: browsers would refuse to run it."""

import re
from html.parser import HTMLParser

DATA = ("application/json", "text/template")
OWN = ("/", "#", "data:", "?")
LOADS = {"script": "src", "img": "src", "iframe": "src", "link": "href", "use": "href", "form": "action"}

# The same in templates, where tags of Django's stand between those of HTML.
IN_TEMPLATES = {
    "an inline script": re.compile(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", re.I),
    "a style element": re.compile(r"<style\b", re.I),
    "a style attribute": re.compile(r"<[^>]*\s:?style=", re.I),
    "an event attribute": re.compile(r"<[^>]*\s(on[a-z]+|hx-on[:a-z-]*)=", re.I),
    "a javascript: address": re.compile(r"javascript:", re.I),
    "something from elsewhere": re.compile(
        r"<(script|link|img|iframe)[^>]*(src|href)=[\"']?(https?:)?//", re.I
    ),
    "markup that is not escaped": re.compile(r"\|\s*safe\b|\{%\s*autoescape off"),
}


def forbidden_in_template(source: str) -> list[str]:
    return [what for what, pattern in IN_TEMPLATES.items() if pattern.search(source)]


def forbidden_in(page: str) -> list[str]:
    finder = _Finder()
    finder.feed(page)
    return finder.found


class _Finder(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") not in DATA):
            self.found.append(f"inline <{tag}>")
        for name, value in given.items():
            if name == "style" or name.startswith(("on", "hx-on")):
                self.found.append(f"<{tag} {name}=…>")
            if value.strip().lower().startswith("javascript:"):
                self.found.append(f"<{tag} {name}=javascript:…>")
        source = given.get(LOADS.get(tag, ""), "")
        if source and (not source.startswith(OWN) or source.startswith("//")):
            self.found.append(f"<{tag}> from {source}")
