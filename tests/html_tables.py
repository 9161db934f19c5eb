"""A page parsed for tests: its tables as text, its links and their possible targets."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "line", "rect", "circle", "polyline", "br"}


class Page(HTMLParser):
    """A parsed page; each entry of ``tables`` is a list of rows of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: list[list[list[str]]] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._cell: list[str] | None = None
        self._hidden = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append((tag, named))
        if "id" in named:
            self.ids.append(named["id"] or "")
        if tag == "a":
            self.links.append(named.get("href") or "")
        if tag in ("style", "svg"):
            self._hidden += 1
        if tag == "table":
            self.tables.append([])
        if tag == "tr":
            self.tables[-1].append([])
        if tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "svg"):
            self._hidden -= 1
        if tag in ("td", "th") and self._cell is not None:
            self.tables[-1][-1].append(" ".join("".join(self._cell).split()))
            self._cell = None

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        self.text += data
        if self._cell is not None:
            self._cell.append(data)

    def table(self, *heads: str) -> list[list[str]]:
        """The body and footer of the first table whose headings begin with these."""
        for rows in self.tables:
            if rows and rows[0][: len(heads)] == list(heads):
                return rows[1:]
        raise AssertionError(f"no table begins with {heads}: {[rows[0] for rows in self.tables if rows]}")
