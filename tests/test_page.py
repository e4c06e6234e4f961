"""The page in a real browser, as a visitor meets it."""

import re
import shutil
from urllib.parse import quote_plus

import pytest
from browser import CHROMIUM, PHONE, ask, chromium, served, visit

from wyf_utils.app.markup import SEARCH, search_link
from wyf_utils.core.paths import ROOT

pytestmark = pytest.mark.skipif(
    CHROMIUM is None,
    reason="there is no chromium here; on Debian `apt-get install chromium` brings it",
)

SAD = "눈물이 멈추지 않아 이별하고 매일 운다"


@pytest.fixture(scope="module")
def address(small_run, tmp_path_factory):
    folder, data = tmp_path_factory.mktemp("page"), tmp_path_factory.mktemp("data")
    shutil.copy(small_run / "music.duckdb", folder)
    for part in ("reference", "sample"):
        (data / part).symlink_to(ROOT / "data" / part)
    with served(WYF_OUT=str(folder), WYF_DATA=str(data)) as address:
        yield address


@pytest.fixture(scope="module")
def browser():
    with chromium() as browser:
        yield browser


@pytest.fixture
def visitor(browser, address):
    """A function that opens the page for a new visitor; every request that leaves this
    machine is an error."""
    opened, elsewhere = [], []

    def call(**options):
        page = visit(browser, address, **options)
        page.on(
            "request",
            lambda request: (
                elsewhere.append(request.url)
                if not re.match(r"(https?|wss?)://127\.0\.0\.1|data:|blob:", request.url)
                else None
            ),
        )
        opened.append(page)
        return page

    yield call
    for page in opened:
        page.context.close()
    assert not elsewhere


def test_a_song_is_looked_up_by_its_names():
    assert search_link("#첫사랑", "볼빨간사춘기") == SEARCH + quote_plus("볼빨간사춘기 #첫사랑")
    assert (
        search_link("#1", "가수") and search_link("#첫사랑", "") and not search_link("#17203", "")
    ), "only a number finds nothing"


def titles(page):
    return page.locator("[class*=st-key-title-]").all_inner_texts()


def answered(page, sentence=SAD):
    """Ask and wait for the cards, reasons included."""
    ask(page, sentence)
    page.get_by_text("♪").nth(4).wait_for()
    return titles(page)


def alert(page):
    page.locator("[data-testid=stAlert]").first.wait_for()
    return page.locator("[data-testid=stAlert]").first.inner_text()


def test_a_visit(visitor):
    page = visitor()
    found = answered(page)
    assert len(found) == 5 and page.get_by_text(f"“{SAD}”").is_visible()
    assert page.locator(".wyf-bars").first.locator(".wyf-track").count() == 6
    page.get_by_role("radio", name="전환").click()
    page.locator(".wyf-step").nth(4).wait_for()
    page.get_by_role("radio", name="공감").click()
    page.locator(".wyf-step").first.wait_for(state="detached")
    page.get_by_role("button", name="좋아요").first.click()
    page.get_by_role("button", name="좋아요 눌렀어요").wait_for()
    assert titles(page) == found, "a like leaves the list alone"
    page.reload()
    page.locator("textarea").wait_for()
    again = answered(page)
    assert (
        found[0].split(". ")[1] in [t.split(". ")[1] for t in again]
        and page.get_by_role("button", name="좋아요 눌렀어요").count() == 1
    )
    page.get_by_role("button", name="다른 노래").click()
    page.wait_for_function(
        "old => [...document.querySelectorAll('[class*=st-key-title-]')].map(e => "
        "e.innerText).join() !== old.join()",
        arg=again,
    )


def test_the_language_stays_in_the_address(visitor):
    page = visitor()
    page.get_by_role("radio", name="English").click()
    page.get_by_role("heading", name="How do you feel today?").wait_for()
    page.reload()
    page.get_by_role("heading", name="How do you feel today?").wait_for()


def test_bad_input(visitor):
    page = visitor()
    ask(page, "")
    assert "빈 문장이에요" in alert(page)
    ask(page, "슬퍼" * 12_500)
    page.get_by_text("문장이 25,000자예요. 20,000자 안으로 줄여 주세요.").wait_for()
    script = "눈물이 나 <script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>"
    answered(page, script)
    assert page.get_by_text(f"“{script}”").is_visible() and page.evaluate("window.hacked") is None


def test_by_keyboard_alone(visitor):
    page = visitor()
    page.locator("textarea").focus()
    page.keyboard.type(SAD)
    page.keyboard.press("Control+Enter")
    page.get_by_text("♪").nth(4).wait_for()
    page.locator("textarea").focus()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.innerText").strip() == "노래 찾기"
    reached = set()
    for _ in range(40):
        page.keyboard.press("Tab")
        reached.add(page.evaluate("document.activeElement.innerText").strip().split("\n")[-1])
    assert {"다른 노래", "좋아요", "넘기기"} <= reached


def test_a_phone_shows_everything(visitor):
    page = visitor(viewport=PHONE, has_touch=True, is_mobile=True)
    answered(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("radio", name="전환").click()
    page.locator(".wyf-step").nth(4).wait_for()
    for element in page.locator("button:visible, a:visible, .wyf-step, .wyf-bars:visible").all():
        box = element.bounding_box()
        assert (
            box is None
            or box["width"] <= 1
            or (box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"] + 1)
        ), element.inner_text()


#: The least contrast of the texts on the page (WCAG 2.1), each with its words; a text's ground
#: is what its ancestors paint.
CONTRAST = """() => {
  const numbers = colour => { const c = colour.match(/[\\d.]+/g).map(Number); return [c[0],
  c[1], c[2], c[3] ?? 1] }
  const over = (a, b) => [0, 1, 2].map(i => a[i] * a[3] + b[i] * (1 - a[3])).concat(1)
  const ground = e => {
    const own = numbers(getComputedStyle(e).backgroundColor)
    return own[3] === 1 ? own : over(own, e.parentElement ? ground(e.parentElement) : [255,
    255, 255, 1])
  }
  const light = c => c.slice(0, 3).map(v => v / 255).map(v => v <= 0.03928 ? v / 12.92 : ((v
  + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0)
  const rows = []
  const texts = 'h1, h2, h3, p, label, button, a, [data-testid=stText], .wyf-bars div, '
    + '.wyf-step, .wyf-legend span'
  for (const e of document.querySelectorAll(texts)) {
    const own = [...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()), box =
    e.getBoundingClientRect()
    if (!own || !box.width || !e.innerText.trim() || e.closest('button:disabled') ||
    getComputedStyle(e).visibility !== 'visible') continue
    const back = ground(e), front = over(numbers(getComputedStyle(e).color), back)
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x)
    rows.push([(a + 0.05) / (b + 0.05), e.innerText.trim()])
  }
  return rows.sort((x, y) => x[0] - y[0])
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_is_readable_in_light_and_dark(visitor, scheme):
    page = visitor(color_scheme=scheme)
    answered(page)
    red = int(
        re.search(
            r"\d+",
            page.evaluate(
                "getComputedStyle(document.querySelector('[data-testid=stApp]')).backgroundColor"
            ),
        ).group()
    )
    assert (red > 200) == (scheme == "light")
    rows = page.evaluate(CONTRAST)
    assert len(rows) > 40 and rows[0][0] >= 4.5, rows[:5]
