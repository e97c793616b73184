"""Each view, by light and in the dark, wide and on a phone: no serious issue, nothing from elsewhere, nothing that sticks out."""

from __future__ import annotations

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, sign_in
from tests.e2e.local import LocalStack

SCRIPT = "<script>document.title='taken'</script>"
VIEWS = {
    "overview": "/",
    "explorer": "/explore",
    "user": "/explore?user=54",
    "item": "/explore?item=318",
    "session": "/explore?session=318%0A296%0Anobody",
    "search": "/explore?q=star",
    "wrong filter": "/explore?user=54&filter=%28",
    "cold user": "/explore?user=999999",
    "script": f"/explore?user={SCRIPT}&item={SCRIPT}",
    "compare": "/compare",
    "compare a user": "/compare?a=PREVIOUS&b=CURRENT&user=54",
    "history": "/history",
    "run": "/history/CURRENT",
    "card": "/cards/CURRENT",
    "runbook": "/runbook",
    "reference": "/reference",
    "user of another generation": "/explore?user=54&generation=PREVIOUS",
    "sorted history": "/history?sort=-ndcg",
    "sign in": "/sign-in",
    "retrain": "/change/retrain",
    "promote": "/change/promote?generation=PREVIOUS",
    "rollback": "/change/rollback",
    "release": "/change/release",
}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "viewport": {"width": 1280, "height": 900}},
    "dark phone": {"color_scheme": "dark", "viewport": {"width": 360, "height": 740}, "has_touch": True},
}


def look_at_all(page: Page) -> None:
    """Have the browser lay out also what is far below the window, where it would be cut off in place of sticking out."""
    page.evaluate("""() => {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync("main * { content-visibility: visible !important; }");
      document.adoptedStyleSheets = [sheet];
    }""")


