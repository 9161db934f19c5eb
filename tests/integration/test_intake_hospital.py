"""Submissions into a home: rows in the lake, the version in force, and every row accounted for."""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.assets.execution import IngestReport
from hcip_pipeline.contracts.hospital import LAKE_CHARGES, LAKE_DISCHARGES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import files_in_force, ingest_quarter, quarantine_path, receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.model import Policy
from tests.intake_submissions import CCN, OTHER_CCN, POLICY, QUARTER, Draft, reference


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def ingest(
    home: Home, quarter: Quarter = QUARTER, policy: Policy = POLICY, **options: object
) -> list[SubmissionReceipt]:
    tables = options.pop("reference", None) or reference()
    return ingest_quarter(home, quarter, policy, reference=tables, **options)  # type: ignore[arg-type]


def lake(home: Home, table: str, quarter: Quarter = QUARTER) -> pl.DataFrame:
    return pl.read_parquet(files_in_force(home, table, quarter))  # type: ignore[arg-type]


def assert_conserved(found: list[SubmissionReceipt]) -> None:
    for receipt in found:
        for file in receipt.files:
            assert file.rows.read == file.rows.accepted + file.rows.quarantined + file.rows.superseded
            assert file.dollars.read == file.dollars.accepted + file.dollars.quarantined + file.dollars.superseded


def test_the_lake_has_accepted_rows_in_the_contracts_columns(home: Home) -> None:
    draft = Draft().set("discharges", 7, "apr_drg", "999").set("charges", 0, "units", "one")
    draft.discharges = draft.discharges.reverse()
    draft.send(home)
    (receipt,) = ingest(home)
    discharges, charges = lake(home, "discharges"), lake(home, "charges")
    assert dict(discharges.schema) == LAKE_DISCHARGES.schema
    assert dict(charges.schema) == LAKE_CHARGES.schema
    assert discharges.columns == list(LAKE_DISCHARGES.names) and charges.columns == list(LAKE_CHARGES.names)
    assert (discharges.height, charges.height) == (119, 357)
    assert discharges.get_column("account_no").is_sorted()
    assert charges.select(pl.struct("account_no", "source_row").rank().diff().min()).item() > 0
    assert charges.filter(account_no="A10000").get_column("units").to_list() == [None, 1, 1]
    first = discharges.row(0, named=True)
    assert first["submission"] == "2025Q1/210001" and first["source_file"] == "discharges.csv"
    assert first["source_row"] == 121  # A10000 is last, below the header
    assert (first["length_of_stay"], first["discharge_year"], first["identifier_type"]) == (3, 2025, "NPI")
    assert first["discharge_date"] == dt.date(2025, 1, 4)
    assert first["total_charges"] == Decimal("600.00") and first["reported_cost"] is None
    assert receipt.in_force
    assert_conserved([receipt])


def test_quarantine_names_file_row_column_rule_and_shape(home: Home) -> None:
    Draft().set("discharges", 7, "discharge_date", "31.01.2025").send(home)
    (receipt,) = ingest(home)
    rows = pl.read_parquet(quarantine_path(home, QUARTER, receipt.stem))
    assert rows.filter(file="discharges.csv").rows() == [
        ("2025Q1/210001", "discharges.csv", 9, "discharge_date", "D-DATE-UNREADABLE", "99.99.9999")
    ]
    assert rows.filter(file="charges.csv").get_column("row").to_list() == [23, 24, 25]
    quarantined = receipt.rows("discharges", "quarantined") + receipt.rows("charges", "quarantined")
    assert rows.select("file", "row").n_unique() == quarantined == 4


def test_an_ingested_submission_is_not_ingested_again(home: Home) -> None:
    Draft().send(home)
    reported: list[str] = []
    first = ingest(home, progress=reported.append)
    stored = {path: path.stat().st_mtime_ns for path in home.lake.rglob("*") if path.is_file()}
    assert ingest(home, progress=reported.append) == first == receipts(home, QUARTER)
    assert reported == ["2025Q1/210001"]
    assert {path: path.stat().st_mtime_ns for path in home.lake.rglob("*") if path.is_file()} == stored


