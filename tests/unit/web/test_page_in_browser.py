"""The page of a server in a real browser: every state of it at the width of a desk and of a phone,
in light and dark, by keyboard alone, without scripts, and with documents that mean harm.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from searchapp.corpus import Corpus
from searchapp.testing import HashEncoder
from tests.builders.axe import require_axe, violations
from tests.builders.browser import Browser, in_browser
from tests.builders.server import Server, served
from tests.paths import DATA

pytestmark = [pytest.mark.slow, in_browser]

EGGS = "/?q=eggs+cockroaches+cardboard"
HARM = "</script><script>document.title='harmed'</script><img src=x onerror=\"document.title='harmed'\">"
STATES = {
    "empty": "/",
    "results": EGGS,
    "reading": f"{EGGS}&match=MATCH#here",
    "why": f"{EGGS}&match=MATCH&why=1#here",
    "no match": "/?q=zzyzx&mode=keyword",
    "filtered": f"{EGGS}&type=pdf",
    "error": f"{EGGS}&since=someday",
    "no such passage": "/?match=999999",
}
LOOKS = [(width, is_dark) for width in (1280, 390) for is_dark in (False, True)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    harm = folder / "harm"
    harm.mkdir()
    name = f"{HARM.replace('/', '|')}\u202egnp.md"
    (harm / name).write_text(f"# {HARM}\u2028\n\nbasilisk {HARM} \u202e\u2066 \x0b&lt;b&gt;\n")
    (harm / "page.html").write_text(
        f"<title>{HARM.replace('<', '&lt;')}</title><p>basilisk &lt;script&gt;1&lt;/script&gt;</p>"
    )
    (harm / "passing.txt").write_text("A salamander that is soon gone.\n")
    with served(folder, DATA, harm) as running:
        yield running


@pytest.fixture(scope="module")
def browser(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """A browser that the server's code let in."""
    with Browser(tmp_path_factory.mktemp("browser")) as opened:
        opened.open_url(server.open_url)
        yield opened


@pytest.fixture
def page(server: Server, browser: Browser) -> Iterator[Page]:
    browser.look()
    browser.allow_scripts(allowed=True)
    browser.complaints.clear()
    yield Page(server, browser)
    assert not browser.complaints
    assert {address for address in browser.requests if not _is_own(address, server)} == set()


class Page:
    """The page of the server, open in the browser."""

    def __init__(self, server: Server, browser: Browser) -> None:
        self.server, self.browser = server, browser

    def open(self, path: str) -> None:
        """Open an address; MATCH in it is the first match of the question about eggs."""
        if "MATCH" in path:
            path = path.replace("MATCH", self.first_match())
        self.browser.open_url(self.server.url.rstrip("/") + path)

    def first_match(self) -> str:
        """The id of the first match of the question about eggs."""
        address = json.dumps(f"/fragments/search{EGGS[1:]}")
        text: str = self.browser.run(f"await (await fetch({address})).text()")
        return text.partition('data-read="')[2].partition('"')[0]

    def status_of(self, path: str) -> int:
        """The HTTP status of an address."""
        return int(self.browser.run(f"(await fetch({json.dumps(path)})).status"))

    @property
    def query(self) -> str:
        """What the address asks."""
        return str(self.browser.run("location.search"))

    @property
    def focus(self) -> str:
        """What has the focus, by its id or text."""
        return str(
            self.browser.run("document.activeElement.id || document.activeElement.textContent")
        )


def _is_own(address: str, server: Server) -> bool:
    return address.startswith((server.url, "about:"))


# ---- every state ---------------------------------------------------------------------------------


@pytest.mark.parametrize("state", STATES)
def test_every_state_fits_every_screen_and_keeps_nobody_out(page: Page, state: str) -> None:
    require_axe()
    for width, is_dark in LOOKS:
        page.browser.look(width=width, height=844 if width < 600 else 800, is_dark=is_dark)
        page.open(STATES[state])
        wide = page.browser.run("document.documentElement.scrollWidth")
        assert wide <= width, f"{state} at {width} is {wide} wide"
        assert violations(page.browser) == [], f"{state} at {width}, dark: {is_dark}"
        controls = "button:not(.go), summary, .facet, .modes label, .button, .tabs a, .within a"
        assert page.browser.small_targets(controls, 24) == []
    page.browser.complaints[:] = [  # a state that is an error is said so by its status, too
        said for said in page.browser.complaints if "responded with a status of 4" not in said
    ]


