"""What the function prints: the beginning is kept, the rest is dropped."""

import io


class CappedOutput(io.TextIOBase):
    def __init__(self, characters: int) -> None:
        self._room = characters
        self._left = characters
        self._parts: list[str] = []

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0:
            part = str(text[: self._left])
            self._parts.append(part)
            self._left -= len(part)
        return len(text)

    def take(self) -> str:
        """What was printed since the last time."""
        text = "".join(self._parts)
        self._parts.clear()
        self._left = self._room
        return text