def test_a_resubmission_supersedes_and_the_difference_is_reported(home: Home) -> None:
    Draft().send(home)
    ingest(home)
    more = Draft(count=125)
    more.send(home, 2)
    first, second = ingest(home)
    assert (first.in_force, second.in_force) == (False, True)
    assert first.superseded_by == "2025Q1/210001.r2"
    assert (first.rows("discharges"), first.rows("discharges", "superseded")) == (0, 120)
    assert second.change is not None
    assert (second.change.against, second.change.discharges, second.change.charge_lines) == ("2025Q1/210001", 5, 15)
    assert second.change.total_charges == Decimal("3000.00")
    assert lake(home, "discharges").height == 125
    assert set(lake(home, "discharges").get_column("submission")) == {"2025Q1/210001.r2"}
    assert_conserved([first, second])


def test_a_refused_resubmission_leaves_the_previous_version_in_force(home: Home) -> None:
    Draft().send(home)
    broken = Draft()
    for row in range(5):
        broken.set("discharges", row, "sex", "X").set("discharges", row, "apr_drg", "??")
    broken.send(home, 2)
    first, second = ingest(home)
    assert (first.status, first.in_force) == ("accepted", True)
    assert (second.status, second.in_force) == ("refused", False)
    assert second.rows("discharges", "quarantined") == second.rows("discharges", "read") == 120
    assert [path.name for path in files_in_force(home, "discharges", QUARTER)] == ["210001.r1.parquet"]
    assert not (home.lake_hospital("discharges", QUARTER) / "210001.r2.parquet").exists()
    assert_conserved([first, second])


def test_a_refusal_does_not_stop_the_others(home: Home) -> None:
    Draft().send(home)
    (Draft(ccn=OTHER_CCN).send(home) / "charges.csv").write_bytes(b"\x00")
    (home.inbox / "hospital" / "2025Q1" / "re: data \x1b[2J").mkdir()
    found = ingest(home)
    assert [(receipt.ccn, receipt.status) for receipt in found] == [
        (CCN, "accepted"),
        (OTHER_CCN, "refused"),
        ("", "refused"),
    ]
    assert [path.name for path in files_in_force(home, "charges", QUARTER)] == ["210001.r1.parquet"]


def test_the_same_files_sent_twice_are_recognized(home: Home) -> None:
    Draft().send(home)
    Draft().send(home, 2)
    first, second = ingest(home)
    assert [file.same_as for file in first.files] == [None, None]
    assert [file.same_as for file in second.files] == ["2025Q1/210001/discharges.csv", "2025Q1/210001/charges.csv"]
    assert [problem.rule for problem in second.problems] == ["S-REPEATED"]
    assert second.change is not None and second.change.discharges == 0 and second.change.total_charges == 0


def test_one_file_sent_twice_is_noted_at_the_file(home: Home) -> None:
    Draft().send(home)
    Draft().set("discharges", 3, "sex", "U").send(home, 2)
    _, second = ingest(home)
    assert [file.same_as for file in second.files] == [None, "2025Q1/210001/charges.csv"]
    assert second.problems == ()


def test_receipts_survive_json_with_files_dollars_and_rules(home: Home) -> None:
    Draft().set("discharges", 7, "sex", "X").send(home, control={"discharges": 120, "prepared_at": "2025-04-20"})
    (receipt,) = ingest(home)
    path = home.lake_hospital("receipts", QUARTER) / "210001.r1.json"
    content = json.loads(path.read_text())
    assert SubmissionReceipt.from_dict(content) == receipt
    assert content["stated_time"] == "2025-04-20"
    assert [file["name"] for file in content["files"]] == ["discharges.csv", "charges.csv", "control_totals.json"]
    assert all(len(file["sha256"]) == 64 and file["bytes"] > 0 for file in content["files"])
    assert content["files"][0]["dollars"] == {
        "read": "72000.00",
        "accepted": "72000.00",
        "quarantined": "0.00",
        "superseded": "0.00",
    }
    (rule,) = content["rules"]
    assert (rule["rule"], rule["rows"], rule["lines"], rule["severity"]) == ("D-CODE-UNKNOWN", 1, [9], "WARN")


