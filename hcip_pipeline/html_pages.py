"""How every HTML page is rendered: escaped, self-contained, and safe with names in any script.

Pages show names that hospitals write. Escaping keeps them from being markup; two more things keep them from deceiving:
a content security policy under which a page can load and run nothing, and isolation of text that is written from right
to left, so that it cannot reorder the figures next to it. Control characters are shown by their code point.

Belongs here: the Jinja environment and these rules. Does not belong here: templates and their filters.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Any

from jinja2 import BaseLoader, ChoiceLoader, Environment, PackageLoader, StrictUndefined
from jinja2.ext import Extension
from jinja2.lexer import Token, TokenStream
from markupsafe import Markup, escape

#: Styles and drawings are inside the page; there is no script, picture, font, frame or form.
CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
#: they change the order of what follows them; U+061C to U+200F are invisible marks, the others embed or isolate
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
#: bidirectional controls, and Unicode's category Cc without tab and line ends
_CONTROL = re.compile(rf"[{''.join(sorted(BIDI_CONTROLS))}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CODE_SPAN = re.compile(r"`([^`]+)`")
#: elements that hold text alone
_TEXT_ONLY = ("title", "desc", "text", "style")


def show_controls(value: Any) -> Any:
    """Control characters of a text as ``[U+202E]``; anything else as it is."""
    if not isinstance(value, str) or value.isprintable():
        return value
    shown = _CONTROL.sub(lambda found: f"[U+{ord(found[0]):04X}]", value)
    return Markup(shown) if isinstance(value, Markup) else shown


def name_tag(value: Any) -> Markup:
    """A name in an element of its own, so that its direction ends with it; empty for no name."""
    return Markup(f"<bdi>{escape(show_controls(value))}</bdi>") if value not in (None, "") else Markup("")


def code_spans(value: Any) -> Markup:
    """A text in which what is between backticks is code, as the commands in a finding are."""
    parts = _CODE_SPAN.split(str(value))
    return Markup().join(
        Markup(f"<code>{escape(show_controls(part))}</code>") if index % 2 else escape(_isolate(show_controls(part)))
        for index, part in enumerate(parts)
    )


def _isolate(value: Any) -> Any:
    """Text from right to left as a name; everything else as it is."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii():
        return value
    is_turned = any(unicodedata.bidirectional(sign) in _RIGHT_TO_LEFT for sign in value)
    return name_tag(value) if is_turned else value


class _IsolateText(Extension):
    """Isolates whatever a template writes between tags. In attributes and in text-only elements there is no ``bdi``."""

    def filter_stream(self, stream: TokenStream) -> Iterable[Token]:
        state = _Position()
        isolated = False
        for token in stream:
            if token.type == "data":
                state.read(token.value)
            if token.type == "variable_end" and isolated:
                for kind, text in (("rparen", ")"), ("pipe", "|"), ("name", "isolate")):
                    yield Token(token.lineno, kind, text)
            yield token
            if token.type == "variable_begin":
                isolated = state.is_text
                if isolated:
                    yield Token(token.lineno, "lparen", "(")


class _Position:
    """Where in the markup a template is: in a tag, in an element that holds text alone, or in text."""

    def __init__(self) -> None:
        self._in_tag = False
        self._tag = ""
        self._text_only = ""

    @property
    def is_text(self) -> bool:
        return not (self._in_tag or self._text_only)

    def read(self, markup: str) -> None:
        for sign in markup:
            if sign == "<":
                self._in_tag, self._tag = True, ""
            elif sign == ">" and self._in_tag:
                self._in_tag = False
                name = self._tag.split(maxsplit=1)[0] if self._tag.split() else ""
                if name in _TEXT_ONLY and not self._tag.endswith("/"):
                    self._text_only = name
                elif name == f"/{self._text_only}":
                    self._text_only = ""
            elif self._in_tag:
                self._tag += sign


def page_environment(loader: BaseLoader, *, lstrip_blocks: bool = True) -> Environment:
    """The environment of templates for pages: their own, and those that all share (``base.html.j2``, its style).

    ``content_policy`` belongs into each head, ``name`` around names.
    """
    environment = Environment(
        loader=ChoiceLoader([loader, PackageLoader("hcip_pipeline")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=lstrip_blocks,
        finalize=show_controls,
        extensions=[_IsolateText],
    )
    environment.filters |= {"isolate": _isolate, "name": name_tag, "code_spans": code_spans}
    policy = f'<meta http-equiv="Content-Security-Policy" content="{CONTENT_POLICY}">'
    environment.globals["content_policy"] = Markup(policy)
    return environment
