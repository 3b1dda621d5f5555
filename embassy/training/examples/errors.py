"""What makes data or a chat template unusable as a whole."""

from __future__ import annotations

from embassy.training.spec import EndCode


class Unusable(Exception):
    """Nothing can be made of it; the sentence says what to do."""

    def __init__(self, code: EndCode, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