def test_modification_times_make_no_difference(home: Home, tmp_path_factory: pytest.TempPathFactory) -> None:
    Draft().set("discharges", 7, "sex", "X").send(home)
    other = Home(tmp_path_factory.mktemp("later"))
    shutil.copytree(home.inbox, other.inbox)
    for path in other.inbox.rglob("*"):
        os.utime(path, (86_400, 86_400))
    ingest(home)
    ingest(other)
    for path in sorted(home.lake.rglob("*.json")) + sorted(home.lake.rglob("*.parquet")):
        assert path.read_bytes() == (other.root / path.relative_to(home.root)).read_bytes(), path.name


def test_changed_rates_cause_a_submission_to_be_judged_again(home: Home) -> None:
    Draft().send(home)
    (refused,) = ingest(home, reference=reference(factors=False))
    assert refused.status == "refused"
    assert files_in_force(home, "discharges", QUARTER) == []
    (accepted,) = ingest(home)
    assert accepted.status == "accepted" and lake(home, "charges").height == 360
    ingest(home, reference=reference(factors=False))
    assert not list((home.lake / "hospital" / "discharges").rglob("*.parquet"))  # nothing is left behind


def test_later_changes_to_an_ingested_folder_are_reported_and_not_ingested(home: Home) -> None:
    folder = Draft().send(home)
    ingest(home)
    before = lake(home, "discharges")
    Draft(count=121).write(folder)
    (receipt,) = ingest(home)
    assert [problem.rule for problem in receipt.problems] == ["S-CHANGED"]
    assert lake(home, "discharges").equals(before)
    (again,) = ingest(home, reference=reference(ccns=(CCN,)))  # changed tables do not let the change in either
    assert again.rows("discharges") == 120


def test_a_refused_folder_corrected_in_place_gets_the_fix(home: Home) -> None:
    folder = Draft().set("discharges", 0, "sex", "M").send(home, control={"discharges": 121})
    assert ingest(home)[0].status == "refused"
    (folder / "control_totals.json").write_text('{"discharges": 120}')
    (receipt,) = ingest(home)
    assert receipt.status == "refused"
    assert "S-CHANGED" in {problem.rule for problem in receipt.problems}


def test_a_folder_that_arrives_piece_by_piece_is_ingested_when_complete(home: Home) -> None:
    whole = Draft().write(home.root / "whole", control={"discharges": 120})
    folder = home.inbox / "hospital" / str(QUARTER) / CCN
    folder.mkdir(parents=True)
    for name in ("control_totals.json", "discharges.csv", "charges.csv"):
        shutil.copy(whole / name, folder)
        (receipt,) = ingest(home)
    assert (receipt.status, receipt.in_force, receipt.rows("charges")) == ("accepted", True, 360)
    assert [[rule for rule, _ in each.problems] for each in receipt.earlier] == [["F-MISSING"] * 2, ["F-MISSING"]]
    assert [[name for name, _ in each.files] for each in receipt.earlier][1] == [
        "discharges.csv",
        "control_totals.json",
    ]
    (again,) = ingest(home, reference=reference(ccns=(CCN,)))  # judged again, it keeps its history
    assert again.earlier == receipt.earlier and again.is_new
    assert not ingest(home, reference=reference(ccns=(CCN,)))[0].is_new


@pytest.mark.parametrize("change", ["another file", "refused for more"])
def test_only_missing_files_may_come_later(home: Home, change: str) -> None:
    folder = Draft().send(home)
    charges = (folder / "charges.csv").read_bytes()
    if change == "refused for more":
        (folder / "charges.csv").write_bytes(b"nothing\n")
    else:
        (folder / "charges.csv").unlink()
    ingest(home)
    (folder / "charges.csv").write_bytes(charges)
    if change == "another file":
        Draft().set("discharges", 0, "sex", "U").write(home.root / "other")
        shutil.copy(home.root / "other" / "discharges.csv", folder)
    (receipt,) = ingest(home)
    assert receipt.status == "refused" and "S-CHANGED" in {problem.rule for problem in receipt.problems}


def test_a_file_added_to_an_ingested_folder_is_a_change(home: Home) -> None:
    folder = Draft().send(home)
    ingest(home)
    (folder / "control_totals.json").write_text('{"discharges": 1}')
    (receipt,) = ingest(home)
    assert [problem.rule for problem in receipt.problems] == ["S-CHANGED"] and receipt.status == "accepted"


