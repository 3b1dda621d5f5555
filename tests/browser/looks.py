"""How a page looks to whoever reads it in the dark, on a phone, or with a screen reader."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, ViewportSize

PHONE: ViewportSize = {"width": 390, "height": 844}
SERIOUS = ("serious", "critical")


def findings_in_both_themes(page: Page, path: str) -> list[str]:
    findings = []
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.goto(path)
        findings += [f"{theme}: {finding}" for finding in serious_findings(page)]
    return findings


def serious_findings(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{finding['id']}: {node['html'][:200]} {node['failureSummary']}"
        for finding in found
        if finding["impact"] in SERIOUS
        for node in finding["nodes"]
    ]


def overhang(page: Page) -> int:
    """By how many pixels the page is wider than the window."""
    return int(page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth"))