def test_what_keeps_people_out_is_noticed(page: Page) -> None:
    require_axe()
    page.open("/")
    page.browser.run("document.getElementById('q').removeAttribute('aria-label')")
    page.browser.run("document.getElementById('q').removeAttribute('placeholder')")
    assert [said for said in violations(page.browser) if said.startswith("label: ")]


def test_a_first_visit_says_what_there_is_and_what_can_be_asked(page: Page) -> None:
    page.open("/")
    assert "Ask 105 documents" in page.browser.text("#matches")
    assert '"spare key"' in page.browser.text("#matches")
    assert "generation" in page.browser.text("#status")
    assert page.focus == "q"


def test_a_match_has_its_type_folder_place_and_the_words_that_were_asked_for(page: Page) -> None:
    page.open(EGGS)
    first = page.browser.text("#matches li")
    assert "pdf" in first
    assert "data/manuals" in first
    assert "p. 46" in first
    marked = page.browser.run(
        "[...document.querySelectorAll('#matches li:first-child mark')].map((m) => m.textContent)"
    )
    assert {word.lower() for word in marked} == {"eggs", "cockroaches", "cardboard"}


def test_reading_opens_at_the_match_between_its_neighbours(page: Page) -> None:
    for width in (1280, 390):
        page.browser.look(width=width, height=844)
        page.open(f"{EGGS}&match=MATCH#here")
        place = page.browser.run(
            "(() => { const at = document.getElementById('here').getBoundingClientRect();"
            " return [at.top, at.bottom, innerHeight]; })()"
        )
        assert 0 < place[0] < place[2] / 2
        assert page.browser.run("document.querySelectorAll('.passage').length") == 5
    page.browser.run("document.querySelectorAll('.more a')[0].click()")
    page.browser.until("document.querySelectorAll('.passage').length === 11")
    assert "above=8" in page.query


def test_a_page_of_a_pdf_is_shown_with_the_match_marked_on_it(page: Page) -> None:
    page.open(f"{EGGS}&match=MATCH#here")
    page.browser.run("document.querySelectorAll('.tabs a')[1].click()")
    page.browser.until("document.querySelectorAll('.sheet rect').length > 2")
    place = page.browser.run("document.getElementById('here').getBoundingClientRect().top")
    assert 0 < place < 700
    picture = page.browser.run("document.querySelector('.sheet image').getAttribute('href')")
    assert page.status_of(picture) == 200
    assert "46 of 69" in page.browser.text("#sheet")
    page.browser.run("document.querySelector('.pages a:last-of-type').click()")
    page.browser.until("location.search.includes('page=47')")


def test_an_error_keeps_the_question_and_says_the_cure(page: Page) -> None:
    page.open(f"{EGGS}&since=someday")
    assert "is not a date" in page.browser.text("#matches")
    assert page.browser.run("document.getElementById('q').value") == "eggs cockroaches cardboard"
    assert page.status_of("/?q=x&since=someday") == 400
    assert page.status_of("/?q=x&shape=round") == 400
    assert page.status_of("/?match=999999") == 404
    assert page.status_of("/static/search.js") == 200
    assert page.status_of("/static/..%2fpage.py") == 404
    page.browser.complaints.clear()


def test_a_filter_lets_through_and_is_taken_back_by_the_same_link(page: Page) -> None:
    page.open(EGGS)
    page.browser.run("document.querySelector('.facet').click()")
    page.browser.until("!!document.querySelector('.facet[aria-current]')")
    assert "type=" in page.query
    page.browser.run("document.querySelector('.facet[aria-current]').click()")
    page.browser.until("!document.querySelector('.facet[aria-current]')")
    assert page.query == EGGS[1:]


# ---- quick ---------------------------------------------------------------------------------------


