"""Pictures of the console for README.md and docs/: made anew where EMBASSY_SCREENSHOTS is set."""

import os
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
MOST_BYTES = 200_000


def picture(page: Page, name: str, *, theme: Literal["light", "dark"] = "light", whole: bool = False) -> None:
    """What the window shows, or the whole page, as docs/images/`name`.png."""
    if not os.environ.get("EMBASSY_SCREENSHOTS"):
        return
    page.evaluate("theme => { document.documentElement.dataset.bsTheme = theme }", theme)
    path = FOLDER / f"{name}.png"
    page.screenshot(path=path, full_page=whole, animations="disabled", caret="hide")
    page.evaluate("document.documentElement.dataset.bsTheme = 'light'")
    assert path.stat().st_size < MOST_BYTES, path
