"""Pictures of the console for README.md and docs/: made anew where EMBASSY_SCREENSHOTS is set."""

import os
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES = 200_000


def picture(page: Page, name: str, *, theme: Literal["light", "dark"] = "light", height: int = 860) -> None:
    """What a window of that height shows of it, as docs/images/`name`.png."""
    if not os.environ.get("EMBASSY_SCREENSHOTS"):
        return
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": size["width"], "height": height})
    page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path, animations="disabled", caret="hide")
    page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
    page.set_viewport_size(size)
    assert path.stat().st_size < MOST_BYTES, path
