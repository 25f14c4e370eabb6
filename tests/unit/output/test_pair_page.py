"""The page of a pair: no text gets out of hand in it, and its figures hold what they show."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import numpy as np
import pytest

from searchapp.encoders.model_info import ModelInfo
from searchapp.output.html.page import asset
from searchapp.output.html.pair_page import pair_html
from tests.builders.browser import Browser, in_browser
from tests.builders.pair import pair_of, random_pair

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


HOSTILE = (
    "</script><script>alert(1)</script> <img src=x onerror=alert(2)> ]]>\x1b[31m \x00 "
    '\u202e & "q" \'\ufffe --> {{x}}'
)


class Elements(HTMLParser):
    """The elements of a page with their attributes, and the text of each script and of all else."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.scripts += [""] if tag == "script" else []

    def handle_data(self, data: str) -> None:
        if self.found and self.found[-1][0] == "script":
            self.scripts[-1] += data
        else:
            self.text += data

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}", {}))


def test_a_page_holds_no_markup_of_a_text_and_asks_for_nothing(by: ModelInfo) -> None:
    page = pair_html(
        random_pair(HOSTILE, "--> <svg onload=alert(3)> </style> javascript:alert(4)"), by
    )
    elements = Elements(page)
    names = [tag for tag, _ in elements.found]
    assert names.count("script") == names.count("/script") == 2
    assert not {"img", "link", "iframe", "object", "embed", "base", "form"} & set(names)
    attributes = [(name, value or "") for _, each in elements.found for name, value in each.items()]
    assert not [name for name, _ in attributes if name.startswith("on") or name == "src"]
    assert {value[:5] for name, value in attributes if name == "href"} == {"data:", "#atla"}
    assert "alert(1)</script>" in elements.text
    assert not set("\x00\x1b\u202e\ufffe") & set(page)
    assert not re.findall(
        r"url\(|@import|https?://", page.replace("http://www.w3.org/2000/svg", "")
    )


def test_only_the_pages_own_script_may_run(by: ModelInfo) -> None:
    page = pair_html(random_pair("one two", "three"), by)
    elements = Elements(page)
    [policy] = [
        each["content"] or ""
        for tag, each in elements.found
        if each.get("http-equiv") == "Content-Security-Policy"
    ]
    script = elements.scripts[1]
    assert script == asset("pair.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy.split("; ")[:4] == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
    ]


def test_a_pages_data_are_those_of_the_pair(by: ModelInfo) -> None:
    pair = random_pair("one </script> &amp;", "three four")
    data = json.loads(Elements(pair_html(pair, by)).scripts[0])
    assert data["a"]["labels"] == ["[CLS]", "one", "</script>", "&amp;", "[SEP]"]
    assert pair.shares is not None
    assert data["a"]["shares"] == pytest.approx(pair.shares[0].tolist(), abs=1e-6)
    assert np.array(data["products"]) == pytest.approx(pair.products, abs=1e-6)
    assert (data["layers"], data["heads"]) == (3, 2)


def test_every_word_of_a_page_is_reachable_and_every_head_has_a_button(by: ModelInfo) -> None:
    elements = Elements(pair_html(random_pair("one two three", "four"), by)).found
    words = [each for _, each in elements if (each.get("class") or "").split()[:1] == ["w"]]
    assert [(each["data-side"], each["data-unit"]) for each in words] == [
        ("a", "1"),
        ("a", "2"),
        ("a", "3"),
        ("b", "1"),
    ]
    assert all(each["tabindex"] == "-1" and each["role"] == "button" for each in words)
    buttons = [each["aria-label"] for tag, each in elements if tag == "button"]
    assert len(buttons) == 2 * 3 * 3  # texts, layers, heads and their average
    assert buttons[:3] == ["layer 1, head 1", "layer 1, head 2", "layer 1, all heads on average"]


