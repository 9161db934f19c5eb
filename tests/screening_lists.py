"""Files of national lists as their publishers write them, for tests: OIG's, CMS's, NPPES's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from pathlib import Path

from hcip_pipeline.reference.leie import COLUMNS

NPPES_COUNTING = (
    "NPI", "Entity Type Code", "NPI Deactivation Date", "NPI Reactivation Date", "Healthcare Provider Taxonomy Code_1",
)  # fmt: skip
#: As many columns as in CMS's own file.
NPPES_WIDE = (
    *NPPES_COUNTING[:2], "Replacement NPI", *(f"Other Provider Identifier_{n}" for n in range(321)), "Last Update Date",
    "NPI Deactivation Reason Code", *NPPES_COUNTING[2:4], NPPES_COUNTING[4], "Certification Date",
)  # fmt: skip
ORDERING = ("NPI", "LAST_NAME", "FIRST_NAME", "PARTB", "DME", "HHA", "PMD", "HOSPICE")


def excluded(**cells: str) -> dict[str, str]:
    """A row of the OIG's list; by default Jane Q Doe, excluded without an NPI."""
    none = dict.fromkeys(("reindate", "waiverdate"), "00000000")
    person = {"lastname": "DOE", "firstname": "JANE", "midname": "Q", "npi": "0000000000", "excldate": "20200101"}
    facts = {"specialty": "FAMILY PRACTICE", "general": "PHYSICIAN (MD, DO)", "dob": "19600102", "city": "ALBANY"}
    return dict.fromkeys(COLUMNS, "") | none | person | facts | {"state": "NY"} | cells


def leie_text(rows: Iterable[Mapping[str, str]]) -> str:
    return _text([name.upper() for name in COLUMNS], ([row[name] for name in COLUMNS] for row in rows))


def nppes_text(rows: Iterable[tuple[str, str, str, str]], columns: tuple[str, ...] = NPPES_COUNTING) -> str:
    """An NPPES file from rows of NPI, entity type, dates of deactivation and reactivation."""
    places = [columns.index(name) for name in NPPES_COUNTING[:4]]
    cells = []
    for row in rows:
        line = [""] * len(columns)
        for place, cell in zip(places, row, strict=True):
            line[place] = cell
        cells.append(line)
    return _text(list(columns), cells)


def ordering_text(npis: Iterable[str]) -> str:
    return _text(list(ORDERING), ([npi, "DOE", "JANE", "Y", "Y", "N", "N", "Y"] for npi in npis))


def put_list(inbox: Path, name: str, text: str) -> Path:
    """Write a list into ``<inbox>/reference/``."""
    path = inbox / "reference" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _text(header: list[str], rows: Iterable[list[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()
