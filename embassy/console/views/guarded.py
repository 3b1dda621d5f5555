"""Forms that take a secret: whoever guesses at it is slowed down."""

from typing import Any, ClassVar

from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, HttpResponseBase

from embassy.console import attempts


class Guarded:
    """Put before a form view. After too many wrong answers it takes none for a while, not even the right one.

    The view's template is told `is_blocked`.
    """

    request: HttpRequest
    anywhere: ClassVar[int] = attempts.FROM_ANYWHERE

    def guessed_at(self) -> str:
        """What the wrong answers are counted for."""
        raise NotImplementedError

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if attempts.is_blocked(self.guessed_at(), self._place(), self.anywhere):
            return self.blocked()
        return super().post(request, *args, **kwargs)  # type: ignore[misc,no-any-return]

    def form_invalid(self, form: BaseForm) -> HttpResponse:
        attempts.record_failure(self.guessed_at(), self._place())
        answer: HttpResponse = super().form_invalid(form)  # type: ignore[misc]
        answer.status_code = 422
        return answer

    def blocked(self) -> HttpResponse:
        context = self.get_context_data(is_blocked=True)  # type: ignore[attr-defined]
        answer: HttpResponse = self.render_to_response(context, status=429)  # type: ignore[attr-defined]
        answer.headers["Retry-After"] = str(attempts.WINDOW_S)
        return answer

    def _place(self) -> str:
        return str(self.request.META.get("REMOTE_ADDR", ""))
