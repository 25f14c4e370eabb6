"""The page of a map: that nothing in a document can get out of hand in it, and, in a real browser
where there is one, how it works.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from searchapp.analysis.map_groups import MOST
from searchapp.output.html.map_page import map_html
from searchapp.output.html.page import asset
from tests.builders.browser import Browser, in_browser
from tests.builders.map import Atlas, atlas_of

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)> <!-- ]]> "
    '\u2028\u2029\x1b[31m \x00 \u202e & "q" \'\ufffe'
)
EAST, NORTH, WEST = (1.0, 0.0), (0.0, 1.0), (-1.0, 0.0)
CORPUS = b"/home/me/corpus"


class Elements(HTMLParser):
    """The elements of a page with their attributes, and what is in each script and style."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, list[str]] = {"script": [], "style": []}
        self._open = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self._open = tag
        if tag in self.inside:
            self.inside[tag].append("")

    def handle_data(self, data: str) -> None:
        if self._open in self.inside:
            self.inside[self._open][-1] += data

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's
        self._open = ""

    @property
    def data(self) -> Any:
        return json.loads(self.inside["script"][0])


def hostile_atlas() -> Atlas:
    atlas = Atlas(2)
    atlas.put(
        f"/d/{HOSTILE.replace('/', '|').replace(chr(0), '')}/a.html",
        [(HOSTILE, EAST)],
        title=HOSTILE,
        kind="html",
    )
    atlas.put(b"/d/\xff/b.md", [("north", NORTH)], place=(("sheet", HOSTILE),))
    return atlas


# ---- what is in it -------------------------------------------------------------------------------


def test_what_documents_hold_is_in_the_page_as_data_alone() -> None:
    page = map_html(hostile_atlas().map(), CORPUS)
    plain = Elements(map_html(atlas_of({"/d/a.md": [("a", EAST)]}).map(), CORPUS))
    elements = Elements(page)
    assert [tag for tag, _ in elements.found] == [tag for tag, _ in plain.found]
    assert not any(name.startswith("on") for _, attributes in elements.found for name in attributes)
    assert page.count("<script") == page.count("</script>") == 2
    between = page[page.index('id="data"') : page.index("</script>")]
    assert not re.search("[\u2028\u2029\ufffe\x00\x1b\ud800-\udfff]|<!--|<script", between)
    texts = sorted(elements.data["text"])
    assert texts[0].startswith(
        "</script><script>alert(1)</script><img src=x onerror=alert(2)> <!-- ]]> "
    )
    assert texts[1] == "north"


def test_the_page_forbids_every_request_and_every_script_but_its_own() -> None:
    elements = Elements(map_html(hostile_atlas().map(), CORPUS))
    (policy,) = (
        at["content"]
        for _, at in elements.found
        if at.get("http-equiv") == "Content-Security-Policy"
    )
    script = base64.b64encode(
        hashlib.sha256(elements.inside["script"][1].encode()).digest()
    ).decode()
    assert policy is not None
    assert {
        "default-src 'none'",
        f"script-src 'sha256-{script}'",
        "base-uri 'none'",
        "form-action 'none'",
    } <= set(policy.split("; "))
    assert not re.search(r"https?:|\*|unsafe-eval", policy)
    assert not [
        at for _, at in elements.found if at.keys() & {"src", "href", "style", "srcset", "action"}
    ]
    scripts = asset("labels.js") + asset("map.js")
    assert elements.inside["script"][1] == scripts
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", scripts + asset("map.css"))
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|fetch|XMLHttp|import\(",
        scripts,
    )


def test_equal_corpora_make_equal_pages() -> None:
    assert map_html(hostile_atlas().map(), CORPUS) == map_html(hostile_atlas().map(), CORPUS)


def test_a_point_has_its_file_and_the_command_that_shows_its_document() -> None:
    atlas = Atlas(2)
    atlas.put("/d/it's 100%.pdf", [("a", EAST)], kind="pdf", place=(("page", 7),))
    atlas.put("/d/b.html", [("First-rate words & more of\nthem", NORTH)], kind="html")
    atlas.put("/d/c.zip!/in/d.txt", [("d", WEST)], kind="txt")
    atlas.put(b"/d/\xff.md", [("e", WEST)], title="T")
    data = Elements(map_html(atlas.map(), CORPUS)).data
    show = "searchapp show --corpus /home/me/corpus --"
    assert data["documents"] == [
        ["b.html", "", "file:///d/b.html", f"{show} /d/b.html"],
        ["c.zip!/in/d.txt", "", "file:///d/c.zip", f"{show} '/d/c.zip!/in/d.txt'"],
        [
            "it's 100%.pdf",
            "",
            "file:///d/it%27s%20100%25.pdf",
            f"""{show} '/d/it'"'"'s 100%.pdf'""",
        ],
        ["\\xff.md", "T", "file:///d/%FF.md", ""],  # a shell has no plain way to write it
    ]
    assert data["at"] == ["#:~:text=First%2Drate%20words%20%26%20more%20of", "", "#page=7", ""]
    assert data["place"] == ["", "", "p. 7", ""]