def test_a_loose_file_among_the_submissions_is_reported(home: Home) -> None:
    Draft().send(home)
    (home.inbox / "hospital" / "2025Q1" / "210002_final.zip").write_bytes(b"PK")
    (home.inbox / "hospital" / "2025Q1" / OTHER_CCN).write_bytes(b"account_no")
    found = ingest(home)
    assert [(receipt.ccn, receipt.status) for receipt in found] == [
        (CCN, "accepted"),
        (OTHER_CCN, "refused"),
        ("", "refused"),
    ]
    assert {p.rule for receipt in found for p in receipt.problems} == {"F-NOT-A-FILE", "S-FOLDER-NAME"}


@pytest.mark.parametrize("column", ["account_no", "birth_date"])
def test_a_short_cell_of_a_key_or_a_birth_date_is_not_shown(home: Home, column: str) -> None:
    Draft().set("discharges", 7, column, "J. 9").set("discharges", 7, "apr_drg", "9Z9").send(home)
    (receipt,) = ingest(home)
    rows = pl.read_parquet(quarantine_path(home, QUARTER, receipt.stem)).filter(file="discharges.csv")
    shown = dict(rows.select("column", "value").rows())
    assert shown["apr_drg"] == "9Z9"
    assert shown.get(column, "A. 9") == "A. 9"


@pytest.mark.parametrize("earlier_first", [True, False])
def test_volume_is_compared_with_a_year_earlier_in_either_order(home: Home, earlier_first: bool) -> None:
    before = Quarter(2024, 1)
    Draft(quarter=before, count=100).send(home)
    Draft(count=121).send(home)
    for quarter in (before, QUARTER) if earlier_first else (QUARTER, before, QUARTER):
        ingest(home, quarter)
    (receipt,) = receipts(home, QUARTER)
    assert [(p.rule, p.message) for p in receipt.problems] == [("S-VOLUME", "121 discharges, 100 in 2024Q1")]
    (old,) = receipts(home, before)
    assert old.problems == ()


def test_an_increase_by_a_fifth_is_not_reported(home: Home) -> None:
    Draft(quarter=Quarter(2024, 1), count=100).send(home)
    Draft(count=120).send(home)
    ingest(home, Quarter(2024, 1))
    assert ingest(home)[0].problems == ()


def test_a_receipt_that_names_a_missing_file_is_an_error(home: Home) -> None:
    Draft().send(home)
    ingest(home)
    files_in_force(home, "charges", QUARTER)[0].unlink()
    with pytest.raises(HcipError, match="missing from the lake"):
        files_in_force(home, "charges", QUARTER)


def test_a_receipt_that_cannot_be_read_is_an_error_with_a_fix(home: Home) -> None:
    Draft().send(home)
    ingest(home)
    (home.lake_hospital("receipts", QUARTER) / "210001.r1.json").write_text("{")
    with pytest.raises(HcipError, match="cannot be read"):
        receipts(home, QUARTER)


def test_an_empty_inbox_has_nothing_to_ingest(home: Home) -> None:
    assert ingest(home) == []
    assert files_in_force(home, "discharges", QUARTER) == []


def test_reported_costs_reach_the_lake_without_charge_lines(home: Home) -> None:
    draft = Draft()
    draft.discharges = draft.discharges.with_columns(reported_cost=pl.lit("412.34"))
    folder = draft.send(home)
    (folder / "charges.csv").unlink()
    (receipt,) = ingest(home, policy=Policy(version="t", base_year=2024, cost_method="reported"))
    assert receipt.status == "accepted"
    assert lake(home, "discharges").get_column("reported_cost").unique().to_list() == [Decimal("412.34")]
    assert files_in_force(home, "charges", QUARTER) == []


def test_a_refused_version_counts_once_although_a_later_one_is_accepted(home: Home) -> None:
    Draft().send(home, control={"discharges": 7})
    Draft().send(home, version=2)
    first, second = ingest(home), ingest(home)
    assert [receipt.status for receipt in first] == ["refused", "accepted"]
    assert not IngestReport({"2025Q1": first}, {}, {}).ok
    assert IngestReport({"2025Q1": second}, {}, {}).ok
