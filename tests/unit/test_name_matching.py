"""Whether two written names may be the same person's, compared with a plain implementation of the rule."""

from __future__ import annotations

import random

import pytest

from hcip_pipeline.reference.name_matching import like_names, listed_name, words_of, written_names

SAME = [
    ("Jane Q. Doe, MD", "DOE", "JANE", "Q"),
    ("Jane Doe", "DOE", "JANE", "QUINN"),
    ("Doe, Jane", "DOE", "JANE", ""),
    ("DOE JANE", "DOE", "JANE", ""),  # first and last exchanged
    ("Jane Quinn Doe", "DOE", "JANE", "Q"),
    ("Jane Q Doe", "DOE", "JANE", "QUINN"),
    ("Dr. Jane Doe Jr., M.D., Ph.D.", "DOE JR", "JANE", ""),
    ("José Núñez-García", "NUNEZ GARCIA", "JOSE", ""),
    ("Jose Nunez Garcia", "NÚÑEZ-GARCÍA", "JOSÉ", ""),
    ("Søren Kjær", "KJAER", "SOREN", ""),
    ("Patrick O'Brien III", "OBRIEN", "PATRICK", ""),
    ("Patrick O’Brien", "O'BRIEN", "PATRICK", "J"),
    ("Maria De La Cruz", "DE LA CRUZ", "MARIA", ""),
    ("Jon Smith", "SMITH", "JOHN", ""),  # 94.7
    ("Jonathan Smithson", "SMITHSON", "JONATHON", ""),
    ("Van Do, DO", "DO", "VAN", ""),  # a surname that is a title as well
    ("Do, Van", "DO", "VAN", ""),
    ("李 小龙", "李", "小龙", ""),
    ("Prince", "PRINCE", "", ""),
]
OTHERS = [
    ("Jane Quinn Doe", "DOE", "JANE", "MARIE"),
    ("John Smith", "SMITH", "JOAN", ""),  # 90
    ("Alexandria Khristopherson", "CHRISTOPHERSON", "ALEXANDRIA", ""),  # another first letter
    ("Jane Doe", "ROE", "JANE", ""),
    ("", "DOE", "JANE", ""),
    ("---", "DOE", "JANE", ""),
    ("MD", "DOE", "JANE", ""),
    ("Jane Doe", "", "", ""),
    ("Jane Doe", "'", "-", "."),
]


@pytest.mark.parametrize(("written", "last", "first", "middle"), SAME)
def test_similar_names_match(written: str, last: str, first: str, middle: str) -> None:
    found = list(like_names(written_names(written), [listed_name(last, first, middle)]))
    assert found and all(similarity >= 92 for *_, similarity in found)


@pytest.mark.parametrize(("written", "last", "first", "middle"), OTHERS)
def test_names_of_two_persons_do_not_match(written: str, last: str, first: str, middle: str) -> None:
    assert not list(like_names(written_names(written), [listed_name(last, first, middle)]))


def test_a_practice_named_after_a_physician_matches() -> None:
    (practice,) = written_names("JANE DOE, M.D., P.A.")
    assert list(like_names(written_names("Jane Doe MD"), [practice])) == [(0, 0, 100.0)]


def _longest_common(one: str, other: str) -> int:
    row = [0] * (len(other) + 1)
    for sign in one:
        before = 0
        for at, theirs in enumerate(other, start=1):
            before, row[at] = row[at], before + 1 if sign == theirs else max(row[at], row[at - 1])
    return row[-1]


def _plainly(one: str, other: str) -> bool:
    """Token sort ratio of at least 92, from its definition: twice the longest common subsequence by both lengths."""
    first, second = (" ".join(sorted(words_of(text))) for text in (one, other))
    return 200 * _longest_common(first, second) >= 92 * (len(first) + len(second))


def test_the_token_sort_ratio_equals_its_definition() -> None:
    rng = random.Random(18)
    letters = "abeilnorst"

    def word() -> str:
        return "".join(rng.choice(letters) for _ in range(rng.randint(3, 9)))

    listed = [(word(), word()) for _ in range(60)]
    written = []
    for last, first in listed:
        spoiled = list(f"{first} {last}")
        spoiled[rng.randrange(1, len(first))] = rng.choice(letters)
        written.append("".join(spoiled))
    names = [written_names(text)[0] for text in written]
    found = {(a, b) for a, b, _ in like_names(names, [listed_name(*parts) for parts in listed])}
    expected = {
        (a, b)
        for a, text in enumerate(written)
        for b, (last, first) in enumerate(listed)
        if last[0] in {part[0] for part in text.split()} and _plainly(text, f"{last} {first}")
    }
    assert found == expected and 20 < len(found) < 60