def test_matches_come_while_one_writes_and_the_address_goes_with_them(page: Page) -> None:
    page.open("/")
    before = len(page.browser.requests)
    for letter in "eggs cockroaches":
        page.browser.press(letter)
    page.browser.until("!!document.querySelector('#matches li.match')")
    page.browser.until("location.search.includes('cockroaches')")
    page.browser.until("document.getElementById('told').textContent.includes('match')")
    asked = [each for each in page.browser.requests[before:] if "/fragments/" in each]
    assert len(asked) < len("eggs cockroaches")
    page.browser.run("history.back()")
    page.browser.until("!!document.querySelector('.welcome')")
    assert page.browser.run("document.getElementById('q').value") == ""
    page.browser.run("history.forward()")
    page.browser.until("!!document.querySelector('#matches li.match')")


def test_two_letters_ask_nothing(page: Page) -> None:
    page.open("/")
    for letter in "eg":
        page.browser.press(letter)
    time.sleep(0.3)
    assert page.query == ""


def test_all_is_done_by_keys(page: Page) -> None:
    page.open(EGGS)
    page.browser.press("/")
    assert page.focus == "q"
    page.browser.press("Escape")
    page.browser.press("j")
    page.browser.until("location.search.includes('match=')")
    second = page.query
    page.browser.press("k")
    page.browser.until(f"location.search !== {json.dumps(second)}")
    page.browser.press("Enter")
    page.browser.until("document.activeElement.id === 'document-title'")
    page.browser.press("w")
    page.browser.until("!!document.querySelector('.why')")
    page.browser.press("c")
    page.browser.until("document.getElementById('told').textContent === 'Copied'")
    page.browser.press("?")
    assert page.browser.run("document.getElementById('help').open") is True
    for key in "/jkEnternofcmsw?":
        assert key in page.browser.text("#help")
    page.browser.press("Escape")
    assert page.browser.run("document.getElementById('help').open") is False
    page.browser.press("s")
    page.browser.until("location.search.includes('like=')")


def test_the_map_is_a_page_of_the_server_whose_points_lead_to_their_passages(page: Page) -> None:
    page.open(EGGS)
    page.browser.press("m")
    page.browser.until("location.pathname === '/map' && document.readyState === 'complete'")
    page.browser.until("document.getElementById('groups').children.length > 3")
    page.browser.run("document.getElementById('canvas').focus()")
    page.browser.press("ArrowRight")
    page.browser.press("Enter")
    page.browser.until("!document.getElementById('card').hidden")
    page.browser.run("document.getElementById('file').click()")
    page.browser.until("location.search.includes('match=') && document.readyState === 'complete'")
    page.browser.until("!!document.querySelector('#reading .here')")
    assert page.browser.run("document.querySelector('#reading').offsetWidth") > 600


def test_the_tab_key_goes_everywhere_and_is_caught_nowhere(page: Page) -> None:
    page.open(f"{EGGS}&match=MATCH")
    visited: list[str] = []
    number = (
        "(() => { const at = document.activeElement; at.dataset.visit ||= String(Math.random());"
        " return at === document.body ? 'body' : at.dataset.visit; })()"
    )
    while "body" not in visited and len(visited) < 200:
        page.browser.press("Tab")
        visited.append(str(page.browser.run(number)))
    assert visited[-1] == "body"
    assert len(visited) == len(set(visited)) > 25


def test_every_control_has_a_name(page: Page) -> None:
    page.open(f"{EGGS}&match=MATCH#here")
    for role in ("link", "button", "radio", "searchbox", "heading", "navigation", "region"):
        names = page.browser.accessible_names(role)
        assert names, role
        assert all(name.strip() for name in names), (role, names)


# ---- without scripts -----------------------------------------------------------------------------


