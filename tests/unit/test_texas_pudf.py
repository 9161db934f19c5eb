"""Texas's public use data file: both forms, its quirks, and faults with file, row, rule and what to do."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from click.testing import CliRunner

from hcip_pipeline.commands import synth
from hcip_pipeline.contracts.hospital import LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.texas.folder import find_files
from hcip_pipeline.intake.texas.reading import TexasReceipt, read_texas
from hcip_pipeline.periods import Quarter
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.synthetic.texas_pudf import write_texas_pudf
from tests.texas_files import DISCHARGES, Q1, cell, file_of, spoil
from tests.texas_files import folder as folder
from tests.texas_files import published as published

pytestmark = pytest.mark.slow

Q2 = Quarter(2019, 2)


def read(folder: Path, into: Path, *quarters: Quarter) -> TexasReceipt:
    return read_texas(folder, quarters or [Q1], into, load_reference(None)["apr_drg"])


def discharges(receipt: TexasReceipt) -> pl.DataFrame:
    return pl.concat(pl.read_parquet(path) for path in receipt.parquet("discharges"))


def rows_of(receipt: TexasReceipt, rule: str) -> int:
    return sum(problem.rows or 0 for problem in receipt.problems if problem.rule == rule)


def refusal(folder: Path, into: Path, *quarters: Quarter) -> HcipError:
    with pytest.raises(HcipError) as caught:
        read(folder, into, *quarters)
    assert caught.value.fix
    return caught.value


def test_a_record_of_2019_has_803_characters(published: Path) -> None:
    assert {len(line) for line in file_of(published, "base1").read_text().splitlines()} == {803}


def test_both_forms_give_the_same_rows(published: Path, tmp_path: Path) -> None:
    tab = tmp_path / "tab"
    write_texas_pudf(tab, [Q1], discharges=DISCHARGES, hospitals=3, form="tab")
    assert all(line.endswith("\t") for line in file_of(tab, "charges").read_text().splitlines())
    fixed_rows, tab_rows = read(published, tmp_path / "a"), read(tab, tmp_path / "b")
    for table, key in (("discharges", ["account_no"]), ("charges", ["account_no", "revenue_code", "charge"])):
        frames = []
        for receipt in (fixed_rows, tab_rows):
            (path,) = receipt.parquet(table)
            frames.append(pl.read_parquet(path).drop("source_file", "source_row").sort(key))
        assert frames[0].equals(frames[1], null_equal=True)
        assert frames[0].height == {"discharges": DISCHARGES}.get(table, frames[0].height) > 0
    assert fixed_rows.files[0].form == "fixed width, layout of 2019" and tab_rows.files[0].form == "tab-delimited"


def test_the_tables_follow_the_lakes_contracts_and_keep_every_cent(published: Path, tmp_path: Path) -> None:
    receipt = read(published, tmp_path)
    for table, contract in (("discharges", LAKE_DISCHARGES), ("charges", LAKE_CHARGES)):
        frame = pl.read_parquet(receipt.parquet(table))
        assert tuple(frame.columns) == contract.names
        assert frame.dtypes == [column.polars_type for column in contract.columns]
        assert not any(frame[c.name].null_count() for c in contract.columns if not c.nullable)
    printed = sum(Decimal(line[52:66].strip()) for line in file_of(published, "charges").read_text().splitlines())
    assert pl.read_parquet(receipt.parquet("charges"))["charge"].sum() == printed
    assert discharges(receipt)["total_charges"].sum() == printed


def test_cells_are_read_by_the_publishers_codes(folder: Path, tmp_path: Path) -> None:
    spoil(
        folder,
        "base1",
        1,
        {
            "APR_DRG": "0301", "ILLNESS_SEVERITY": "3", "PAT_STATUS": "06", "LENGTH_OF_STAY": "0000", "SEX_CODE": "`",
            "ATTENDING_PHYSICIAN_UNIF_ID": "9999999998", "OPERATING_PHYSICIAN_UNIF_ID": "9999999999",
            "THCIC_ID": "999998", "DISCHARGE": "2018Q4", "PAT_ZIP": "`", "APR_GROUPER_VERSION_NBR": "036.0",
        },
    )  # fmt: skip
    spoil(folder, "base1", 2, {"APR_DRG": "0955", "ILLNESS_SEVERITY": "0"})
    spoil(folder, "base1", 3, {"APR_DRG": "`", "ATTENDING_PHYSICIAN_UNIF_ID": "0000001234"})
    spoil(folder, "base1", 4, {"APR_DRG": "0299", "ILLNESS_SEVERITY": "1"})  # no such group
    receipt = read(folder, tmp_path / "out")
    first, second, third, fourth = discharges(receipt).sort("source_row").head(4).to_dicts()
    assert (first["apr_drg"], first["severity_of_illness"], first["grouper_version"]) == ("301", "3", "36")
    assert (first["discharge_disposition"], first["length_of_stay"], first["sex"]) == ("06", 1, None)
    assert (first["attending_npi"], first["operating_npi"], first["zip_code"]) == (None, None, None)
    assert (first["discharge_year"], first["submission"]) == (2019, "texas_pudf/2019Q1")  # late: counts in this file
    assert (second["apr_drg"], second["severity_of_illness"], third["apr_drg"], fourth["apr_drg"]) == (None,) * 4
    assert third["attending_npi"] == "0000001234"
    assert rows_of(receipt, "TEXAS-APR-DRG-UNKNOWN") == 1
    hospitals = pl.read_parquet(tmp_path / "out/hospitals.parquet")
    assert hospitals.filter(ccn="999998")["acute"].to_list() == ["N"]
    assert set(hospitals.filter(pl.col("ccn") < "9")["acute"]) == {"Y"}


def test_acute_hospitals_are_recognized_by_the_facility_flags(folder: Path, tmp_path: Path) -> None:
    spoil(folder, "facility", 1, {"FAC_ACUTE_CARE_IND": "", "FAC_PSYCH_IND": "A"})
    lines = file_of(folder, "facility").read_text().splitlines()
    file_of(folder, "facility").write_text("\n".join(lines[:2]) + "\n")
    receipt = read(folder, tmp_path / "out")
    hospitals = pl.read_parquet(tmp_path / "out/hospitals.parquet").filter(pl.col("ccn") < "9").sort("ccn")
    assert hospitals["acute"].to_list() == ["N", "Y", "N"]  # a psychiatric one, an acute one, one that is not listed
    assert rows_of(receipt, "TEXAS-NO-FACILITY") > 0


@pytest.mark.parametrize(
    ("field", "text", "rule"),
    [
        ("RECORD_ID", "", "TEXAS-RECORD-ID"),
        ("THCIC_ID", "12345", "TEXAS-HOSPITAL"),
        ("DISCHARGE", "201901", "TEXAS-DISCHARGE"),
        ("DISCHARGE", "2019Q2", "TEXAS-LATER-QUARTER"),
        ("LENGTH_OF_STAY", "`", "TEXAS-LENGTH-OF-STAY"),
        ("TOTAL_CHARGES", "-5.00", "TEXAS-TOTAL-CHARGES"),
        ("APR_DRG", "1301", "TEXAS-APR-DRG"),
    ],
)
def test_a_faulty_record_is_left_out_with_its_lines_and_counted(
    folder: Path, tmp_path: Path, field: str, text: str, rule: str
) -> None:
    spoil(folder, "base1", 5, {field: text})
    receipt = read(folder, tmp_path / "out")
    (problem,) = [each for each in receipt.problems if each.rule == rule]
    assert (problem.row, problem.rows, problem.file) == (5, 1, file_of(folder, "base1").name)
    base1 = next(file for file in receipt.files if file.table == "base1")
    assert (base1.accepted, base1.error_rows) == (DISCHARGES - 1, 1)
    charges = next(file for file in receipt.files if file.table == "charges")
    assert charges.quarantined > 0 and charges.error_rows == (charges.quarantined if field == "RECORD_ID" else 0)
    quarantine = pl.read_parquet(tmp_path / "out/quarantine_2019Q1.parquet")
    assert rule in set(quarantine["rule"]) and text not in {*quarantine["value"]} - {""}


def test_a_repeated_record_counts_once(folder: Path, tmp_path: Path) -> None:
    spoil(folder, "base1", 7, {"RECORD_ID": cell(folder, "base1", 5, "RECORD_ID")})
    receipt = read(folder, tmp_path / "out")
    assert [(p.rule, p.row) for p in receipt.problems if p.rule == "TEXAS-RECORD-TWICE"] == [("TEXAS-RECORD-TWICE", 7)]
    assert discharges(receipt)["account_no"].n_unique() == discharges(receipt).height == DISCHARGES - 1


def test_faulty_charge_lines_are_counted_by_rule_and_row(folder: Path, tmp_path: Path) -> None:
    spoil(folder, "charges", 1, {"CHRGS_LINE_ITEM": "12.x"})
    spoil(folder, "charges", 2, {"REVENUE_CODE": "`"})
    spoil(folder, "charges", 3, {"RECORD_ID": "000000000000"})
    path = file_of(folder, "charges")
    lines = path.read_text().splitlines()
    lines[3] = lines[3][:-1]
    path.write_text("\n".join([*lines, "", "   "]) + "\n")
    receipt = read(folder, tmp_path / "out")
    for rule, row in {
        "TEXAS-CHARGE": 1, "TEXAS-REVENUE-CODE": 2, "TEXAS-CHARGE-WITHOUT-RECORD": 3, "TEXAS-MALFORMED-ROW": 4,
    }.items():  # fmt: skip
        assert [(p.row, p.rows) for p in receipt.problems if p.rule == rule] == [(row, 1)], rule
    charges = next(file for file in receipt.files if file.table == "charges")
    assert (charges.rows_read, charges.error_rows) == (len(lines), 3)
    assert rows_of(receipt, "TEXAS-CHARGES-DIFFER") == 1
    frame = pl.read_parquet(receipt.parquet("charges"))
    assert frame.filter(source_row=2)["revenue_code"].to_list() == [""]  # its dollars are kept


def test_an_unknown_length_or_header_is_refused(folder: Path, tmp_path: Path) -> None:
    path = file_of(folder, "base1")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line + " " for line in lines) + "\n")
    error = refusal(folder, tmp_path / "out")
    assert (error.rule, error.row) == ("TEXAS-LAYOUT", 1)
    assert "804" in error.message and "803 (2019)" in error.message and "tab-delimited" in error.fix
    path.write_text("RECORD_ID\tDISCHARGE\t\n1\t2019Q1\t\n")
    error = refusal(folder, tmp_path / "out")
    assert error.rule == "TEXAS-LAYOUT" and "APR_DRG" in error.message
    path.write_text("")
    assert refusal(folder, tmp_path / "out").rule == "TEXAS-LAYOUT"


def test_a_file_of_another_quarter_is_refused(folder: Path, tmp_path: Path) -> None:
    for table in ("base1", "base2", "charges", "facility"):
        path = file_of(folder, table)
        path.rename(path.with_name(path.name.replace("1q2019", "2q2019")))
    error = refusal(folder, tmp_path / "out", Q2)
    assert error.rule == "TEXAS-OTHER-QUARTER" and "2019Q1" in error.message
    assert refusal(folder, tmp_path / "out", Q1).rule == "TEXAS-FILE-MISSING"


def test_files_are_found_under_the_names_that_people_give_them(folder: Path, tmp_path: Path) -> None:
    quarter_folder = folder / "2019 Q1"
    quarter_folder.mkdir()
    for table in ("base1", "charges", "facility"):
        file_of(folder, table).rename(quarter_folder / f"IP_{table.upper()}.TXT")
    file_of(folder, "base2").unlink()
    assert set(find_files(folder, [Q1])[Q1]) == {"base1", "charges", "facility"}
    (folder / "base1_1q2019_tab.txt").write_text("x")
    with pytest.raises(HcipError) as caught:
        find_files(folder, [Q1])
    assert caught.value.rule == "TEXAS-FILE-TWICE"
    with pytest.raises(HcipError) as caught:
        find_files(tmp_path / "none", [Q1])
    assert caught.value.rule == "TEXAS-FOLDER"


def test_files_with_the_same_name_in_folders_of_quarters_are_distinguished(tmp_path: Path) -> None:
    folder = tmp_path / "pudf"
    for quarter in (Q1, Q2):
        write_texas_pudf(folder / str(quarter), [quarter], discharges=30, hospitals=2)
        for path in sorted((folder / str(quarter)).iterdir()):
            path.rename(path.with_name(path.name.split("_")[1] + ".txt"))
    with (folder / "2019Q2/base1.txt").open("a") as file:
        file.write("cut\n")
    receipt = read(folder, tmp_path / "out", Q1, Q2)
    assert [(p.file, p.row) for p in receipt.problems if p.severity == "ERROR"] == [("2019Q2/base1.txt", 31)]
    assert [file.error_rows for file in receipt.files if file.table == "base1"] == [0, 1]
    assert set(discharges(receipt)["source_file"]) == {"2019Q1/base1.txt", "2019Q2/base1.txt"}
    assert set(pl.read_parquet(tmp_path / "out/receipts.parquet")["quarter"]) == {"2019Q1", "2019Q2"}


def test_the_command_writes_both_forms(tmp_path: Path) -> None:
    for form in ("fixed", "tab"):
        arguments = [str(tmp_path / form), "--texas-pudf", form, "--start", "2019Q1", "--end", "2019Q2"]
        result = CliRunner().invoke(synth.command, [*arguments, "--discharges-per-year", "80"], catch_exceptions=False)
        assert result.exit_code == 0 and "8 files for 2 quarters" in result.output
        assert discharges(read(tmp_path / form, tmp_path / f"{form}-out", Q1, Q2)).height == 40


def test_windows_line_ends_and_stray_characters_are_read(folder: Path, tmp_path: Path) -> None:
    for table in ("base1", "base2", "charges", "facility"):
        path = file_of(folder, table)
        content = path.read_bytes().replace(b"\n", b"\r\n").replace(b"INVENTED HOSPITAL", b'"INVENTED, "A" ;;')
        path.write_bytes(content.removesuffix(b"\r\n"))
    receipt = read(folder, tmp_path / "out")
    assert discharges(receipt).height == DISCHARGES
    assert not [problem for problem in receipt.problems if problem.severity == "ERROR"]
    spoiled = file_of(folder, "charges")
    content = spoiled.read_bytes()
    spoiled.write_bytes(content[:500] + b"\x01" + content[501:])
    assert refusal(folder, tmp_path / "out").rule == "TEXAS-UNREADABLE"


def test_a_repeated_record_keeps_the_lines_of_the_one_that_counts(folder: Path, tmp_path: Path) -> None:
    twice = cell(folder, "base1", 5, "RECORD_ID")
    spoil(folder, "base1", 5, {"THCIC_ID": "900000"})
    spoil(folder, "base1", 7, {"RECORD_ID": twice, "THCIC_ID": "000001"})
    receipt = read(folder, tmp_path / "out")
    lines = pl.read_parquet(receipt.parquet("charges")).filter(account_no=f"2019Q1-{twice}")
    assert lines.height > 0 and set(lines["hospital_ccn"]) == {"900000"}


def test_names_with_accents_do_not_shift_the_cells(folder: Path, tmp_path: Path) -> None:
    path = file_of(folder, "base1")
    content = path.read_bytes()
    for sign in (b"\xc1", b"\x92", b"\x81"):  # Latin-1, Windows-1252, neither
        path.write_bytes(content.replace(b"INVENTED HOSPITAL 1", b"INVENTED HOSPIT" + sign + b"L 1"))
        receipt = read(folder, tmp_path / "out")
        assert discharges(receipt).height == DISCHARGES
        assert ("in Latin-1" if sign == b"\xc1" else "in Windows-1252") in receipt.files[2].form, receipt.files


def test_the_generator_writes_the_same_bytes_again(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_texas_pudf(tmp_path / name, [Q1, Q2], discharges=40)
    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
