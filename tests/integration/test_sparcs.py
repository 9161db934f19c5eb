"""The SPARCS adapter on small invented files in the spellings of several years."""

from __future__ import annotations

import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.contracts.hospital import LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.contracts.reference import APR_DRG, HOSPITALS
from hcip_pipeline.contracts.run import RECEIPTS
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.intake.sparcs import read_sparcs
from hcip_pipeline.intake.sparcs_columns import read_header
from hcip_pipeline.received_files import SPARCS
from hcip_pipeline.study.sparcs_study import run_sparcs_study
from tests.sparcs_files import ROW, row, write

pytestmark = pytest.mark.slow


def table(folder: Path, name: str) -> pl.DataFrame:
    return pl.read_parquet(folder / f"{name}.parquet")


def assert_follows(frame: pl.DataFrame, contract: Table) -> None:
    assert tuple(frame.columns) == contract.names
    assert frame.dtypes == [column.polars_type for column in contract.columns]
    for column in contract.columns:
        if not column.nullable:
            assert frame[column.name].null_count() == 0, column.name


def quarantined(folder: Path) -> list[tuple[int, str, str, str]]:
    return table(folder, "quarantine").select("row", "column", "rule", "value").rows()


class TestSpellings:
    def test_the_2016_file_becomes_the_lakes_tables(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [ROW])
        receipt = read_sparcs(file, 2016, tmp_path / "out")
        discharges = table(tmp_path / "out", "discharges")
        assert_follows(discharges, LAKE_DISCHARGES)
        assert_follows(table(tmp_path / "out", "charges"), LAKE_CHARGES)
        only = discharges.row(0, named=True)
        assert {key: value for key, value in only.items() if value is not None} == {
            "hospital_ccn": "214",
            "account_no": "000000002",
            "sex": "F",
            "zip_code": "142",
            "nature_of_admission": "5",
            "discharge_disposition": "01",
            "attending_npi": "200001",
            "operating_npi": "200002",
            "grouper_version": "SPARCS-2016",
            "apr_drg": "301",
            "severity_of_illness": "2",
            "risk_of_mortality": "1",
            "total_charges": Decimal("41000.50"),
            "reported_cost": Decimal("20500.25"),
            "discharge_year": 2016,
            "length_of_stay": 3,
            "identifier_type": "LICENSE",
            "submission": "sparcs/2016",
            "source_file": "a.csv",
            "source_row": 2,
        }
        assert table(tmp_path / "out", "charges").is_empty()
        assert receipt.has_license_numbers
        assert (receipt.rows_read, receipt.accepted, receipt.quarantined, receipt.hospitals) == (1, 1, 0, 1)
        assert receipt.problems == ()
        assert receipt.ignored_columns == ()

    def test_references_come_from_the_file(self, tmp_path: Path) -> None:
        rows = [
            ROW,
            row(Facility_Name="Lakeside Hosp"),
            row(APR_DRG_Code="45", APR_DRG_Description="CVA w infarct", APR_MDC_Code="1",
                APR_Medical_Surgical_Description="Medical", APR_MDC_Description="Nervous System"),
            ROW,
        ]  # fmt: skip
        read_sparcs(write(tmp_path / "a.csv", rows), 2016, tmp_path / "out")
        hospitals, apr_drg = table(tmp_path / "out", "hospitals"), table(tmp_path / "out", "apr_drg")
        assert_follows(hospitals, HOSPITALS)
        assert_follows(apr_drg, APR_DRG)
        assert hospitals.rows() == [("214", "Lakeside Hospital", "Y", "Erie", None, None)]
        assert apr_drg.rows() == [
            ("SPARCS-2016", "045", "Cva W Infarct", "01", "M", "Nervous System"),
            ("SPARCS-2016", "301", "Hip Joint Replacement", "08", "P", "Musculoskeletal System"),
        ]

    @pytest.mark.parametrize("facility", ["Facility ID", "facility_id", "Permanent Facility Id"])
    def test_any_years_names_and_the_apis_names(self, tmp_path: Path, facility: str) -> None:
        snake = {name: name.lower().replace(" - ", "_").replace(" ", "_") for name in ROW}
        names = (snake if facility == "facility_id" else {}) | {"Facility Id": facility}
        receipt = read_sparcs(write(tmp_path / "a.csv", [ROW], names), 2016, tmp_path / "out")
        assert (receipt.accepted, receipt.ignored_columns) == (1, ())

    def test_2009_money_with_commas_and_stays_cut_at_120(self, tmp_path: Path) -> None:
        old = row(
            Discharge_Year="2009", Total_Charges="$1,241,000.50", Total_Costs="$620,500.25", Length_of_Stay="120 +"
        )
        receipt = read_sparcs(write(tmp_path / "a.csv.gz", [old]), 2009, tmp_path / "out")
        only = table(tmp_path / "out", "discharges").row(0, named=True)
        assert (only["total_charges"], only["reported_cost"]) == (Decimal("1241000.50"), Decimal("620500.25"))
        assert only["length_of_stay"] == 120
        assert receipt.rule_counts == {"SPARCS-LENGTH-OF-STAY-TOP-CODED": 1}

    def test_a_later_year_without_licence_numbers_and_severity_as_a_word(self, tmp_path: Path) -> None:
        names: dict[str, str | None] = {
            "Facility Id": "Permanent Facility Id",
            "APR Severity of Illness Code": None,
            "APR Severity of Illness Description": "APR Severity of Illness",
            "APR Medical Surgical Description": "APR Medical Surgical",
            "Attending Provider License Number": None,
            "Operating Provider License Number": None,
            "Abortion Edit Indicator": None,
            "CCS Diagnosis Code": "CCSR Diagnosis Code",
        }
        words = ("Minor", "moderate", "MAJOR", "Extreme ")
        rows = [row(Discharge_Year="2021", APR_Severity_of_Illness_Description=word) for word in words]
        receipt = read_sparcs(write(tmp_path / "a.csv", rows, names), 2021, tmp_path / "out")
        discharges = table(tmp_path / "out", "discharges")
        assert discharges["severity_of_illness"].to_list() == ["1", "2", "3", "4"]
        assert discharges["attending_npi"].null_count() == discharges["operating_npi"].null_count() == 4
        assert not receipt.has_license_numbers
        assert receipt.problems == ()
        assert receipt.grouper_version == "SPARCS-2021"

    def test_codes_that_passed_through_a_data_frame(self, tmp_path: Path) -> None:
        floats = row(
            Facility_Id="000214.0", APR_DRG_Code="5.0", APR_MDC_Code="0.0", APR_Severity_of_Illness_Code="3.0",
            Length_of_Stay="7.0", Discharge_Year="2016.0", Attending_Provider_License_Number=" 200001.0",
            Operating_Provider_License_Number="0.0", Total_Costs="20500.254999999997",
        )  # fmt: skip
        receipt = read_sparcs(write(tmp_path / "a.csv", [floats]), 2016, tmp_path / "out")
        only = table(tmp_path / "out", "discharges").row(0, named=True)
        assert (only["hospital_ccn"], only["apr_drg"], only["severity_of_illness"]) == ("214", "005", "3")
        assert (only["length_of_stay"], only["reported_cost"]) == (7, Decimal("20500.25"))
        assert (only["attending_npi"], only["operating_npi"]) == ("200001", None)
        assert table(tmp_path / "out", "apr_drg")["mdc"].to_list() == [None]
        assert receipt.rule_counts == {"SPARCS-NO-OPERATING": 1}

    @pytest.mark.parametrize(
        ("label", "code"),
        [
            ("Short-term Hospital", "02"),
            ("SHORT-TERM  HOSPITAL", "02"),
            ("Cancer Center or Childrens Hospital", "05"),
            ("Hospice - Medical Facility", "51"),
            ("Expired", "20"),
            ("Admitted from Ambulatory Surgery", ""),
        ],
    )
    def test_dispositions_by_label(self, tmp_path: Path, label: str, code: str) -> None:
        receipt = read_sparcs(write(tmp_path / "a.csv", [row(Patient_Disposition=label)]), 2016, tmp_path / "out")
        assert table(tmp_path / "out", "discharges")["discharge_disposition"].to_list() == [code]
        assert ("SPARCS-DISPOSITION" in receipt.rule_counts) == (code == "")

    def test_a_stay_of_no_days_counts_one(self, tmp_path: Path) -> None:
        read_sparcs(write(tmp_path / "a.csv", [row(Length_of_Stay="0")]), 2016, tmp_path / "out")
        assert table(tmp_path / "out", "discharges")["length_of_stay"].to_list() == [1]

    def test_windows_line_ends_a_byte_order_mark_and_an_index_column(self, tmp_path: Path) -> None:
        plain = write(tmp_path / "a.csv", [ROW]).read_text().splitlines()
        (tmp_path / "a.csv").write_bytes(("\ufeff," + plain[0] + "\r\n0," + plain[1] + "\r\n").encode())
        receipt = read_sparcs(tmp_path / "a.csv", 2016, tmp_path / "out")
        assert receipt.accepted == 1
        assert receipt.ignored_columns == ("",)
        assert table(tmp_path / "out", "discharges")["reported_cost"].to_list() == [Decimal("20500.25")]


