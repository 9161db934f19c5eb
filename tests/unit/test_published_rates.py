"""``hcip rates``: cost reports and the fee schedule become reference tables that the intake accepts, exactly."""

from __future__ import annotations

import csv
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.contracts.reference import COST_FACTORS, PER_DIEM
from hcip_pipeline.reference.rules import ROW_RULES, check_whole_table
from hcip_pipeline.tables.contract_columns import read_contract_table

RPT = "{report},2,{ccn},,{status},07/01/2020,{ends},11/20/2021,N,N,,12345,4,11/19/2021,F,,,11/18/2021\n"
#: report, worksheet, line, column, value: two cost centers of supplies, one without charges, and the totals
NMRC = """\
1,C000001,03000,00500,1000
1,C000001,03000,00600,1500
1,C000001,07100,00500,200
1,C000001,07100,00600,300
1,C000001,07100,00700,100
1,C000001,07200,00500,100
1,C000001,07200,00600,200
1,C000001,05000,00500,77
1,C000001,20200,00500,3000
1,C000001,20200,00600,5000
1,C000001,20200,00700,2000
1,E00A18A,00100,00100,900
1,E00A18A,00102,00100,100
1,E00A18A,02900,00100,55
1,E00A18A,03300,00100,0.0825
2,C000001,20200,00500,1
2,C000001,20200,00800,3
3,C000001,20200,00500,400
3,C000001,20200,00600,1000
"""


def hcip(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    code = 0
    try:
        cli.main(["rates", *arguments])
    except SystemExit as done:
        code = int(done.code or 0)
    stated = capsys.readouterr()
    return code, stated.out, stated.err


@pytest.fixture
def cost_reports(tmp_path: Path) -> tuple[Path, Path]:
    rpt, nmrc = tmp_path / "HOSP10_2021_RPT.CSV", tmp_path / "HOSP10_2021_NMRC.CSV"
    rpt.write_text(
        RPT.format(report=1, ccn="080001", status=1, ends="06/30/2021")
        + RPT.format(report=2, ccn="080001", status=1, ends="12/31/2020")  # same rate year, but older
        + RPT.format(report=3, ccn="80002", status=1, ends="12/31/2020")  # a leading zero that a spreadsheet has taken
    )
    nmrc.write_text(NMRC)
    return rpt, nmrc


def test_cost_reports_become_cost_factors(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cost_reports: tuple[Path, Path]
) -> None:
    out = tmp_path / "cost_factors.csv"
    code, _, stated = hcip(capsys, "hcris", *map(str, cost_reports), "--out", str(out))
    assert code == 0, stated
    assert "left out: 080001 OR 2021" in stated and "2 hospitals, 4 rows" in stated
    frame = read_contract_table(out, COST_FACTORS, ROW_RULES["cost_factors"]).frame
    ratios = {(row[0], row[1]): row[2:] for row in frame.select(
        "hospital_ccn", "rate_center", "rate_year", "cost_to_charge", "labor_market", "ime", "dsh"
    ).iter_rows()}  # fmt: skip
    one, teaching, dsh = Decimal(1), Decimal("0.055"), Decimal("0.0825")
    assert ratios == {
        ("080001", "ALL"): (2021, Decimal("0.42857143"), one, teaching, dsh),
        ("080001", "MSG"): (2021, Decimal("0.66666667"), one, teaching, dsh),
        ("080001", "MSS"): (2021, Decimal("0.5"), one, teaching, dsh),
        ("080002", "ALL"): (2021, Decimal("0.4"), one, Decimal(0), Decimal(0)),
    }
    code, _, stated = hcip(capsys, "hcris", *map(str, cost_reports), "--out", str(out))
    assert code == 1 and "already exists" in stated


def test_cost_reports_may_be_in_their_archive(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cost_reports: tuple[Path, Path]
) -> None:
    archive = tmp_path / "HOSP10FY2021.zip"
    with zipfile.ZipFile(archive, "w") as out:
        for path in cost_reports:
            out.write(path, path.name)
        out.writestr("HOSP10_2021_ALPHA.CSV", "1,S200001,00100,00100,X\n")
    code, stated, _ = hcip(capsys, "hcris", str(archive), "--hospital", "080002")
    assert (
        code == 0 and len(stated.splitlines()) == 2 and stated.splitlines()[1].startswith("080002,ALL,2021,,0.40000000")
    )


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("RPT",), "there is no NMRC file"),
        (("NMRC",), "there is no RPT file"),
        (("notes.txt",), "is not an RPT or NMRC file"),
    ],
)
def test_incomplete_cost_reports_are_refused(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    cost_reports: tuple[Path, Path],
    names: tuple[str, ...],
    words: str,
) -> None:
    files = [next((path for path in cost_reports if name in path.name), tmp_path / name) for name in names]
    for file in files:
        file.touch()
    code, _, stated = hcip(capsys, "hcris", *map(str, files))
    assert code == 2 and words in stated and "Traceback" not in stated


