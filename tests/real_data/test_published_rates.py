"""`hcip rates` on data from CMS's own files, in CMS's layout; skipped if the data are not available."""

from __future__ import annotations

import csv
import gzip
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.reference.cost_reports import read_cost_reports
from hcip_pipeline.reference.visit_fees import read_per_diems
from tests.unit.test_published_rates import HEADER

RATES = Path(__file__).parents[2].parent / "shared" / "data" / "rates"

pytestmark = pytest.mark.skipif(not RATES.is_dir(), reason="the public rates are not next to the checkout")

#: worksheet of a fact -> its name in an NMRC file
_SHEETS = {"C Pt I": "C000001", "E Pt A": "E00A18A"}


def _date(text: str) -> str:
    month, day, year = text.split("/")
    return f"{int(month):02d}/{int(day):02d}/{year}"


@pytest.fixture
def cost_reports(tmp_path: Path) -> tuple[Path, Path]:
    """RPT and NMRC files of the available Maryland reports."""
    rpt, nmrc = tmp_path / "HOSP10_MD_RPT.CSV", tmp_path / "HOSP10_MD_NMRC.CSV"
    reports: dict[str, str] = {}
    with gzip.open(RATES / "hcris_md.csv.gz", "rt", encoding="utf-8") as facts, nmrc.open("w", newline="") as out:
        for row in csv.DictReader(facts):
            begins, ends = _date(row["fy_begin"]), _date(row["fy_end"])
            report = row["rpt_rec_num"]
            reports[report] = (
                f"{report},2,{row['ccn']},,1,{begins},{ends},11/20/2021,N,N,,1,4,11/19/2021,F,,,1/1/2021\n"
            )
            if row["worksheet"] in _SHEETS and row["column"]:
                cell = f"{int(row['line']):03d}00,{int(row['column']):03d}00"
                out.write(f"{report},{_SHEETS[row['worksheet']]},{cell},{row['value']}\n")
    rpt.write_text("".join(reports.values()))
    return rpt, nmrc


def test_ratios_of_cost_to_charges_are_those_of_the_reports(cost_reports: tuple[Path, Path]) -> None:
    found = read_cost_reports(cost_reports).frame.filter(pl.col("rate_center") == "ALL")
    theirs: dict[str, set[Decimal]] = {}
    shares: dict[str, set[Decimal]] = {}
    with (RATES / "hcris_md_wide.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if not (row["total_costs"] and row["total_charges"]):
                continue
            costs, charges = Decimal(row["total_costs"]), Decimal(row["total_charges"])
            theirs.setdefault(row["ccn"], set()).add((costs / charges).quantize(Decimal("1e-8"), ROUND_HALF_UP))
            shares.setdefault(row["ccn"], set()).add(Decimal(row["dsh_percentage"] or 0))
    assert found.height > 200 and found["hospital_ccn"].n_unique() > 50
    for ccn, ratio, dsh in found.select("hospital_ccn", "cost_to_charge", "dsh").iter_rows():
        assert ratio in theirs[ccn], (ccn, ratio)
        assert dsh in shares[ccn], (ccn, dsh)


def test_fees_are_those_that_were_published(tmp_path: Path) -> None:
    """Units, indices and factor of each year and locality, in files of CMS's layout, give the published amounts."""
    by_place: dict[tuple[str, str, str], dict[str, dict[str, str]]] = {}
    with (RATES / "per_diem.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            key = (row["year"], row["locality"], row["conversion_factor"])
            by_place.setdefault(key, {})[row["level"]] = row
    checked = 0
    for (year, _, factor), levels in by_place.items():
        if set(levels) != {"1", "2", "3"} or not all(row["work_rvu"] and row["gpci_w"] for row in levels.values()):
            continue
        rvu, gpci = tmp_path / f"PPRRVU{year}.csv", tmp_path / f"GPCI{year}.csv"
        with rvu.open("w", newline="") as out:
            out.write("\n".join(line.replace("{more}", "") for line in HEADER) + "\n")
            for level, row in levels.items():
                units = [row["work_rvu"], row["pe_rvu"], "", row["pe_rvu"], "", row["mp_rvu"]]
                csv.writer(out).writerow([f"9923{level}", "", "visit", "A", "", *units, *[""] * 13, factor, *[""] * 6])
        one = levels["1"]
        indices = f"{one['gpci_w']},{one['gpci_pe']},{one['gpci_mp']}"
        gpci.write_text(f"MAC,State,Locality Number,Locality Name,PW GPCI,PE GPCI,MP GPCI\n1,XX,01,HERE,{indices}\n")
        found = read_per_diems(rvu, gpci, int(year), "here")
        amounts = [levels[level]["amount"] for level in ("1", "2", "3", "3")]
        assert [str(amount) for amount in found["amount"]] == amounts, (year, one["locality"])
        checked += 1
    assert checked > 15
