"""How every HTML page is rendered: escaped, self-contained, and safe with names in any script.

Pages show names that hospitals enter. Escaping keeps them from acting as markup, and two more measures keep them from
deceiving the reader: a content security policy under which a page can neither load nor run anything, and isolation of
right-to-left text, which could otherwise reorder the figures next to it. Control characters are shown as code points.

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

#: Styles and drawings are inline; there is no script, picture, font, frame or form.
CONTENT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
#: these change the order of the text after them; U+061C to U+200F are invisible marks, the others embed or isolate
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})
#: bidirectional controls, and Unicode's category Cc without tab and line ends
_CONTROL = re.compile(rf"[{''.join(sorted(BIDI_CONTROLS))}\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_CODE_SPAN = re.compile(r"`([^`]+)`")
#: elements that may contain only text
_TEXT_ONLY = ("title", "desc", "text", "style")


def show_controls(value: Any) -> Any:
    """A text with its control characters shown as ``[U+202E]``; any other value unchanged."""
    if not isinstance(value, str) or value.isprintable():
        return value
    shown = _CONTROL.sub(lambda found: f"[U+{ord(found[0]):04X}]", value)
    return Markup(shown) if isinstance(value, Markup) else shown


def name_tag(value: Any) -> Markup:
    """A name in a ``bdi`` element, so that its writing direction affects nothing else; empty if there is no name."""
    return Markup(f"<bdi>{escape(show_controls(value))}</bdi>") if value not in (None, "") else Markup("")


def code_spans(value: Any) -> Markup:
    """A text with everything in backticks shown as code, such as the commands in a finding."""
    parts = _CODE_SPAN.split(str(value))
    return Markup().join(
        Markup(f"<code>{escape(show_controls(part))}</code>") if index % 2 else escape(_isolate(show_controls(part)))
        for index, part in enumerate(parts)
    )


def _isolate(value: Any) -> Any:
    """Right-to-left text as :func:`name_tag` shows it; everything else unchanged."""
    if not isinstance(value, str) or isinstance(value, Markup) or value.isascii():
        return value
    is_right_to_left = any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in value)
    return name_tag(value) if is_right_to_left else value


class _IsolateText(Extension):
    """Isolates every value between tags. Attributes and text-only elements cannot contain ``bdi``."""

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
    """The current position in the markup: in a tag, in a text-only element, or in ordinary text."""

    def __init__(self) -> None:
        self._in_tag = False
        self._tag = ""
        self._text_only = ""

    @property
    def is_text(self) -> bool:
        return not (self._in_tag or self._text_only)

    def read(self, markup: str) -> None:
        for character in markup:
            if character == "<":
                self._in_tag, self._tag = True, ""
            elif character == ">" and self._in_tag:
                self._in_tag = False
                name = self._tag.split(maxsplit=1)[0] if self._tag.split() else ""
                if name in _TEXT_ONLY and not self._tag.endswith("/"):
                    self._text_only = name
                elif name == f"/{self._text_only}":
                    self._text_only = ""
            elif self._in_tag:
                self._tag += character


def page_environment(loader: BaseLoader, *, lstrip_blocks: bool = True) -> Environment:
    """The environment for page templates: those of ``loader`` and the shared ones (``base.html.j2`` and its style).

    Every page's head needs ``content_policy``; names go through the filter ``name``.
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