def test_without_scripts_a_form_and_links_do_it_all(page: Page) -> None:
    page.browser.allow_scripts(allowed=False)
    page.open("/")
    page.browser.press("Tab")
    page.browser.run("document.getElementById('q').focus()")
    page.browser.write("eggs cockroaches cardboard")
    page.browser.press("Enter")
    page.browser.until("location.search.includes('q=eggs')")
    page.browser.until("document.readyState === 'complete'")
    for link in ("#matches .match a", "[data-key=w]", ".more a", ".facet"):
        before = page.query
        page.browser.run(f"document.querySelector({json.dumps(link)}).click()")
        page.browser.until(
            f"location.search !== {json.dumps(before)} && document.readyState === 'complete'"
        )
    assert "why=1" in page.query
    assert "type=" in page.query
    assert "Cite as" in page.browser.text("#reading")
    assert (
        page.browser.run("getComputedStyle(document.querySelector('.go')).position") == "absolute"
    )
    assert not page.browser.run("document.querySelector('.app').classList.contains('live')")


# ---- a phone -------------------------------------------------------------------------------------


def test_on_a_phone_reading_is_a_screen_of_its_own_with_a_way_back(page: Page) -> None:
    page.browser.look(width=390, height=844)
    page.open(EGGS)
    visible = "(id) => getComputedStyle(document.getElementById(id)).display !== 'none'"
    assert page.browser.run(f"['matches', 'reading'].map({visible})") == [True, False]
    assert page.browser.run("getComputedStyle(document.querySelector('.facets')).display") == "none"
    page.browser.run("document.querySelector('#matches .match a').click()")
    page.browser.until(
        "!!document.querySelector('#reading .here') && location.search.includes('match=')"
    )
    page.browser.until("!document.getElementById('app').classList.contains('busy')")
    assert page.browser.run(f"['matches', 'reading'].map({visible})") == [False, True]
    actions = "getComputedStyle(document.querySelector('.actions')).display"
    assert page.browser.run(actions) == "none"
    page.browser.run("document.querySelector('.menu summary').click()")
    assert page.browser.run(actions) == "flex"
    page.browser.run("document.querySelector('.back a').click()")
    page.browser.until("!location.search.includes('match=')")
    page.browser.until("getComputedStyle(document.getElementById('matches')).display !== 'none'")


# ---- harm ----------------------------------------------------------------------------------------


def test_documents_that_mean_harm_run_nothing_and_can_be_read(page: Page) -> None:
    for path in (
        "/?q=basilisk&why=1",
        f"/?q=basilisk+{quote(HARM)}",
        f"/?q={quote(HARM)}&mode=keyword",
    ):
        page.open(path)
        title = page.browser.run("document.title")
        assert title.endswith("searchapp")
        assert page.browser.run("document.querySelectorAll('img').length") == 0
        assert page.browser.run("document.querySelectorAll('script').length") == 1
    page.open("/?q=basilisk")
    shown = page.browser.text("#matches")
    assert "<script>" in shown
    assert not set("\u202e\u2066\u2028") & set(page.browser.run("document.body.textContent"))


# ---- a corpus that changes -----------------------------------------------------------------------


def test_what_left_the_corpus_is_gone_and_the_page_says_that_it_changed(
    page: Page, server: Server
) -> None:
    page.open("/?q=salamander&mode=keyword")
    match = page.browser.run("document.querySelector('[data-read]').dataset.read")
    corpus = Corpus.open(os.fspath(server.corpus), encoder=HashEncoder(dim=512))
    (row,) = corpus.documents(name="passing.txt")
    corpus.remove([os.fsdecode(row.path)])
    page.browser.until("document.getElementById('status').innerText.includes('ask again')")
    page.open(f"/?match={match}")
    assert "has left the corpus" in page.browser.text("#reading")
    assert page.status_of(f"/?match={match}") == 410
    page.browser.complaints.clear()


def test_a_refresh_reads_what_changed(page: Page) -> None:
    page.open("/")
    page.browser.run("document.querySelector('[data-do=refresh]').click()")
    page.browser.until(
        "document.getElementById('ingest').innerText.includes('unchanged')", timeout_s=30
    )


def test_a_corpus_without_documents_says_how_to_begin(tmp_path: Path) -> None:
    with served(tmp_path / "none") as empty, Browser(tmp_path / "browser") as browser:
        browser.open_url(empty.open_url)
        assert "searchapp ingest" in browser.text("#matches")
        browser.open_url(f"{empty.url}?q=eggs")
        assert "no corpus" in browser.text("body")