# ---- colours -------------------------------------------------------------------------------------

# What each kind of colour vision makes of linear red, green and blue: Machado, Oliveira, Fernandes
# 2009, severity 1.
VISIONS = {
    "normal": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}
# Palettes that are often used. What a point needs, a contrast of 3, keeps most of their colours out.
PUBLISHED = {
    "Okabe-Ito": "#e69f00 #56b4e9 #009e73 #f0e442 #0072b2 #d55e00 #cc79a7 #000000",
    "Tableau 10": "#4e79a7 #f28e2c #e15759 #76b7b2 #59a14f #edc949 #af7aa1 #ff9da7 #9c755f #bab0ab",
    "Observable 10": "#4269d0 #efb118 #ff725c #6cc5b0 #3ca951 #ff8ab7 #a463f2 #97bbf5 #9c6b4e #9498a0",
    "Tol muted": "#cc6677 #332288 #ddcc77 #117733 #88ccee #882255 #44aa99 #999933 #aa4499",
    "Petroff 10": "#3f90da #ffa90e #bd1f01 #94a4a2 #832db6 #a96b59 #e76300 #b9ac70 #717581 #92dadd",
}
TO_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)


def linear(colour: str) -> Any:
    part = np.array([int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)])
    return np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)


def least_distance(colours: Sequence[str], vision: str) -> float:
    """The least distance of two of the colours in OKLab, as a kind of colour vision sees them."""
    seen = np.clip(np.array([linear(colour) for colour in colours]) @ VISIONS[vision].T, 0, 1)
    lab = np.cbrt(seen @ TO_CONES.T) @ TO_LAB.T
    apart = np.linalg.norm(lab[:, None] - lab[None], axis=2)
    return float(apart[~np.eye(len(colours), dtype=bool)].min())


def contrast(a: str, b: str) -> float:
    light, dark = sorted(
        (float(linear(each) @ [0.2126, 0.7152, 0.0722]) + 0.05 for each in (a, b)), reverse=True
    )
    return light / dark


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_colours_stay_apart_under_every_colour_vision_and_stand_out_from_the_paper(
    theme: int,
) -> None:
    style = asset("base.css") + asset("map.css")
    paper = re.findall(r"--paper: (#\w{6})", style)[theme]
    colours = [re.findall(rf"--c{at}: (#\w{{6}})", style)[theme] for at in range(8)]
    assert min(contrast(colour, paper) for colour in colours) >= 3  # WCAG 1.4.11
    for name in ("ink", "dim", "note", "focus"):
        assert (
            contrast(re.findall(rf"--{name}: (#\w{{6}})", style)[theme], paper) >= 4.5
        )  # WCAG 1.4.3
    rest = re.findall(r"--rest: (#\w{6})", style)[theme]
    for name in VISIONS:
        assert least_distance(colours, name) > 0.12, name
        assert least_distance([*colours, rest], name) > 0.035, name  # it has a shape of its own


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_no_published_palette_keeps_eight_colours_as_far_apart(theme: int) -> None:
    style = asset("base.css") + asset("map.css")
    paper = re.findall(r"--paper: (#\w{6})", style)[theme]
    for colours in PUBLISHED.values():
        seen = [colour for colour in colours.split() if contrast(colour, paper) >= 3]
        assert len(seen) < 8 or min(least_distance(seen, vision) for vision in VISIONS) < 0.1


def test_no_two_groups_look_the_same_and_neighbours_differ_in_colour_and_shape() -> None:
    script = asset("map.js")
    (colours,), (shapes,) = (
        re.findall(rf"{name} = (\d+)", script) for name in ("COLOURS", "SHAPES")
    )
    assert "number % COLOURS]" in script
    assert "number % SHAPES)" in script
    looks = [(number % int(colours), number % int(shapes)) for number in range(MOST)]
    assert len(set(looks)) == MOST == 24
    assert all(a[0] != b[0] and a[1] != b[1] for a, b in pairwise(looks))


