"""The search in the header: a panel while somebody types, a page for whoever presses Enter."""

from django.http import HttpRequest, HttpResponse

from embassy.console.search import MAX_TEXT, search
from embassy.console.views.page import Page


class Search(Page):
    scope = "projects"
    section = ""

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").replace("\0", "").strip()[:MAX_TEXT]
        template = "console/_search.html" if self.is_partial else "console/search.html"
        return self.page(template, text=text, found=search(self.actor, text))
