"""How much a key may ask for: requests and tokens a minute, and requests at a time. See docs/limits.md."""

from embassy.inference.limits.door import Limits

__all__ = ["Limits"]