# ---- in a browser --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    atlas = Atlas(3)
    for number in range(30):
        angle = number / 30 * 2 * np.pi
        vector = (float(np.cos(angle)), float(np.sin(angle)) * 0.8, 0.2)
        hostile = HOSTILE if number == 7 else f"Title {number}"
        atlas.put(
            f"/d/{'xyz'[number % 3]}/{number:02}.md",
            [(f"passage {number} of {hostile}", vector)],
            title=hostile,
        )
    path = tmp_path_factory.mktemp("map") / "map.html"
    path.write_text(map_html(atlas.map(), CORPUS), encoding="utf-8")
    return path


@pytest.fixture
def browser(page: Path, tmp_path: Path) -> Iterator[Browser]:
    """The page in a browser; nothing may have gone wrong in it, and nothing but the page have been
    asked for.
    """
    with Browser(tmp_path / "profile") as opened:
        opened.open(page)
        yield opened
        assert (opened.complaints, opened.requests) == ([], [page.as_uri()])


def place_of(browser: Browser, number: int) -> tuple[float, float]:
    """Where a point stands in the window."""
    script = f"(() => {{ const box = canvas.getBoundingClientRect(); return [across({number}) + box.left, down({number}) + box.top]; }})()"
    left, top = browser.run(script)
    return left, top


def at_title(browser: Browser, title: str) -> int:
    """The number of the point with that title."""
    found = browser.run(f"[...Array(count).keys()].find((i) => titleOf(i) === {json.dumps(title)})")
    assert isinstance(found, int)
    return found


@in_browser
@pytest.mark.slow
def test_pointing_shows_a_passage_and_choosing_keeps_it(browser: Browser) -> None:
    number = at_title(browser, "Title 4")
    browser.mouse(*place_of(browser, number))
    browser.until("!document.getElementById('card').hidden")
    assert browser.text("#title") == "Title 4"
    assert "passage 4 of Title 4" in browser.text("#text")
    browser.mouse(900, 400)  # where there is no point
    browser.until("document.getElementById('card').hidden")
    browser.mouse(*place_of(browser, number), is_click=True)
    browser.mouse(900, 400)
    browser.mouse(*place_of(browser, at_title(browser, "Title 20")))
    assert browser.text("#title") == "Title 4"
    assert browser.text("#meta") == "y · y/04.md"
    assert browser.text("#command") == "searchapp show --corpus /home/me/corpus -- /d/y/04.md"
    assert browser.run("document.getElementById('file').href") == "file:///d/y/04.md"
    near = browser.run(
        "[...document.querySelectorAll('#nearest b')].map((each) => each.textContent)"
    )
    assert sorted(near[:2]) == ["Title 3", "Title 5"]
    browser.run("document.querySelector('#nearest button').click()")
    assert browser.text("#title") == near[0]
    assert browser.run("document.activeElement.id") == "title"


@in_browser
@pytest.mark.slow
def test_a_hostile_title_is_shown_as_text(browser: Browser) -> None:
    number = browser.run("[...Array(count).keys()].find((i) => map.text[i].includes('alert'))")
    browser.mouse(*place_of(browser, number), is_click=True)
    assert browser.text("#title").startswith(
        "</script><script>alert(1)</script><img src=x onerror=alert(2)>"
    )
    assert browser.text("#text").startswith("passage 7 of </script><script>")
    assert browser.run("document.querySelectorAll('img, main script').length") == 0


@in_browser
@pytest.mark.slow
def test_words_are_found_and_lead_from_one_to_the_next(browser: Browser) -> None:
    browser.press("/")
    assert browser.run("document.activeElement.id") == "words"
    browser.write("TITLE 2")
    browser.until("document.getElementById('found').textContent")
    expected = [number for number in range(30) if "2" in str(number)]
    assert browser.text("#found") == f"{len(expected)} of 30; Enter goes from one to the next"
    seen = []
    for _ in expected:
        browser.press("Enter")
        seen.append(browser.text("#title"))
    assert sorted(seen) == sorted(f"Title {number}" for number in expected)
    assert set(
        browser.run("[...document.querySelectorAll('#text mark')].map((each) => each.textContent)")
    ) == {"Title", "2"}
    browser.run("element('words').value = 'nowhere'; find()")
    assert browser.text("#found") == "0 of 30"


