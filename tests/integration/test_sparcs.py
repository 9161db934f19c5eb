"""The SPARCS adapter on small invented files in the spellings of several years."""

from __future__ import annotations

import gzip
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from hcip_pipeline.contracts.hospital import LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.contracts.reference import APR_DRG, HOSPITALS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import SPARCS
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.sparcs.columns import read_header
from hcip_pipeline.intake.sparcs.reading import read_sparcs
from hcip_pipeline.study.sparcs_study import run_sparcs_study
from tests.sparcs_files import ROW, assert_follows, row, table, write

pytestmark = pytest.mark.slow


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

    def test_reference_tables_come_from_the_file(self, tmp_path: Path) -> None:
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
    def test_column_names_of_every_year_and_of_the_api_are_read(self, tmp_path: Path, facility: str) -> None:
        snake = {name: name.lower().replace(" - ", "_").replace(" ", "_") for name in ROW}
        names = (snake if facility == "facility_id" else {}) | {"Facility Id": facility}
        receipt = read_sparcs(write(tmp_path / "a.csv", [ROW], names), 2016, tmp_path / "out")
        assert (receipt.accepted, receipt.ignored_columns) == (1, ())

    def test_2009_amounts_with_commas_and_stays_capped_at_120_days(self, tmp_path: Path) -> None:
        old = row(
            Discharge_Year="2009", Total_Charges="$1,241,000.50", Total_Costs="$620,500.25", Length_of_Stay="120 +"
        )
        receipt = read_sparcs(write(tmp_path / "a.csv.gz", [old]), 2009, tmp_path / "out")
        only = table(tmp_path / "out", "discharges").row(0, named=True)
        assert (only["total_charges"], only["reported_cost"]) == (Decimal("1241000.50"), Decimal("620500.25"))
        assert only["length_of_stay"] == 120
        assert receipt.rule_counts == {"SPARCS-LENGTH-OF-STAY-TOP-CODED": 1}

    def test_a_later_year_without_license_numbers_and_with_severity_as_a_word(self, tmp_path: Path) -> None:
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
    def test_dispositions_are_read_by_their_label(self, tmp_path: Path, label: str, code: str) -> None:
        receipt = read_sparcs(write(tmp_path / "a.csv", [row(Patient_Disposition=label)]), 2016, tmp_path / "out")
        assert table(tmp_path / "out", "discharges")["discharge_disposition"].to_list() == [code]
        assert ("SPARCS-DISPOSITION" in receipt.rule_counts) == (code == "")

    def test_a_stay_of_zero_days_counts_as_one_day(self, tmp_path: Path) -> None:
        read_sparcs(write(tmp_path / "a.csv", [row(Length_of_Stay="0")]), 2016, tmp_path / "out")
        assert table(tmp_path / "out", "discharges")["length_of_stay"].to_list() == [1]

    def test_windows_line_ends_a_byte_order_mark_and_an_index_column(self, tmp_path: Path) -> None:
        plain = write(tmp_path / "a.csv", [ROW]).read_text().splitlines()
        (tmp_path / "a.csv").write_bytes(("\ufeff," + plain[0] + "\r\n0," + plain[1] + "\r\n").encode())
        receipt = read_sparcs(tmp_path / "a.csv", 2016, tmp_path / "out")
        assert receipt.accepted == 1
        assert receipt.ignored_columns == ("",)
        assert table(tmp_path / "out", "discharges")["reported_cost"].to_list() == [Decimal("20500.25")]


def test_same_bytes_whatever_the_order_of_work(tmp_path: Path) -> None:
    rows = [row(Total_Costs=f"{cents}.07", Facility_Id=str(cents % 7 + 1)) for cents in range(9000, 12000)]
    file = write(tmp_path / "a.csv", rows)
    first, second = read_sparcs(file, 2016, tmp_path / "1"), read_sparcs(file, 2016, tmp_path / "2")
    assert first.sha256 == second.sha256
    for name in ("discharges", "charges", "receipts", "hospitals", "apr_drg", "quarantine"):
        assert (tmp_path / "1" / f"{name}.parquet").read_bytes() == (tmp_path / "2" / f"{name}.parquet").read_bytes()


@pytest.mark.parametrize("name", ["sparcs.csv", "sparcs.csv.gz"])
def test_a_file_too_large_for_a_state_is_refused_before_it_is_unpacked(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path / name, [row()] * 200)
    monkeypatch.setattr("hcip_pipeline.intake.sparcs.columns.SPARCS", replace(SPARCS, rows=100))
    with pytest.raises(HcipError, match="more than 100 lines") as caught:
        read_sparcs(file, 2016, tmp_path / "out")
    assert caught.value.rule == "SPARCS-TOO-LARGE" and not list((tmp_path / "out").glob("*.parquet"))
    monkeypatch.setattr("hcip_pipeline.intake.sparcs.columns.SPARCS", replace(SPARCS, times=1, harmless=1_000))
    if name.endswith(".gz"):
        with pytest.raises(HcipError, match="unpacks to more than"):
            read_sparcs(file, 2016, tmp_path / "out")
    assert read_header(file).positions


class TestHabits:
    def test_windows_1252_is_read_and_reported(self, tmp_path: Path) -> None:
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
    def test_hospitals_are_identified_by_name_if_no_row_has_an_id(
        self, tmp_path: Path, names: dict[str, str | None]
    ) -> None:
        blank = {"Facility_Id": ""}
        rows = [row(**blank), row(Facility_Name="Hill Hospital", **blank), row(Facility_Name="HILL HOSPITAL ", **blank)]
        receipt = read_sparcs(write(tmp_path / "a.csv", rows, names), 2016, tmp_path / "out")
        assert (receipt.accepted, receipt.hospitals) == (3, 2)
        assert receipt.rule_counts["SPARCS-BY-NAME"] == 3
        assert table(tmp_path / "out", "discharges")["hospital_ccn"].to_list() == ["900002", "900001", "900001"]

    def test_hospitals_without_id_and_name_are_refused_with_one_message(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [row(Facility_Id="", Facility_Name="")] * 3)
        with pytest.raises(HcipError, match="names no hospital"):
            read_sparcs(file, 2016, tmp_path / "out")

    def test_a_label_column_next_to_the_code_is_not_a_second_code(self, tmp_path: Path) -> None:
        file = write(tmp_path / "a.csv", [ROW], {"APR DRG Code": "apr_drg_code", "APR DRG Description": "apr_drg"})
        assert read_sparcs(file, 2016, tmp_path / "out").accepted == 1
        assert table(tmp_path / "out", "discharges")["apr_drg"].to_list() == ["301"]

    def test_a_study_of_a_file_with_lost_rows_is_refused(self, tmp_path: Path) -> None:
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
        assert refused.value.fix == "use a file of only 2016, or allow the others to be left out: --allow-errors 30%"