def pixels(page: str, at: int) -> NDArray[np.int64]:
    """The red, green, blue and opacity, (height, width, 4), of a picture in a page: of the matrix,
    then of all heads of A and of B.
    """
    data = base64.b64decode(re.findall(r'href="data:image/png;base64,([^"]+)"', page)[at])
    chunks, place = {}, 8
    while place < len(data):
        size = int.from_bytes(data[place : place + 4], "big")
        content = data[place + 8 : place + 8 + size]
        assert zlib.crc32(data[place + 4 : place + 8 + size]) == int.from_bytes(
            data[place + 8 + size : place + 12 + size], "big"
        )
        chunks[data[place + 4 : place + 8]] = content
        place += 12 + size
    width, height = (int.from_bytes(chunks[b"IHDR"][start : start + 4], "big") for start in (0, 4))
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    hues = np.frombuffer(chunks[b"PLTE"], np.uint8).reshape(-1, 3)
    palette = np.concatenate([hues, np.frombuffer(chunks[b"tRNS"], np.uint8)[:, None]], axis=1)
    found: NDArray[np.int64] = palette.astype(np.int64)[rows[:, 1:]]
    return found


def test_a_picture_holds_every_head_and_their_average(by: ModelInfo) -> None:
    pair = random_pair("one two three", "four five")
    levels = pixels(pair_html(pair, by), 1)[:, :, 3] / 255
    assert levels.shape == (3 * 5, 3 * 5)  # layers and heads with their average, of 5 units
    for layer in range(3):
        for head in range(3):
            part = levels[layer * 5 : layer * 5 + 5, head * 5 : head * 5 + 5] ** 2
            expected = (
                pair.a.attention[layer].mean(axis=0) if head == 2 else pair.a.attention[layer, head]
            )
            assert np.abs(part - expected).max() < 1 / 255


def test_a_picture_tells_by_its_hue_what_adds_from_what_takes_away(by: ModelInfo) -> None:
    special = [0.0, 0.0]
    pair = pair_of(
        ("plus minus", [special, [4, 0], [-1, 0], special]), ("plus", [special, [1, 0], special])
    )
    found = pixels(pair_html(pair, by), 0)
    blue, orange = (33, 102, 172), (190, 95, 15)
    assert found[:, :, 3].tolist() == [
        [0, 0, 0],
        [0, 255, 0],
        [0, 64, 0],
        [0, 0, 0],
    ]  # 4/3 and -1/3 of the largest
    assert (tuple(found[1, 1, :3]), tuple(found[2, 1, :3])) == (blue, orange)


def test_bars_are_as_long_as_what_they_show_and_hollow_for_what_takes_away(by: ModelInfo) -> None:
    special = [0.0, 0.0]
    pair = pair_of(
        ("plus minus", [special, [4, 0], [-1, 0], special]), ("plus", [special, [1, 0], special])
    )
    bars = re.findall(
        r'<rect [^>]*width="([\d.]+)" height="12" class="([a-z ]+)"', pair_html(pair, by)
    )
    assert bars == [("96.0", "add"), ("24.0", "hollow"), ("72.0", "add")]  # 4/3, -1/3 and 1


@pytest.mark.slow
def test_a_page_of_long_texts_stays_small(by: ModelInfo) -> None:
    pair = random_pair("a " * 250, "b " * 250, heads=1, layers=1)
    assert len(pair_html(pair, by)) < 3_000_000


# ---- in a browser --------------------------------------------------------------------------------


def opened(folder: Path, by: ModelInfo, a: str, b: str, **options: bool | int) -> Browser:
    """The page of a random pair in a browser."""
    path = folder / "pair.html"
    path.write_text(pair_html(random_pair(a, b, heads=12, layers=6), by), encoding="utf-8")
    browser = Browser(folder / "profile", **options)  # type: ignore[arg-type]
    browser.open(path)
    return browser


def middle_of(browser: Browser, selector: str, at: int = 0) -> tuple[float, float]:
    """Where the middle of an element stands in the window, once it is brought into view."""
    left, top = browser.run(
        f"(() => {{ const it = document.querySelectorAll('{selector}')[{at}]; it.scrollIntoView({{ "
        "block: 'center', inline: 'center' }); const box = it.getBoundingClientRect(); return "
        "[box.left + box.width / 2, box.top + box.height / 2]; })()"
    )
    return left, top


