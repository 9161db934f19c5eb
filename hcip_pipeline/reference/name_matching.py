"""Whether two written names may be the same person's: the names of care partners against those of a list.

Belongs here: the words of a name, and how similar two names are. Does not belong here: whose names are compared
(``screening``).

Two names are alike if their token sort ratio is at least 92 (``rapidfuzz``) and the listed last name begins with the
same letter as some word of the other name. Case, accents, punctuation, titles, suffixes (Jr, III, MD) and the order of
words do not count. A middle name that only one of the two has, or that one of them abbreviates to an initial, does not
tell them apart.
"""

from __future__ import annotations

import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from rapidfuzz import fuzz, process

#: Less similar names belong to different persons.
LEAST_SIMILARITY = 92
#: Names that are compared at once, as the rows of a matrix.
_AT_ONCE = 250

#: Letters that Unicode does not decompose into a letter and a mark.
_LETTERS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})
#: Punctuation inside a word; any other punctuation separates words.
_INSIDE = str.maketrans(dict.fromkeys("'’‘`´ʼ."))
_TITLES = (
    "md do dr mbbs mbchb phd mph mba msc ms ma pa pac np aprn rn crnp cnm crna dds dmd dpm dc od facs facp faap mr mrs "
    "miss prof esq"
)
_SUFFIXES = frozenset(("jr", "sr", "ii", "iii", "iv"))
#: Words next to a name that are not part of it; a few are names as well (Do, Ma).
_BESIDE = _SUFFIXES | frozenset(_TITLES.split())


def words_of(text: str | None) -> tuple[str, ...]:
    """The words of a written name in plain lowercase letters."""
    plain = unicodedata.normalize("NFKD", (text or "").casefold().translate(_LETTERS).translate(_INSIDE))
    return tuple("".join(sign if sign.isalnum() else " " for sign in plain if not unicodedata.combining(sign)).split())


@dataclass(frozen=True)
class Name:
    """A name: the words of the last, first and middle names, as far as these can be told apart."""

    last: tuple[str, ...]
    first: tuple[str, ...]
    middle: tuple[str, ...] = ()

    @cached_property
    def full(self) -> str:
        """All words, in alphabetical order."""
        return " ".join(sorted((*self.last, *self.first, *self.middle)))

    @cached_property
    def short(self) -> str:
        """The words without the middle names, in alphabetical order."""
        return " ".join(sorted((*self.last, *self.first)))

    @property
    def initials(self) -> frozenset[str]:
        """First letters of all names."""
        return frozenset(word[0] for word in (*self.last, *self.first, *self.middle))


def listed_name(last: str | None, first: str | None, middle: str | None = None) -> Name:
    """A name whose parts are separate columns of a list."""
    own = words_of(last)
    return Name(tuple(word for word in own if word not in _SUFFIXES) or own, words_of(first), words_of(middle))


def written_names(text: str | None) -> tuple[Name, ...]:
    """The readings of a name in one cell, ``Jane Q. Doe, MD`` or ``Doe, Jane Q``: with and without titles.

    Empty if the cell has no word.
    """
    parts = [words for part in (text or "").split(",") if (words := words_of(part))]
    bare = [tuple(word for word in words if word not in _BESIDE) for words in parts]
    read = ([words for words in each if words] for each in (bare, [*parts[:1], *bare[1:]]))
    return tuple(dict.fromkeys(_read(each) for each in read if each))


def _read(parts: Sequence[tuple[str, ...]]) -> Name:
    if len(parts) > 1:
        given = tuple(word for part in parts[1:] for word in part)
        return Name(parts[0], given[:1], given[1:])
    words = parts[0]
    return Name(words[-1:], words[:1] if len(words) > 1 else (), words[1:-1])


def like_names(names: Sequence[Name], listed: Sequence[Name]) -> Iterator[tuple[int, int, float]]:
    """Pairs of names that may be the same person's.

    Args:
        names: of the people to look for.
        listed: of the list.

    Yields:
        Place in ``names``, place in ``listed``, and similarity in percent; each pair once, in order.
    """
    by_letter: dict[str, list[int]] = defaultdict(list)
    for at, name in enumerate(listed):
        if name.full:
            by_letter[(name.last or name.first)[0][0]].append(at)
    found: dict[tuple[int, int], float] = {}
    for letter, places in sorted(by_letter.items()):
        here = [at for at, name in enumerate(names) if letter in name.initials]
        for start in range(0, len(here), _AT_ONCE):
            for pair, similarity in _compared(here[start : start + _AT_ONCE], places, names, listed):
                found[pair] = max(similarity, found.get(pair, 0.0))
    for (one, other), similarity in sorted(found.items()):
        yield one, other, similarity


def _compared(
    here: Sequence[int], places: Sequence[int], names: Sequence[Name], listed: Sequence[Name]
) -> Iterator[tuple[tuple[int, int], float]]:
    forms = _forms(places, listed)
    own = _forms(here, names)
    # The words are sorted already, so the plain ratio is the token sort ratio.
    scores = process.cdist(list(own), list(forms), scorer=fuzz.ratio, score_cutoff=LEAST_SIMILARITY, dtype=np.float32)
    texts, others = list(own.values()), list(forms.values())
    for row, column in zip(*np.nonzero(scores >= LEAST_SIMILARITY), strict=True):
        for one, is_short in texts[row]:
            for other, is_other_short in others[column]:
                if not (is_short and is_other_short) or _may_be_one(names[one].middle, listed[other].middle):
                    yield (one, other), float(scores[row, column])


def _forms(places: Iterable[int], names: Sequence[Name]) -> Mapping[str, list[tuple[int, bool]]]:
    """Sorted words -> the names with these words, and whether their middle names were left out."""
    forms: dict[str, list[tuple[int, bool]]] = defaultdict(list)
    for at in places:
        forms[names[at].full].append((at, False))
        if names[at].middle and names[at].short:
            forms[names[at].short].append((at, True))
    return forms


def _may_be_one(middle: Sequence[str], other: Sequence[str]) -> bool:
    """Whether two persons with these middle names may be the same: the names are equal, or one is an initial."""
    return any(a == b or (1 in (len(a), len(b)) and a[0] == b[0]) for a in middle for b in other)