@in_browser
@pytest.mark.slow
def test_the_legend_hides_a_group_and_shows_one_alone(browser: Browser) -> None:
    assert browser.run(
        "[...buttons.values()].map((each) => each.innerText.replace(/\\s+/g, ' '))"
    ) == ["x 10", "y 10", "z 10"]
    pressed = "[...buttons.values()].map((each) => each.getAttribute('aria-pressed')).join()"
    number = at_title(browser, "Title 3")
    browser.mouse(*place_of(browser, number), is_click=True)
    browser.run("buttons.get(0).click()")
    assert browser.run(pressed) == "false,true,true"
    assert browser.run("element('card').hidden")
    browser.mouse(*place_of(browser, number), is_click=True)
    assert browser.run("element('card').hidden")
    browser.run("buttons.get(2).dispatchEvent(new MouseEvent('click', { shiftKey: true }))")
    assert browser.run(pressed) == "false,false,true"
    browser.run("buttons.get(2).dispatchEvent(new MouseEvent('click', { shiftKey: true }))")
    assert browser.run(pressed) == "true,true,true"


@in_browser
@pytest.mark.slow
def test_all_can_be_reached_by_keys(browser: Browser) -> None:
    browser.press("Tab")
    browser.press("Tab")
    assert browser.run("document.activeElement.id") == "canvas"
    for first, key, has_gone in (
        ("Right", "Left", "x[{1}] < x[{0}]"),
        ("Left", "Right", "x[{1}] > x[{0}]"),
        ("Down", "Up", "y[{1}] > y[{0}]"),
    ):
        browser.press(f"Arrow{first}")
        before = browser.run("chosen")
        browser.press(f"Arrow{key}")
        assert browser.run(has_gone.format(before, browser.run("chosen"))), key
    assert browser.text("#told").startswith(browser.text("#title"))
    scale = browser.run("view.scale")
    browser.press("+")
    assert browser.run("view.scale") == pytest.approx(scale * 1.4)
    left = browser.run("view.x")
    browser.press("ArrowRight", is_shift=True)
    assert browser.run("view.x") > left
    browser.press("0")
    assert browser.run("view.scale") == pytest.approx(scale)
    browser.press("Escape")
    assert browser.run("element('card').hidden")


@in_browser
@pytest.mark.slow
def test_the_wheel_zooms_where_the_pointer_is_and_a_drag_moves_the_map(browser: Browser) -> None:
    number = at_title(browser, "Title 4")
    before = place_of(browser, number)
    browser.mouse(*before, wheel=-200)
    browser.until("view.scale > fitting * 1.5")
    assert place_of(browser, number) == pytest.approx(before, abs=1)
    browser.drag((900, 400), (960, 430))
    assert place_of(browser, number) == pytest.approx((before[0] + 60, before[1] + 30), abs=1)
    assert browser.run("chosen") is None


@in_browser
@pytest.mark.slow
@pytest.mark.parametrize("is_dark", [False, True], ids=["light", "dark"])
def test_a_phone_shows_it_in_one_column_and_a_touch_chooses(
    page: Path, tmp_path: Path, is_dark: bool
) -> None:
    with Browser(
        tmp_path / "profile", width=390, height=844, is_dark=is_dark, is_touch=True
    ) as browser:
        browser.open(page)
        assert browser.run("document.documentElement.scrollWidth") == 390
        assert browser.run("palette.paper") == ("#16181c" if is_dark else "#fdfdfb")
        browser.tap(*place_of(browser, at_title(browser, "Title 4")))
        browser.until("!element('card').hidden")
        assert browser.text("#title") == "Title 4"
        assert browser.text("#peek-title") == "Title 4"
        assert browser.text("#peek-meta") == "y"
        assert browser.text("#peek-text") == "passage 4 of Title 4"
        assert browser.run("element('peek').getBoundingClientRect().bottom < innerHeight")
        assert browser.small_targets("button, input, a", 43.9) == []
        browser.run("element('read').click()")
        assert browser.run("element('title').getBoundingClientRect().top < innerHeight / 2")
        browser.run("element('close').click()")
        assert browser.run("element('peek').hidden && element('card').hidden")
        assert (browser.complaints, browser.requests) == ([], [page.as_uri()])


@in_browser
@pytest.mark.slow
def test_fingers_zoom_and_move_the_map_and_leave_the_page_as_it_was(
    page: Path, tmp_path: Path
) -> None:
    with Browser(tmp_path / "profile", width=390, height=844, is_touch=True) as browser:
        browser.open(page)
        top = browser.run("canvas.getBoundingClientRect().top")
        scale, left = browser.run("[view.scale, view.x]")
        browser.swipe(((180, top + 200), (100, top + 200)), ((210, top + 200), (290, top + 200)))
        assert browser.run("view.scale") > 2 * scale
        browser.swipe(((180, top + 100), (260, top + 100)))
        assert browser.run("view.x") < left
        assert browser.run("[chosen, visualViewport.scale, scrollY]") == [None, 1, 0]
        assert browser.run("document.documentElement.scrollWidth") == 390
        assert browser.complaints == []


