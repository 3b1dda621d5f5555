"""The header that tells a browser to save a file, and under which name."""

from urllib.parse import quote


def attachment(filename: str) -> str:
    """RFC 6266: a plain name for all, the real one for those that know `filename*`."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\/%' else "_" for c in filename)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}"