def fits(page: Page) -> bool:
    """Whether all of the page is as wide as the window, or narrower."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def serious(page: Page) -> list[str]:
    """What axe-core calls serious or critical on the page as it is, and parts of it that have the same name."""
    found = Axe().run(page).response["violations"]
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:200] for node in one['nodes']][:3]}"
        for one in found
        if one["impact"] in ("serious", "critical") or one["id"] == "landmark-unique"
    ]


def served(stack: LocalStack, page: Page) -> tuple[str, str]:
    """The current and the previous generation."""
    pointer = page.request.get(f"{stack.url}/generations/current").json()
    return pointer["generation"], pointer["previous"]


@pytest.mark.parametrize("look", LOOKS)
def test_every_view(stack: LocalStack, open_page: Open, look: str) -> None:
    page, _ = open_page(**LOOKS[look])
    sign_in(page, stack.url)
    current, previous = served(stack, page)
    for name, path in VIEWS.items():
        answer = page.goto(stack.url + path.replace("CURRENT", current).replace("PREVIOUS", previous))
        assert answer is not None
        assert answer.status == 200, name
        look_at_all(page)
        assert fits(page), f"{name} is wider than the window"
        assert serious(page) == [], name
        assert page.locator("h1").count() == 1, name


@pytest.mark.parametrize(
    ("path", "name", "of"),
    [
        ("/", "Table of generations", "nDCG"),
        ("/history", "Table of runs", "Outcome"),
        ("/compare?a=PREVIOUS&b=CURRENT", "Table of measures", "Change"),
        ("/compare?a=PREVIOUS&b=CURRENT", "Settings and data that differ", "Left"),
        ("/compare?a=PREVIOUS&b=CURRENT", "Items listed more often", "Right"),
        ("/history/CURRENT", "Table of what the gate compared", "Limit"),
    ],
)
def test_tables_are_cards_on_a_phone_and_still_tables_to_who_listens(
    stack: LocalStack, open_page: Open, path: str, name: str, of: str
) -> None:
    page, _ = open_page(viewport={"width": 390, "height": 844})
    current, previous = served(stack, page)
    page.goto(stack.url + path.replace("CURRENT", current).replace("PREVIOUS", previous))
    look_at_all(page)
    region = page.locator(f'.scroll[role=region][aria-label="{name}"]')
    assert region.evaluate("one => one.scrollWidth <= one.clientWidth")
    assert region.get_by_role("row").count() == region.locator("tr").count() >= 2, "headings and rows"
    assert region.locator(f'td[data-of="{of}"]').first.evaluate("one => getComputedStyle(one, '::before').content") == f'"{of}"'


def test_text_in_place_of_a_script(stack: LocalStack, page: Page) -> None:
    page.goto(f"{stack.url}/explore?user={SCRIPT}")
    expect(page.locator("#h-user")).to_have_text(f"User {SCRIPT}")
    assert page.title() == f"User {SCRIPT} – Larder"
    assert page.locator("main script").count() == 0


def test_a_user_with_reasons_and_moves(stack: LocalStack, page: Page) -> None:
    page.goto(f"{stack.url}/explore")
    page.get_by_label("User id").fill("54")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/explore\?user=54&k=10&filter=#h-user$"))
    rows = page.locator("section[aria-labelledby=h-user] tbody tr")
    expect(rows).to_have_count(10)
    asked = stack.ask(54, include=["metadata"]).json()["items"]
    for at, item in enumerate(asked):
        expect(rows.nth(at)).to_contain_text(item["metadata"]["title"])
        expect(rows.nth(at)).to_contain_text(f"{item['score']:.4f}")
        expect(rows.nth(at)).to_contain_text("because of")
    moves = [rows.nth(at).locator("td").nth(1).inner_text() for at in range(10)]
    assert all(text == "new" or text == "same" or "up" in text or "down" in text for text in moves), moves
    assert page.locator("section[aria-labelledby=h-user] ol li").count() > 0


def test_a_cold_user_and_why(stack: LocalStack, page: Page) -> None:
    page.goto(f"{stack.url}/explore?user=999999")
    expect(page.locator("main")).to_contain_text("A cold user: this generation has no list for 999999.")
    popular = stack.ask(999999, fallback="popular").json()["items"]
    expect(page.locator("section[aria-labelledby=h-user] tbody tr")).to_have_count(len(popular))
    page.goto(f"{stack.url}/explore?user=somebody")
    expect(page.locator("main")).to_contain_text("Ids of users are integers")


def test_a_random_user_has_an_address(stack: LocalStack, page: Page) -> None:
    page.goto(f"{stack.url}/explore")
    page.get_by_role("link", name="A random user").click()
    page.wait_for_url("**/explore?user=*")
    expect(page.locator("section[aria-labelledby=h-user] tbody tr")).to_have_count(10)


def test_a_session_is_built_from_items(stack: LocalStack, page: Page) -> None:
    page.goto(f"{stack.url}/explore?item=318")
    page.get_by_role("link", name="Add").first.click()
    expect(page.locator("section[aria-labelledby=h-session] tbody tr")).to_have_count(10)
    page.locator("section[aria-labelledby=h-session]").get_by_role("link", name="Add").first.click()
    assert len(page.get_by_label("Item ids, one a line").input_value().split()) == 2


def test_the_keyboard_alone(stack: LocalStack, page: Page) -> None:
    page.goto(f"{stack.url}/")
    page.keyboard.press("Tab")
    expect(page.locator(":focus")).to_have_text("Skip to the content")
    page.goto(f"{stack.url}/explore")
    expect(page.get_by_label("A title, or an id")).to_be_focused()


def test_charts_are_gone_through_by_keys_and_zoomed_by_a_drag(stack: LocalStack, page: Page) -> None:
    page.goto(f"{stack.url}/history")
    first = page.locator("figure.timeline").first
    points, told = first.locator("svg a"), first.locator(".readout")
    points.last.focus()
    page.keyboard.press("ArrowLeft")
    expect(points.nth(-2)).to_be_focused()
    expect(told).to_have_text(str(points.nth(-2).get_attribute("aria-label")))
    n_points = points.count()
    box = first.locator("svg").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 0.12 * box["width"], box["y"] + 0.8 * box["height"])
    page.mouse.down()
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 0.8 * box["height"], steps=4)
    page.mouse.up()
    page.wait_for_url("**/history?*from=*")
    assert page.locator("figure.timeline").first.locator("svg a").count() < n_points
    page.locator("figure.timeline").first.locator("svg a").last.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/history/2*")
    expect(page.locator("h1")).to_contain_text("Run 2")


def test_without_a_script(stack: LocalStack, open_page: Open) -> None:
    page, _ = open_page(java_script_enabled=False)
    sign_in(page, stack.url)
    current, previous = served(stack, page)
    expect(page.locator("#live")).to_contain_text(current)
    page.get_by_role("link", name=f"Promote {previous}").click()
    expect(page.get_by_role("button", name="Promote it")).to_be_visible()
    expect(page.locator("main")).to_contain_text("promotions will be held")
    page.goto(f"{stack.url}/explore?user=54")
    expect(page.locator("section[aria-labelledby=h-user] tbody tr")).to_have_count(10)
