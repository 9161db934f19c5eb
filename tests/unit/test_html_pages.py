"""What templates do with names: between tags, in attributes, and with characters that reverse the direction of text."""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

import pytest
from jinja2 import DictLoader
from markupsafe import Markup

import hcip_pipeline
from hcip_pipeline.html_pages import BIDI_CONTROLS, code_spans, page_environment, show_controls

_HEBREW, _OVERRIDE = "דר כהן", "Dr. \u202eevil"
TEMPLATES = sorted(Path(hcip_pipeline.__file__).parent.rglob("templates/*.html.j2"))


def _render(template: str, **values: object) -> str:
    return page_environment(DictLoader({"page": template})).get_template("page").render(values)


def test_code_spans_are_escaped_and_isolated() -> None:
    text = "settle <it> again: `hcip run <2025H1>`, then \u05d0\u202e ` alone"
    assert code_spans(text) == (
        "settle &lt;it&gt; again: <code>hcip run &lt;2025H1&gt;</code><bdi>, then \u05d0[U+202E] ` alone</bdi>"
    )


def test_text_from_right_to_left_is_isolated_between_tags_only() -> None:
    page = _render('<title>{{ x }}</title><p class="{{ x }}" {% if x %}id="{{ x }}"{% endif %}>{{ x }}</p>', x=_HEBREW)
    assert page == f'<title>{_HEBREW}</title><p class="{_HEBREW}" id="{_HEBREW}"><bdi>{_HEBREW}</bdi></p>'
    assert _render("<svg><text x='1'>{{ x }}</text></svg>{{ x }}", x=_HEBREW).count("<bdi>") == 1


def test_names_are_escaped_and_always_in_an_element_of_their_own() -> None:
    assert _render("<b>{{ x | name }}</b>", x="<i>") == "<b><bdi>&lt;i&gt;</bdi></b>"
    assert _render("<b>{{ (x or y) | name }}</b>", x=None, y=_HEBREW) == f"<b><bdi>{_HEBREW}</bdi></b>"
    assert _render("<b>{{ x | name }}</b>", x=None) == "<b></b>"


def test_expressions_keep_their_meaning() -> None:
    assert _render("<b>{{ 'a' if x else 'b' }}{{ 1 + 2 }}{{ x ~ 'y' | upper }}</b>", x="z") == "<b>a3zY</b>"
    assert _render("{% macro m(x) %}<i>{{ x }}</i>{% endmacro %}<b>{{ m(x) }}</b>", x="&") == "<b><i>&amp;</i></b>"
    assert _render("<b>{{ x }}</b>", x=Markup("<br>")) == "<b><br></b>"


@pytest.mark.parametrize(
    "place", ["<p>{{ x }}</p>", "<p>{{ x | name }}</p>", '<p class="{{ x }}">', "<title>{{ x }}</title>"]
)
def test_no_control_character_reaches_a_page(place: str) -> None:
    assert "Dr. [U+202E]evil" in _render(place, x=_OVERRIDE)
    every = "".join(sorted(BIDI_CONTROLS)) + "\x00\x07\x1b\x85"
    assert not set(every) & set(_render(place, x=every))


def test_every_character_that_embeds_or_overrides_counts() -> None:
    turning = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
    found = {chr(code) for code in range(0x110000) if unicodedata.bidirectional(chr(code)) in turning}
    assert found <= BIDI_CONTROLS


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_every_template_has_the_policy_and_nothing_that_it_forbids(template: Path) -> None:
    text = template.read_text(encoding="utf-8")
    if template.name == "explorer.html.j2":  # the one page with scripts: its policy names each by its hash
        text = text.replace("{{ script_policy }}", "{{ content_policy }}")
        text = re.sub(r'<script( type="application/json" id="data")?><!--part [^>]*--></script>', "", text)
    assert ("<head>" in text) == ("{{ content_policy }}" in text)
    assert not re.search(r"<(script|img|iframe|object|embed|form|base|link)\b|\bon\w+=|javascript:|@import|url\(", text)
    if "<head>" in text:
        assert text.index("{{ content_policy }}") < text.index("<title>")


def test_all_pages_are_rendered_in_this_environment() -> None:
    root = Path(hcip_pipeline.__file__).parent
    own = {
        path.relative_to(root).as_posix() for path in root.rglob("*.py") if "Environment(" in path.read_text("utf-8")
    }
    others = {"warehouse/rendering.py", "intake/hospital/statements.py", "guides/pages.py"}  # SQL, and Markdown
    assert own <= {"html_pages.py", *others}


def test_the_shown_controls_are_unicode_controls_except_tab_and_line_ends() -> None:
    signs = [chr(code) for code in range(0x2100)]
    expected = {sign for sign in signs if unicodedata.category(sign) == "Cc"} - set("\t\n\r") | set(BIDI_CONTROLS)
    shown = {sign for sign in signs if show_controls(f"{sign}\n") != f"{sign}\n"}
    assert shown == {sign for sign in expected if sign in signs}
