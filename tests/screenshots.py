"""Pictures of the page for the README, into figures/page: `make screenshots`, after `make run`."""

import subprocess
import sys
from pathlib import Path

from browser import CHROMIUM, PHONE, ask, chromium, served, visit
from PIL import Image

from wyf_utils.core.paths import ROOT

DESK = {"width": 900, "height": 1500}
SENTENCE = "면접에서 또 떨어져서 너무 속상해"
WORDS = {
    "ko": ("노래 찾기", "전환", "기분을 움직인 말"),
    "en": ("Find songs", "path", "What moved it"),
}
#: Name, language, mode, and what the visitor's browser is like.
PICTURES = (
    ("answer.ko", "ko", "match", {"viewport": DESK}),
    ("answer.en", "en", "match", {"viewport": DESK}),
    ("path", "ko", "path", {"viewport": DESK}),
    ("dark", "ko", "match", {"viewport": DESK, "color_scheme": "dark"}),
    (
        "phone",
        "ko",
        "path",
        {"viewport": {**PHONE, "height": 1500}, "has_touch": True, "is_mobile": True},
    ),
)


def take(browser, address: str, lang: str, mode: str, path: Path, **options) -> None:
    """One picture, in 256 colours, which a page without photographs does not miss."""
    button, to, reasons = WORDS[lang]
    page = visit(browser, f"{address}/?lang={'English' if lang == 'en' else '한국어'}", **options)
    ask(page, SENTENCE, button)
    page.get_by_text(reasons).wait_for()
    if mode == "path":
        page.get_by_text(to, exact=True).click()
        page.locator(".wyf-step").nth(4).wait_for()
        page.get_by_text(reasons).wait_for()
    page.get_by_text("♪").nth(4).wait_for()
    page.mouse.move(0, 0)
    page.wait_for_timeout(1500)  # what was pressed fades back
    page.screenshot(path=path)
    page.context.close()
    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


def main() -> None:
    """Take all pictures."""
    if CHROMIUM is None:
        sys.exit(
            "screenshots: there is no chromium here; on Debian `apt-get install chromium` "
            "brings it."
        )
    if not subprocess.run(["fc-list", ":lang=ko"], capture_output=True, check=True).stdout:
        sys.exit(
            "screenshots: there is no Korean font here, and Chromium would draw boxes; on "
            "Debian `apt-get install fonts-nanum` brings one."
        )
    folder = ROOT / "figures" / "page"
    folder.mkdir(exist_ok=True)
    with served() as address, chromium() as browser:
        for name, lang, mode, options in PICTURES:
            take(browser, address, lang, mode, folder / f"{name}.png", **options)
            print(folder.name, name)


if __name__ == "__main__":
    main()
