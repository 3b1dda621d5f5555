"""What the trainer of a job said: piece by piece while it runs, and as a file."""

from collections.abc import Iterator

from django.http import HttpRequest, JsonResponse, StreamingHttpResponse

from embassy.console.views.jobs import JobPage
from embassy.platform.errors import NotFound
from embassy.platform.storage.disposition import attachment
from embassy.training import logs
from embassy.training.states import UNFINISHED


class JobLog(JobPage):
    """The next piece, from `offset` bytes of the newest attempt on, or of the one asked for."""

    def get(self, request: HttpRequest, **ids: str) -> JsonResponse:
        is_finished = self.job.status not in UNFINISHED
        attempts = logs.attempts_of(self.job)
        attempt = _number(request.GET.get("attempt"), max(attempts, default=0))
        shown = {"attempts": attempts, "attempt": attempt, "is_finished": is_finished}
        if attempt not in attempts:
            return JsonResponse(shown | {"offset": 0, "next_offset": 0, "size": 0, "text": ""})
        piece = logs.read(self.job, attempt=attempt, offset=_number(request.GET.get("offset"), 0))
        return JsonResponse(shown | vars(piece))


class DownloadLog(JobPage):
    def get(self, request: HttpRequest, **ids: str) -> StreamingHttpResponse:
        attempts = logs.attempts_of(self.job)
        attempt = _number(request.GET.get("attempt"), max(attempts, default=0))
        if attempt not in attempts:
            raise NotFound(f"Training job {self.job.name} has no log of attempt {attempt or 'one'} yet.")
        answer = StreamingHttpResponse(self._pieces(attempt), content_type="text/plain; charset=utf-8")
        answer["Content-Disposition"] = attachment(f"{self.job.name}-attempt-{attempt}.log")
        return answer

    def _pieces(self, attempt: int) -> Iterator[str]:
        offset = 0
        while (piece := logs.read(self.job, attempt=attempt, offset=offset)).next_offset > offset:
            yield piece.text
            offset = piece.next_offset


def _number(text: str | None, usual: int) -> int:
    return int(text) if text and text.isdecimal() and len(text) < 16 else usual
