"""What all pages share: whatever is not markup is escaped and harmless, in templates and elements."""

from __future__ import annotations

import re

import pytest
from jinja2 import UndefinedError
from markupsafe import Markup

from searchapp.output.html.elements import tag
from searchapp.output.html.page import _environment, render_page
from tests.paths import PACKAGE

HOSTILE = "</p><script>alert(1)</script>\x1b\x00\ufffe & \"q\" 'r'"
HARMLESS = "&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;\ufffd\ufffd\ufffd &amp; &#34;q&#34; &#39;r&#39;"


def test_an_element_escapes_its_text_and_attributes_but_not_markup() -> None:
    assert tag("p", HOSTILE, title=HOSTILE, class_=None) == f'<p title="{HARMLESS}">{HARMLESS}</p>'
    assert tag("p", tag("b", "x", data_unit=3)) == '<p><b data-unit="3">x</b></p>'


def test_a_template_escapes_every_value_but_markup() -> None:
    template = _environment().from_string('<p title="{{ text }}">{{ text }}</p>{{ markup }}')
    shown = template.render(text=HOSTILE, markup=Markup("<b></b>"))
    assert shown == f'<p title="{HARMLESS}">{HARMLESS}</p><b></b>'


def test_a_value_that_a_template_lacks_is_an_error_and_no_blank() -> None:
    with pytest.raises(UndefinedError):
        render_page("map", title="t", data={})


def test_no_number_of_a_page_is_written_as_javascript_cannot_read_it() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        render_page("map", title="t", data={"x": float("nan")})


def test_no_template_turns_escaping_off_or_names_another_place() -> None:
    templates = sorted((PACKAGE / "output/html/templates").glob("*.jinja"))
    assert [path.name for path in templates] == [
        "base.html.jinja",
        "map.html.jinja",
        "one_file.html.jinja",
        "pair.html.jinja",
        "problem.html.jinja",
        "search.html.jinja",
        "search_facet.html.jinja",
        "search_filters.html.jinja",
        "search_legend.html.jinja",
        "search_matches.html.jinja",
        "search_panes.html.jinja",
        "search_reading.html.jinja",
        "search_segments.html.jinja",
        "search_sheet.html.jinja",
        "search_status.html.jinja",
        "search_welcome.html.jinja",
        "search_why.html.jinja",
        "served.html.jinja",
    ]
    for path in templates:
        source = path.read_text(encoding="utf-8")
        if path.name == "served.html.jinja":  # whose styles and scripts are the server's own
            source = re.sub(r'<(link|script)[^>]* (href|src)="/static/', "", source)
        pattern = r"\|\s*safe\b|autoescape|https?:|\bon\w+=|<link|<img"
        assert not re.search(pattern, source), path