@in_browser
@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 25, 120], ids=["short", "middling", "long"])
def test_a_phone_shows_it_whole_and_everything_is_large_enough_for_a_finger(
    by: ModelInfo, tmp_path: Path, count: int
) -> None:
    texts = ("word i " * count + "x" * 90, "another ! " * count)
    with opened(tmp_path, by, *texts, width=390, height=844, is_touch=True) as browser:
        browser.run("document.querySelector('details').open = true")
        assert browser.run("[document.documentElement.scrollWidth, scrollX]") == [390, 0]
        assert browser.small_targets(".w, .row[data-unit], .buttons button, summary", 24) == []
        cells = browser.run(
            "all('rect.frame').map((frame) => { const box = frame.getBoundingClientRect(); return "
            "[box.width / frame.dataset.columns, box.height / frame.dataset.rows]; }).flat()"
        )
        assert len(cells) == 6  # width and height of those of a matrix and two heads
        assert min(cells) > 23.9
        assert {request.partition(":")[0] for request in browser.requests} == {"file", "data"}
        assert browser.complaints == []


@in_browser
@pytest.mark.slow
def test_a_tap_tells_what_pointing_tells_and_keeps_it_until_another(
    by: ModelInfo, tmp_path: Path
) -> None:
    texts = ("one two three", "four five")
    with opened(tmp_path, by, *texts, width=390, height=844, is_touch=True) as browser:
        hint = browser.text("#told")
        browser.tap(*middle_of(browser, ".w", 1))
        browser.until("told.textContent.startsWith('“two”')")
        assert browser.run("all('.w.on').map((word) => word.textContent)") == ["two"]
        browser.tap(*middle_of(browser, ".row[data-side=b] .word", 1))
        browser.until("document.getElementById('row-told').textContent.startsWith('“five”')")
        assert browser.run("document.getElementById('row-told').getBoundingClientRect().top") >= 0
        browser.tap(*middle_of(browser, "h2", 2))
        browser.until(f"told.textContent === {json.dumps(hint)}")
        browser.tap(*middle_of(browser, "#matrix rect.frame"))  # five columns and four rows
        browser.until(
            "document.getElementById('cell-told').textContent.includes('“two” and “five”')"
        )
        browser.tap(*middle_of(browser, ".buttons button", 27))
        browser.until("document.getElementById('head-told').textContent === 'Layer 3, head 2.'")
        browser.tap(*middle_of(browser, ".one rect.frame"))
        browser.until("document.getElementById('head-told').textContent.includes('takes')")
        assert browser.complaints == []


@in_browser
@pytest.mark.slow
def test_pointing_tells_a_word_and_a_click_or_enter_keeps_it(by: ModelInfo, tmp_path: Path) -> None:
    with opened(tmp_path, by, "one two three", "four five", width=1440, height=900) as browser:
        assert browser.run("document.documentElement.scrollWidth") <= 1440
        hint, two = browser.text("#told"), middle_of(browser, ".w", 1)
        browser.mouse(*two)
        browser.until("told.textContent.startsWith('“two”')")
        browser.mouse(5, 5)
        browser.until(f"told.textContent === {json.dumps(hint)}")
        browser.mouse(*two, is_click=True)
        browser.mouse(*middle_of(browser, ".w", 2))
        browser.until("told.textContent.startsWith('“three”')")
        browser.mouse(5, 5)
        browser.until("told.textContent.startsWith('“two”')")
        browser.mouse(5, 5, is_click=True)
        browser.until(f"told.textContent === {json.dumps(hint)}")
        browser.press("Tab")
        browser.press("ArrowRight")
        told = browser.text("#told")
        assert told != hint
        browser.press("Enter")
        browser.run("document.activeElement.blur()")
        assert browser.text("#told") == told
        browser.press("Escape")
        assert browser.text("#told") == hint
        assert browser.complaints == []
