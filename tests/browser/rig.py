"""What every browser test looks at: axe, console, policy, sideways scroll, and pictures to look at.

    visit = Visit(page, live_server.url)
    visit.open("/styleguide/")
    visit.check("styleguide")

`check` runs axe in light and dark at 1280 and 380 px, asserts that nothing scrolls sideways and
that neither the console nor the content security policy complained, and writes pictures to tests/_out/screens/.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import ConsoleMessage, Page

ROOT = Path(__file__).resolve().parents[2]
SCREENS = ROOT / "tests" / "_out" / "screens"
WIDTHS = {1280: 900, 380: 800}
THEMES = ("light", "dark")
AXE_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN_AXE = """async (tags) => {
  const only = {type: "tag", values: tags};
  const found = await axe.run(document, {runOnly: only, resultTypes: ["violations"]});
  const line = (n) => n.target.join(" ") + " (" + (n.failureSummary || "").replace(/\\s+/g, " ") + ")";
  return found.violations.map((v) => v.id + ": " + v.nodes.map(line).join(" | "));
}"""
SIDEWAYS = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const inBox = (e) => { for (let p = e.parentElement; p; p = p.parentElement)
    if (["auto", "scroll", "hidden"].includes(getComputedStyle(p).overflowX)) return true; return false; };
  const over = (e) => e.getBoundingClientRect().right > wide + 1 && !inBox(e);
  const names = [...document.querySelectorAll("body *")].filter(over).map((e) => e.tagName + "." + e.className);
  return [`${document.documentElement.scrollWidth} px of content`, ...names.slice(0, 5)];
}"""


@cache
def axe_source() -> str:
    """The vendored axe-core; injected by evaluate, because the policy refuses a script tag."""
    return (ROOT / "tests" / "vendor" / "axe-core" / "axe.min.js").read_text()


@dataclass
class Visit:
    """One person at one browser page; complaints of the console are collected from the start."""

    page: Page
    base_url: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def open(self, path: str) -> None:
        """Go to an address of the portal."""
        self.page.goto(self.base_url + path, wait_until="load")

    def arrive(self) -> None:
        """Wait until the page that a click led to listens: its words are there before its scripts are."""
        self.page.wait_for_load_state("load")

    def sign_in_as(self, client: Any) -> None:
        """Take over the session of a signed-in Django test client."""
        cookie = client.cookies["sessionid"].value
        self.page.context.add_cookies([{"name": "sessionid", "value": cookie, "url": self.base_url}])

    @contextmanager
    def expecting_complaints(self) -> Iterator[None]:
        """Inside, the browser may log (a page with status 404 or 500 does)."""
        before = list(self.complaints)
        yield
        self.complaints[:] = before

    def look(self, width: int, theme: str) -> None:
        """Set the width and the theme of the page that is open."""
        self.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")

    def axe(self) -> list[str]:
        """Run axe-core on the page as it stands; one line a violation.

        The window is made as tall as the page first: what a sticky bar covers at one place of scrolling is
        not covered at another, and axe looks at one place only.
        """
        size = self.page.viewport_size
        assert size is not None
        tall = int(self.page.evaluate("document.documentElement.scrollHeight"))
        self.page.set_viewport_size({"width": size["width"], "height": max(tall, size["height"])})
        self.page.evaluate(axe_source())
        found: list[str] = self.page.evaluate(RUN_AXE, AXE_TAGS)
        return found

    def check(self, name: str) -> None:
        """Assert that the open page is sound in both widths and themes, and keep its pictures."""
        self.arrive()
        SCREENS.mkdir(parents=True, exist_ok=True)
        found: list[str] = []
        for width in WIDTHS:
            for theme in THEMES:
                self.look(width, theme)
                self.page.screenshot(path=SCREENS / f"{name}-{width}-{theme}.png", full_page=True)
                found += [f"{width} {theme} axe {line}" for line in self.axe()]
            overflow = self.page.evaluate(SIDEWAYS)
            if overflow:
                found.append(f"{width} scrolls sideways because of {overflow}")
        self.look(1280, "light")
        found += self.complaints
        assert not found, f"{name}:\n" + "\n".join(found)
