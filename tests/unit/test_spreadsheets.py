"""Cells that a spreadsheet would run: one definition for CSV files, workbooks and verification."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest

from hcip_pipeline.release.spreadsheets import looks_like_formula, neutralized
from hcip_pipeline.release.verification import tables as verification

_LEADS = [
    "",
    " ",
    "\t",
    "\r",
    "\n",
    "\u00a0",
    "\u3000",
    "\u200b",
    "\ufeff",
    "\u202e",
    "\x1c",
    "\x85",
    "  \u2003",
    "'",
    "''",
]
_SIGNS = "=+-@＝＋－＠﹦﹢﹣﹫"


def _written(texts: list[str]) -> list[str]:
    return neutralized(pl.DataFrame({"name": texts}))["name"].to_list()


@pytest.mark.parametrize("lead", _LEADS)
def test_every_sign_after_every_blank_is_neutralized(lead: str) -> None:
    texts = [f"{lead}{sign}1" for sign in _SIGNS]
    assert _written(texts) == [f"'{text}" for text in texts]
    assert all(looks_like_formula(text) for text in texts)


def test_ordinary_text_is_unchanged() -> None:
    texts = ["", "a=b", "O'Brien", "'quoted'", "APR-DRG", " leading blank", "1-2", "“−5”", "−5", "é", "'", "x\t=1"]
    assert _written(texts) == texts
    assert not any(looks_like_formula(text) for text in texts)


def test_verification_neutralizes_the_same_cells() -> None:
    """For every blank, control and invisible character of Unicode, and every character of the first plane."""
    signs = [chr(code) for code in range(0x10000) if not 0xD800 <= code <= 0xDFFF]
    signs += [chr(c) for c in range(0x10000, 0x110000) if unicodedata.category(chr(c)) in ("Zs", "Zl", "Zp", "Cf")]
    texts = [f"{sign}=1" for sign in signs] + signs
    assert [verification.neutralized(text) for text in texts] == _written(texts)


def test_neutralized_text_is_read_back_exactly() -> None:
    texts = [f"{lead}{text}" for lead in _LEADS for text in ("", "=1", "x", "-", "＋1")]
    assert [verification._text(cell) for cell in _written(texts)] == texts
