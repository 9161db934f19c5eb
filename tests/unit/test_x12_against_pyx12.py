"""Bills are read as pyx12 reads them, and pyx12 finds the synthetic bills valid.

``HCIP_X12_CLAIMS=500`` generates that many claims; the default is a few of every form.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.intake.hospital.submission_database import SubmissionDatabase
from hcip_pipeline.intake.x12.claims import find_bills, lines_of
from hcip_pipeline.intake.x12.envelope import copy_segments
from hcip_pipeline.intake.x12.payers import PAYER_OF
from hcip_pipeline.intake.x12.segments import load_segments
from hcip_pipeline.synthetic.x12_files import write_bills
from tests.bills import claim, interchange, patient, typed
from tests.generated_bills import files
from tests.pyx12_claims import claims, is_valid

pytestmark = pytest.mark.slow

SAMPLES = Path(__file__).parents[2].parent / "shared" / "data" / "formats" / "x12_837i"
GENERATED = int(os.environ.get("HCIP_X12_CLAIMS", "60"))


@pytest.fixture(scope="module")
def database() -> Iterator[SubmissionDatabase]:
    database = SubmissionDatabase()
    yield database
    database.close()


def read(database: SubmissionDatabase, path: Path, scratch: Path) -> list[dict[str, Any]]:
    """Our reading in pyx12's terms."""
    copy = scratch / "copy.txt"
    with copy.open("wb") as target:
        file = copy_segments(path, target, 0)
    assert file.problem is None, file.problem
    assert load_segments(database, copy, [file]) == []
    find_bills(database)
    found = database.con.execute("select * from raw_bills order by row")
    names = [column[0] for column in found.description or ()]
    bills = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    lines: dict[int, list[tuple[str, float, str, str]]] = {}
    of_all = lines_of("select row, account_no, first_day from raw_bills")
    for row, code, charge, units, day in database.con.execute(
        f"select claim, revenue_code, charge, units, service_date from ({of_all}) order by row"
    ).fetchall():
        lines.setdefault(row, []).append((code, float(charge), units, day))
    assert all(bill["is_in_order"] for bill in bills)
    return [bill | {"total": float(bill["total"]), "lines": lines.get(bill["row"], [])} for bill in bills]


def assert_agree(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs) > 0
    for mine, other in zip(ours, theirs, strict=True):
        indicator = other.pop("indicator")
        expected = other | {"primary_payer": PAYER_OF.get(indicator, indicator)}
        assert {name: mine[name] or "" for name in expected} == expected


@pytest.mark.parametrize("seed, text", [pytest.param(*made, id=f"file {made[0]}") for made in files(GENERATED)])
def test_generated_bills_are_read_alike(database: SubmissionDatabase, tmp_path: Path, seed: int, text: str) -> None:
    path = tmp_path / "bills.837"
    path.write_text(text, encoding="ascii", newline="")
    assert_agree(read(database, path, tmp_path), claims(text))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="the samples are not next to the checkout")
@pytest.mark.parametrize("name", sorted(path.name for path in SAMPLES.glob("*.837i")) if SAMPLES.is_dir() else [])
def test_samples_are_read_alike(database: SubmissionDatabase, tmp_path: Path, name: str) -> None:
    text = (SAMPLES / name).read_text(encoding="ascii").rstrip()
    ours = read(database, SAMPLES / name, tmp_path)
    # pyx12 only has the map of A2, in which these claims have the same segments, and uses the component separator in
    # ISA16; one of the samples uses a different one than it declares there.
    assert_agree(ours, claims(text.replace("005010X223A3", "005010X223A2")))


def test_pyx12_finds_what_is_wrong() -> None:
    text = interchange(patient(), claim())
    assert is_valid(text)
    assert not is_valid(text.replace("CL1*3*1*01~\n", "").replace("SE*", "SE*1"))


def stays() -> dict[str, pl.DataFrame]:
    """Stays of every kind among the synthetic bills: replaced, with late charges, a newborn, without physicians."""
    rows = []
    for number, nature in enumerate(("3", "4", "5", "2", "1", "6", None), start=40):
        rows.append(
            {
                "hospital_ccn": "210043", "account_no": str(100 + number), "patient_id": "P1",
                "birth_date": "1960-02-03", "sex": "F", "zip_code": "21216",
                "admit_date": "2025-01-02", "discharge_date": "2025-01-05",
                "nature_of_admission": nature, "source_of_admission": "0D", "discharge_disposition": "01",
                "primary_payer": "14", "attending_npi": None if number == 41 else "1234567893",
                "operating_npi": "1234567893" if number == 42 else None, "principal_diagnosis": "M1611",
                "diagnoses": "|".join(["I10:Y", "E119"] * 8) if number == 43 else "I10:N" if number == 44 else None,
                "procedures": "0SR90JZ:2025-01-02|3E03317:2025-01-03" if number % 2 else None, "grouper_version": "42",
                "apr_drg": "301", "severity_of_illness": "1", "risk_of_mortality": "1", "hac_flags": None,
                "total_charges": "30.30", "reported_cost": None,
            }
        )  # fmt: skip
    rows.append(rows[0] | {"account_no": "197"})
    lines = [
        {"hospital_ccn": "210043", "account_no": row["account_no"], "revenue_code": code, "service_date": "2025-01-02",
         "units": "2", "charge": charge}
        for row in rows for code, charge in (("0120", "10.10"), ("0250", "20.20"))
    ]  # fmt: skip
    made = {}
    for table, content in ((DISCHARGES, rows), (CHARGES, lines)):
        made[table.name] = typed(pl.DataFrame(content, schema=dict.fromkeys(table.names, pl.String)), table)
    return made


def test_synthetic_bills_are_valid_and_read_alike(database: SubmissionDatabase, tmp_path: Path) -> None:
    write_bills(tmp_path, stays(), "2025-04-01T06:00:00")
    text = (tmp_path / "bills.837").read_text(encoding="ascii")
    assert is_valid(text)
    ours = read(database, tmp_path / "bills.837", tmp_path)
    assert_agree(ours, claims(text))
    assert [bill["frequency"] for bill in ours].count("7") == 1
    assert [bill["frequency"] for bill in ours].count("5") == 1
