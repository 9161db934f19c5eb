"""Rows of SPARCS files that fail an edit, and files that are refused."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import pytest

from hcip_pipeline.contracts.run import RECEIPTS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.intake.sparcs.reading import read_sparcs
from tests.sparcs_files import ROW, assert_follows, quarantined, row, table, write

pytestmark = pytest.mark.slow


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

    def test_a_row_that_breaks_two_rules_counts_once(self, tmp_path: Path) -> None:
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

    def test_a_drg_in_two_categories_gets_the_more_frequent(self, tmp_path: Path) -> None:
        receipt = read_sparcs(write(tmp_path / "a.csv", [row(APR_MDC_Code="4"), ROW, ROW]), 2016, tmp_path / "out")
        assert table(tmp_path / "out", "apr_drg")["mdc"].to_list() == ["08"]
        assert receipt.rule_counts == {"SPARCS-DRG-SEVERAL-MDC": 1}

    def test_lines_that_are_not_rows_do_not_shift_the_others_numbers(self, tmp_path: Path) -> None:
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

    def test_an_absent_file_is_refused(self, tmp_path: Path) -> None:
        assert "no such file" in str(self.refusal(tmp_path / "a.csv"))

    @pytest.mark.parametrize("content", [b"", b"\n", gzip.compress(b"", mtime=0)])
    def test_an_empty_file_is_refused(self, tmp_path: Path, content: bytes) -> None:
        (tmp_path / "a.csv").write_bytes(content)
        assert "is empty" in str(self.refusal(tmp_path / "a.csv"))

    def test_a_file_without_rows_is_refused(self, tmp_path: Path) -> None:
        assert "no discharges" in str(self.refusal(write(tmp_path / "a.csv", [])))

    def test_a_gz_file_that_is_not_gzip_is_refused(self, tmp_path: Path) -> None:
        write(tmp_path / "a.csv", [ROW]).rename(tmp_path / "a.csv.gz")
        assert "not a gzip file" in str(self.refusal(tmp_path / "a.csv.gz"))

    def test_a_truncated_gzip_file_is_refused(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv.gz", [row(Total_Costs=f"{cents}.01") for cents in range(4000, 9000)])
        file.write_bytes(file.read_bytes()[:-2000])
        assert "damaged" in str(self.refusal(file))

    def test_a_zip_file_or_workbook_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "a.csv").write_bytes(b"PK\x03\x04rest")
        assert "not a CSV" in str(self.refusal(tmp_path / "a.csv"))

    def test_another_delimiter_is_refused(self, tmp_path: Path) -> None:
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

    def test_a_repeated_column_is_refused(self, tmp_path: Path) -> None:
        error = self.refusal(write(tmp_path / "a.csv", [ROW], {"Race": "Permanent Facility Id"}))
        assert "more than one column for 'Facility Id'" in error.message

    def test_a_file_of_other_years_is_refused(self, tmp_path: Path) -> None:
        rows = [row(Discharge_Year="2014"), row(Discharge_Year="2015")]
        error = self.refusal(write(tmp_path / "a.csv", rows))
        assert "no discharges of 2016, only of 2014, 2015" in error.message
        assert "--year 2015" in error.fix

    def test_a_file_without_a_usable_row_is_refused(self, tmp_path: Path) -> None:
        error = self.refusal(write(tmp_path / "a.csv", [row(Total_Costs="confidential")] * 3))
        assert "none of its 3 rows" in error.message
        assert "confidential" not in str(error)
        assert (error.rule, error.row) == ("SPARCS-TOTAL-COSTS", 2)

    @pytest.mark.parametrize("cell", ['"HIP REPLACEMENT', '"HIP" REPLACEMENT'])
    def test_an_open_quote_is_refused_with_its_line(self, tmp_path: Path, cell: str) -> None:
        lines = write(tmp_path / "a.csv", [ROW] * 5).read_text().splitlines()
        lines[2] = lines[2].replace('"HIP REPLACEMENT,TOT/PRT"', cell)
        (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
        error = self.refusal(tmp_path / "a.csv")
        assert (error.rule, error.row) == ("SPARCS-OPEN-QUOTE", 3)
        assert "Lakeside" not in str(error)

    def test_a_file_of_unknown_encoding_is_refused(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [ROW])
        file.write_bytes(file.read_bytes().replace(b"Erie", b"Er\x81e"))
        with pytest.raises(HcipError, match="neither UTF-8 nor Windows-1252"):
            read_sparcs(file, 2016, tmp_path / "out")