# ---- names on the map ----------------------------------------------------------------------------

OVERLAPS = """(boxes) => boxes.filter(Boolean).flatMap((a, at) => boxes.filter(Boolean).slice(at + 1).map((b) => [a, b]))
  .filter(([a, b]) => a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height).length"""


@in_browser
@pytest.mark.slow
def test_labels_take_their_place_or_one_around_it_and_none_where_there_is_no_room(
    browser: Browser,
) -> None:
    def placed(labels: object, points: object = (), kept: object = ()) -> Any:
        script = f"placeLabels({json.dumps(labels)}, [200, 100], {json.dumps(kept)}, {json.dumps(points)})"
        return [
            each and [each["left"], each["top"], each["width"], each["height"]]
            for each in browser.run(script)
        ]

    middle = {"x": 100, "y": 50, "width": 40, "height": 20}
    assert placed([middle]) == [[80, 40, 40, 20]]
    assert placed([middle], [[100, 50]] * 4) == [[80, 21, 40, 20]]  # above what it would cover
    assert placed([middle, middle]) == [[80, 40, 40, 20], [80, 10, 40, 20]]
    assert placed([{**middle, "x": 195}]) == [[158, 40, 40, 20]]  # within the map
    assert placed([{**middle, "width": 300}]) == [None]
    everything = {"left": 0, "top": 0, "width": 200, "height": 100}
    assert placed([middle], kept=[everything]) == [None]
    small = {**middle, "width": 10, "height": 10}  # of which twenty are a tenth of the map
    spread = [{**small, "x": 20 + 16 * (at % 10), "y": 20 + 16 * (at // 10)} for at in range(30)]
    assert [each is not None for each in placed(spread)] == [True] * 20 + [False] * 10
    assert browser.run("densest([[0, 0], [9, 9], [10, 10], [10, 9], [9, 10], [30, 0]])") == [9, 9]


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map of 24 groups with long names, which stand in one another's way."""
    atlas = Atlas(3)
    random = np.random.default_rng(4)
    for number in range(240):
        vector = random.normal(size=3) * 0.3 + [1, 0, 0] + [0, number % 24 / 40, 0]
        folder = f"a folder with a long name, number {number % 24} of them"
        atlas.put(f"/d/{folder}/{number}.md", [(f"passage {number}", vector.tolist())])
    path = tmp_path_factory.mktemp("crowded") / "map.html"
    path.write_text(map_html(atlas.map(), CORPUS), encoding="utf-8")
    return path


@in_browser
@pytest.mark.slow
@pytest.mark.parametrize(("width", "height"), [(390, 844), (1440, 900)])
def test_names_on_the_map_do_not_overlap_at_any_zoom(
    crowded: Path, tmp_path: Path, width: int, height: int
) -> None:
    with Browser(tmp_path / "profile", width=width, height=height, is_touch=width < 500) as browser:
        browser.open(crowded)
        browser.until("placed.length > 3")
        for action in ("showAll()", "zoom(2)", "move(60, -40)", "zoom(4)", "showAll()"):
            browser.run(f"{action}; isStale = true; paintSheet()")
            assert browser.run(f"({OVERLAPS})(placed)") == 0
            assert browser.run(
                "placed.every((box) => box.left >= 0 && box.top >= 0 && box.left + box.width <= width"
                " && box.top + box.height <= height)"
            )
            assert browser.run(
                "placed.every((box) => back.measureText(box.text).width < box.width)"
            )
            assert browser.run(
                "(() => { const zone = document.querySelector('.zoom').getBoundingClientRect(), frame ="
                " canvas.getBoundingClientRect(); return placed.every((box) => box.left + box.width <="
                " zone.left - frame.left || box.top + box.height <= zone.top - frame.top); })()"
            )
        if width < 500:
            assert 3 < browser.run("placed.length") < 24
        # The legend and each point say the names that find no room.
        browser.run("lit = 23; paintSheet()")
        assert browser.run("placed.length") == 1
        browser.run("lit = null; point(members[24][1][0], 50, 50)")
        assert "number" in browser.text("#tip b")
        assert browser.complaints == []