def test_shipped_fees_of_a_locality_are_a_per_diem_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "per_diem.csv"
    code, _, stated = hcip(capsys, "pfs", "--locality", "12302-01", "--out", str(out))
    assert code == 0, stated
    frame = read_contract_table(out, PER_DIEM).frame
    check_whole_table("per_diem", frame, out)
    amounts = dict(frame.filter(pl.col("year") == 2025).select("severity", "amount").iter_rows())
    assert amounts["3"] == amounts["4"] > amounts["2"] > amounts["1"]
    assert set(frame["year"]) == set(range(2020, 2026))  # 2026 was not published for Maryland's localities
    code, _, stated = hcip(capsys, "pfs", "--locality", "Baltimore, or so")
    assert code == 2 and "12302-01 Baltimore" in stated


#: The last two rows of the header of CMS's RVU files; the file of another year has one column more before the base.
HEADER = (
    ",,,STATUS,MEDICARE,WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,INTRA,POST,MULT,BILAT,ASST,"
    "CO-,TEAM,{more}ENDO,CONV,DIAGNOSTIC,CALCULATION,FAMILY,PAYMENT,PAYMENT,PAYMENT",
    "HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,"
    "SURG,SURG,SURG,SURG,{more}BASE,FACTOR,PROCEDURES,FLAG,INDICATOR,AMOUNT,AMOUNT,AMOUNT",
)


def rvu_file(path: Path, *, more: str = "", factor: float = 32.3465) -> Path:
    """A file as CMS lays it out: titles, a header of two rows, services with and without a modifier."""
    rows = [[",,2025 National Physician Fee Schedule"], *([cell] for cell in HEADER)]
    text = "\n".join(row[0].replace("{more}", more) for row in rows) + "\n"
    with path.open("w", newline="") as file:
        file.write(text)
        for code, work, practice, malpractice in (
            ("99231", 1, 0.36, 0.07),
            ("99232", 1.59, 0.62, 0.11),
            ("99233", 2.4, 0.93, 0.2),
        ):
            cells = f"{code},,visit,A,,{work},{practice},,{practice},,{malpractice},2,2,0,XXX,0,0,0,0,0,0,0,0".split(
                ","
            )
            cells += [*([""] if more else []), "", factor, "09", "0", "99", "0", "0", "0"]
            csv.writer(file).writerows([[*cells[:1], "26", *cells[2:]], cells])
    return path


@pytest.mark.parametrize("more", ["", "PRIC,"], ids=["31 columns", "32 columns"])
def test_fees_are_computed_from_units_indices_and_the_factor(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: str
) -> None:
    rvu, gpci = rvu_file(tmp_path / "PPRRVU2025.csv", more=more), tmp_path / "GPCI2025.csv"
    gpci.write_text(
        "ADDENDUM E\n"
        "Medicare Administrative Contractor (MAC),State,Locality Number,Locality Name,"
        "2025 PW GPCI (without 1.0 Floor),2025 PW GPCI (with 1.0 Floor),2025 PE GPCI,2025 MP GPCI\n"
        "12102,DE,01,DELAWARE*,0.998,1.000,1.010,1.035\n12302,MD,01,BALTIMORE/SURR. CNTYS,1.021,1.021,1.064,1.269\n"
    )
    arguments = ("pfs", "--rvu", str(rvu), "--gpci", str(gpci), "--year", "2025", "--locality")
    code, stated, err = hcip(capsys, *arguments, "12102-01")
    assert code == 0, err
    amounts = [row["amount"] for row in csv.DictReader(stated.splitlines())]
    # (1 × 1.000 + 0.36 × 1.010 + 0.07 × 1.035) × 32.3465 = 46.4513…
    assert amounts == ["46.45", "75.37", "114.71", "114.71"]
    code, stated, _ = hcip(capsys, *arguments, "Delaware", "--conversion-factor", "10", "--levels", "1,1,1,1")
    assert code == 0 and [row["amount"] for row in csv.DictReader(stated.splitlines())] == ["14.36"] * 4
    code, _, stated = hcip(capsys, *arguments, "Atlantis")
    assert code == 1 and "0 localities are called" in stated
    code, _, stated = hcip(capsys, "pfs", "--rvu", str(rvu), "--locality", "12102-01")
    assert code == 2 and "belong together" in stated


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.replace("CONV,", "X,"), "no column CONV FACTOR"),
        (lambda text: text.replace("HCPCS,MOD", "CODE,MOD"), "no column WORK RVU"),
        (lambda text: text.replace("32.3465", "9"), "9 dollars per unit is not a conversion factor"),
        (lambda text: "", "no column WORK RVU"),
    ],
    ids=["another header", "no header", "another column's number", "an empty file"],
)
def test_an_rvu_file_of_another_layout_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[str], str], words: str
) -> None:
    rvu, gpci = rvu_file(tmp_path / "PPRRVU2025.csv"), tmp_path / "GPCI2025.csv"
    rvu.write_text(spoil(rvu.read_text()))
    gpci.write_text("MAC,State,Locality Number,Locality Name,PW GPCI,PE GPCI,MP GPCI\n12102,DE,01,DELAWARE,1,1,1\n")
    arguments = ("--rvu", str(rvu), "--gpci", str(gpci), "--year", "2025", "--locality", "12102-01")
    code, stated, err = hcip(capsys, "pfs", *arguments)
    assert code == 1 and words in err and not stated and "Traceback" not in err
