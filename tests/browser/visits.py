"""A tab of the browser that keeps what went wrong in it."""

from dataclasses import dataclass, field

from playwright.sync_api import ConsoleMessage, Page

# A form that is refused answers 4xx: Chromium reports that as an error of the console, users do not see it.
REFUSED = "Failed to load resource: the server responded with a status of 4"


@dataclass
class Visit:
    """What its console was told, among it what the content policy stopped, and what its scripts threw."""

    page: Page
    errors: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.errors.append(f"{self.page.url}: {error}"))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type != "error":
            return
        source = message.location["url"]
        if message.text.startswith(REFUSED) and "/static/" not in source:
            return
        self.errors.append(f"{source}: {message.text}")