class TestEdits:
    @pytest.mark.parametrize(
        ("changes", "rule", "column", "redacted"),
        [
            ({"Facility_Id": ""}, "SPARCS-FACILITY-REDACTED", "facility_id", ""),
            ({"Facility_Id": "Lake 7"}, "SPARCS-FACILITY-ID", "facility_id", "AAAA 9"),
            ({"Discharge_Year": "2015"}, "SPARCS-OTHER-YEAR", "discharge_year", "9999"),
            ({"Discharge_Year": "MMXVI"}, "SPARCS-DISCHARGE-YEAR", "discharge_year", "AAAAA"),
            ({"APR_DRG_Code": "1301"}, "SPARCS-APR-DRG", "apr_drg", "9999"),
            ({"APR_Severity_of_Illness_Code": "7", "APR_Severity_of_Illness_Description": "Dire"},
             "SPARCS-SEVERITY", "severity", "9"),
            ({"APR_Medical_Surgical_Description": "Not Applicable"}, "SPARCS-DRG-TYPE", "drg_type", "AAA AAAAAAAAAA"),
            ({"Length_of_Stay": "-2"}, "SPARCS-LENGTH-OF-STAY", "length_of_stay", "-9"),
            ({"Total_Charges": "-41000.50"}, "SPARCS-TOTAL-CHARGES", "total_charges", "-99999.99"),
            ({"Total_Costs": "20.500,25"}, "SPARCS-TOTAL-COSTS", "total_costs", "99.999,99"),
            ({"Total_Costs": ""}, "SPARCS-TOTAL-COSTS", "total_costs", ""),
            ({"Facility_Id": "", "APR_DRG_Code": "", "Discharge_Year": "", "Total_Costs": "1"},
             "SPARCS-NOT-A-DISCHARGE", "", ""),
        ],
    )  # fmt: skip
    def test_an_error_quarantines_the_row(
        self, tmp_path: Path, changes: dict[str, str], rule: str, column: str, redacted: str
    ) -> None:
        receipt = read_sparcs(write(tmp_path / "a.csv", [ROW, row(**changes), ROW]), 2016, tmp_path / "out")
        assert quarantined(tmp_path / "out") == [(3, column, rule, redacted)]
        assert table(tmp_path / "out", "discharges")["source_row"].to_list() == [2, 4]
        assert (receipt.rows_read, receipt.accepted, receipt.quarantined) == (3, 2, 1)
        assert receipt.rule_counts == {rule: 1}
        assert receipt.problems[0].severity == "ERROR"

    def test_a_row_that_breaks_two_rules_is_one_row(self, tmp_path: Path) -> None:
        receipt = read_sparcs(
            write(tmp_path / "a.csv", [ROW, row(Total_Costs="n/a", Total_Charges="n/a")]), 2016, tmp_path / "out"
        )
        assert (receipt.rows_read, receipt.accepted, receipt.quarantined) == (2, 1, 1)
        assert len(quarantined(tmp_path / "out")) == 2

    def test_ungroupable_discharges_have_no_severity(self, tmp_path: Path) -> None:
        rows = [
            row(APR_DRG_Code=drg, APR_Severity_of_Illness_Code="0", APR_Severity_of_Illness_Description="",
                APR_Medical_Surgical_Description="Not Applicable")
            for drg in ("956", "")
        ]  # fmt: skip
        receipt = read_sparcs(write(tmp_path / "a.csv", rows), 2016, tmp_path / "out")
        discharges = table(tmp_path / "out", "discharges")
        assert discharges.select("apr_drg", "severity_of_illness").rows() == [("956", None), (None, None)]
        assert receipt.quarantined == 0

    @pytest.mark.parametrize(
        ("changes", "rule"),
        [
            ({"Attending_Provider_License_Number": ""}, "SPARCS-NO-ATTENDING"),
            ({"Operating_Provider_License_Number": "00000000"}, "SPARCS-NO-OPERATING"),
            ({"Total_Costs": "4100.04"}, "SPARCS-COST-TO-CHARGE"),
            ({"Total_Costs": "61500.76"}, "SPARCS-COST-TO-CHARGE"),
        ],
    )
    def test_a_warning_keeps_the_row(self, tmp_path: Path, changes: dict[str, str], rule: str) -> None:
        receipt = read_sparcs(write(tmp_path / "a.csv", [ROW, row(**changes)]), 2016, tmp_path / "out")
        assert receipt.accepted == 2
        assert receipt.rule_counts == {rule: 1}

    def test_one_drg_in_two_categories_takes_the_more_frequent(self, tmp_path: Path) -> None:
        receipt = read_sparcs(write(tmp_path / "a.csv", [row(APR_MDC_Code="4"), ROW, ROW]), 2016, tmp_path / "out")
        assert table(tmp_path / "out", "apr_drg")["mdc"].to_list() == ["08"]
        assert receipt.rule_counts == {"SPARCS-DRG-SEVERAL-MDC": 1}

    def test_lines_that_are_no_rows_keep_the_numbers_of_the_others(self, tmp_path: Path) -> None:
        lines = write(tmp_path / "a.csv", [ROW] * 6).read_text().splitlines()
        lines[1] += ",one,cell,too,many"
        lines[4] = "Source: an invented publisher"
        lines[5] = lines[5].rpartition(",")[0]
        (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
        receipt = read_sparcs(tmp_path / "a.csv", 2016, tmp_path / "out")
        malformed = "SPARCS-MALFORMED-ROW"
        assert quarantined(tmp_path / "out") == [(line, "", malformed, "") for line in (2, 5, 6)]
        assert table(tmp_path / "out", "discharges")["source_row"].to_list() == [3, 4, 7]
        assert (receipt.rows_read, receipt.accepted, receipt.quarantined) == (6, 3, 3)

    def test_rows_and_charges_reconcile_by_facility(self, tmp_path: Path) -> None:
        rows = [
            ROW,
            row(Facility_Id=""),
            row(Facility_Id="7", Total_Costs="?"),
            row(Facility_Id="7"),
            row(Total_Charges="?"),
        ]
        file = write(tmp_path / "a.csv", rows)
        file.write_text(file.read_text() + "Source: an invented publisher\n")
        read_sparcs(file, 2016, tmp_path / "out")
        received = table(tmp_path / "out", "receipts")
        assert_follows(received, RECEIPTS)
        assert received.drop("quarter").rows() == [
            ("214", 2, 1, Decimal("41000.50"), Decimal("0.00")),
            ("7", 2, 1, Decimal("82001.00"), Decimal("41000.50")),
            ("UNKNOWN", 2, 2, Decimal("41000.50"), Decimal("41000.50")),
        ]


class TestRefusals:
    def refusal(self, file: Path, year: int = 2016) -> HcipError:
        with pytest.raises(HcipError) as caught:
            read_sparcs(file, year, file.parent / "out")
        assert caught.value.fix
        assert str(file) in str(caught.value)
        return caught.value

    def test_absent(self, tmp_path: Path) -> None:
        assert "no such file" in str(self.refusal(tmp_path / "a.csv"))

    @pytest.mark.parametrize("content", [b"", b"\n", gzip.compress(b"", mtime=0)])
    def test_empty(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.csv").write_bytes(content)
        assert "is empty" in str(self.refusal(tmp_path / "a.csv"))

    def test_header_only(self, tmp_path: Path) -> None:
        assert "no discharges" in str(self.refusal(write(tmp_path / "a.csv", [])))

    def test_not_gzip(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", [ROW]).rename(tmp_path / "a.csv.gz")
        assert "not a gzip file" in str(self.refusal(tmp_path / "a.csv.gz"))

    def test_gzip_cut_short(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv.gz", [row(Total_Costs=f"{cents}.01") for cents in range(4000, 9000)])
        file.write_bytes(file.read_bytes()[:-2000])
        assert "damaged" in str(self.refusal(file))

    def test_zip_or_workbook(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"PK\x03\x04rest")
        assert "not a CSV" in str(self.refusal(tmp_path / "a.csv"))

    def test_wrong_delimiter(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [row(CCS_Procedure_Description="HIP")])
        file.write_text(file.read_text().replace(",", ";"))
        assert "separated by ';'" in str(self.refusal(file))

    def test_missing_column_names_its_spellings(self, tmp_path: Path) -> None:
        error = self.refusal(write(tmp_path / "a.csv", [ROW], {"Total Costs": None}))
        assert "'Total Costs' (accepted: total_costs, total_cost)" in error.message
        assert error.rule == "SPARCS-MISSING-COLUMN"

    def test_severity_missing_both_as_word_and_as_code(self, tmp_path: Path) -> None:
        names: dict[str, str | None] = {
            "APR Severity of Illness Code": None,
            "APR Severity of Illness Description": None,
        }
        error = self.refusal(write(tmp_path / "a.csv", [ROW], names))
        assert "apr_severity_of_illness_description" in error.message

    def test_column_twice(self, tmp_path: Path) -> None:
        error = self.refusal(write(tmp_path / "a.csv", [ROW], {"Race": "Permanent Facility Id"}))
        assert "more than one column for 'Facility Id'" in error.message

    def test_other_year_only(self, tmp_path: Path) -> None:
        rows = [row(Discharge_Year="2014"), row(Discharge_Year="2015")]
        error = self.refusal(write(tmp_path / "a.csv", rows))
        assert "no discharges of 2016, only of 2014, 2015" in error.message
        assert "--year 2015" in error.fix

    def test_nothing_usable(self, tmp_path: Path) -> None:
        error = self.refusal(write(tmp_path / "a.csv", [row(Total_Costs="confidential")] * 3))
        assert "none of its 3 rows" in error.message
        assert "confidential" not in str(error)
        assert (error.rule, error.row) == ("SPARCS-TOTAL-COSTS", 2)

    @pytest.mark.parametrize("cell", ['"HIP REPLACEMENT', '"HIP" REPLACEMENT'])
    def test_an_open_quote_is_not_a_smaller_file(self, tmp_path: Path, cell: str) -> None:
        lines = write(tmp_path / "a.csv", [ROW] * 5).read_text().splitlines()
        lines[2] = lines[2].replace('"HIP REPLACEMENT,TOT/PRT"', cell)
        (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
        error = self.refusal(tmp_path / "a.csv")
        assert (error.rule, error.row) == ("SPARCS-OPEN-QUOTE", 3)
        assert "Lakeside" not in str(error)

    def test_no_text(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [ROW])
        file.write_bytes(file.read_bytes().replace(b"Erie", b"Er\x81e"))
        with pytest.raises(HcipError, match="neither UTF-8 nor Windows-1252"):
            read_sparcs(file, 2016, tmp_path / "out")


def test_same_bytes_whatever_the_order_of_work(tmp_path: Path) -> None:
    rows = [row(Total_Costs=f"{cents}.07", Facility_Id=str(cents % 7 + 1)) for cents in range(9000, 12000)]
    file = write(tmp_path / "a.csv", rows)
    first, second = read_sparcs(file, 2016, tmp_path / "1"), read_sparcs(file, 2016, tmp_path / "2")
    assert first.sha256 == second.sha256
    for name in ("discharges", "charges", "receipts", "hospitals", "apr_drg", "quarantine"):
        assert (tmp_path / "1" / f"{name}.parquet").read_bytes() == (tmp_path / "2" / f"{name}.parquet").read_bytes()


@pytest.mark.parametrize("name", ["sparcs.csv", "sparcs.csv.gz"])
def test_more_than_a_state_has_is_refused_before_it_is_unpacked(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / name, [row()] * 200)
    monkeypatch.setattr("hcip_pipeline.intake.sparcs_columns.SPARCS", replace(SPARCS, rows=100))
    with pytest.raises(HcipError, match="more than 100 lines") as caught:
        read_sparcs(file, 2016, tmp_path / "out")
    assert caught.value.rule == "SPARCS-TOO-LARGE" and not list((tmp_path / "out").glob("*.parquet"))
    monkeypatch.setattr("hcip_pipeline.intake.sparcs_columns.SPARCS", replace(SPARCS, times=1, harmless=1_000))
    if name.endswith(".gz"):
        with pytest.raises(HcipError, match="unpacks to more than"):
            read_sparcs(file, 2016, tmp_path / "out")
    assert read_header(file).positions


class TestHabits:
    def test_windows_1252_is_read_and_told(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [row(Facility_Name="Hôpital Ménière"), ROW])
        for name, pack in (("b.csv", bytes), ("b.csv.gz", gzip.compress)):
            other = tmp_path / name
            other.write_bytes(pack(file.read_bytes().decode().encode("cp1252")))
            receipt = read_sparcs(other, 2016, tmp_path / name.replace(".", "-"))
            assert (receipt.accepted, receipt.error_rows) == (2, 0)
            assert "SPARCS-WINDOWS-1252" in receipt.rule_counts

    @pytest.mark.parametrize("printed", ["120 +", "120+", "120 or more", "120 OR MORE"])
    def test_the_longest_stays_in_words(self, tmp_path: Path, printed: str) -> None:
        file = write(tmp_path / "a.csv", [row(Length_of_Stay=printed)])
        assert read_sparcs(file, 2016, tmp_path / "out").accepted == 1
        assert table(tmp_path / "out", "discharges")["length_of_stay"].to_list() == [120]

    @pytest.mark.parametrize("names", [{"Facility Id": None}, {}])
    def test_names_identify_hospitals_where_no_row_has_an_id(
        self, tmp_path: Path, names: dict[str, str | None]
    ) -> None:
        blank = {"Facility_Id": ""}
        rows = [row(**blank), row(Facility_Name="Hill Hospital", **blank), row(Facility_Name="HILL HOSPITAL ", **blank)]
        receipt = read_sparcs(write(tmp_path / "a.csv", rows, names), 2016, tmp_path / "out")
        assert (receipt.accepted, receipt.hospitals) == (3, 2)
        assert receipt.rule_counts["SPARCS-BY-NAME"] == 3
        assert table(tmp_path / "out", "discharges")["hospital_ccn"].to_list() == ["900002", "900001", "900001"]

    def test_hospitals_without_id_and_name_are_one_clear_message(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [row(Facility_Id="", Facility_Name="")] * 3)
        with pytest.raises(HcipError, match="names no hospital"):
            read_sparcs(file, 2016, tmp_path / "out")

    def test_a_label_beside_the_code_is_not_the_code_twice(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [ROW], {"APR DRG Code": "apr_drg_code", "APR DRG Description": "apr_drg"})
        assert read_sparcs(file, 2016, tmp_path / "out").accepted == 1
        assert table(tmp_path / "out", "discharges")["apr_drg"].to_list() == ["301"]

    def test_a_study_is_refused_over_a_file_of_which_a_part_is_lost(self, tmp_path: Path) -> None:
        rows = [row(Total_Charges="unknown")] * 3 + [ROW] * 97
        file = write(tmp_path / "a.csv", rows)
        home = Home(tmp_path / "home")
        with pytest.raises(HcipError, match="3 of 100 rows are faulty or of another year, more than 1%") as refused:
            run_sparcs_study(home, file, 2016)
        assert refused.value.exit_code == 1 and "--allow-errors" in refused.value.fix
        with pytest.raises(HcipError, match="more than 2%"):
            run_sparcs_study(home, file, 2016, allow_errors=Decimal("0.02"))
        write(tmp_path / "b.csv", [ROW] * 97 + [row(Discharge_Year="2015")] * 40)
        with pytest.raises(HcipError, match="40 of 137 rows are faulty or of another year") as refused:
            run_sparcs_study(home, tmp_path / "b.csv", 2016)
        assert refused.value.fix == "use a file of 2016 alone, or allow the others to be left out: --allow-errors 30%"
