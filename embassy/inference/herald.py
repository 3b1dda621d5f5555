"""Tells the client of a stream that its model is waking, so that it and the proxies on the way see life."""

import asyncio

from embassy.inference.exchange import Exchange

GRACE_S = 1.0  # what fails within it still has a status of its own
EVERY_S = 3.0


class Herald:
    """For an answer that comes whole: there is nobody to tell anything before it."""

    def waits(self, reason: str) -> None:
        """The request is held, for this reason."""

    def is_up(self) -> None:
        """The model can answer now."""

    def hush(self) -> None:
        """The answer comes, or there will be none."""


NOBODY = Herald()


class StreamHerald(Herald):
    """Says `: waking REASON` from a short grace on. Clients of event streams pass over such comments.

    Once it has spoken there is no status to be sent any more, so it goes on until the first event.
    """

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange
        self._reason = ""
        self._task: asyncio.Task[None] | None = None

    def waits(self, reason: str) -> None:
        self._reason = reason
        if self._task is None:
            self._task = asyncio.create_task(self._speak())

    def is_up(self) -> None:
        self._reason = "It is up and reads your request."
        if not self._exchange.is_started:
            self.hush()

    def hush(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    async def _speak(self) -> None:
        await asyncio.sleep(GRACE_S)
        while True:
            await self._exchange.comment(f"waking {self._reason}")
            await asyncio.sleep(EVERY_S)
