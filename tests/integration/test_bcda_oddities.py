"""Oddities of a BCDA export that are still read correctly, or counted separately with a warning."""

from __future__ import annotations

import copy
import datetime as dt
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.cclf import files_in_force
from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt, ResourceReceipt
from hcip_pipeline.intake.claims.months import ingest_claims
from tests.bcda_exports import UPDATED, covered, lines, person, stay, valid_export, write_export

EOB = "ExplanationOfBenefit"


def _ingested(root: Path, claims: bytes, **files: bytes) -> tuple[Home, ArchiveReceipt, ResourceReceipt]:
    home = Home(root)
    write_export(home.inbox / "cms" / "2025-04", valid_export(**files, ExplanationOfBenefit=claims))
    (receipt,) = ingest_claims(home, "2025-04")
    assert receipt.accepted, receipt
    return home, receipt, receipt.resources[-1]


def _rules(receipt: ArchiveReceipt) -> set[str]:
    return {warning.rule for warning in receipt.warnings}


def _claims(home: Home, table: str = "cclf1") -> list[dict[str, Any]]:
    return pl.read_parquet(files_in_force(home, table)).sort("cur_clm_uniq_id").to_dicts()


@pytest.mark.parametrize("status", ["cancelled", "something-new"])
def test_a_claim_that_is_not_active_is_counted_and_tagged_as_withdrawn(tmp_path: Path, status: str) -> None:
    home, receipt, counted = _ingested(tmp_path, lines(stay(), stay("2") | {"status": status}))
    assert (counted.lines, counted.read, counted.withdrawn) == (2, 1, 1)
    assert "BCDA-WITHDRAWN" in _rules(receipt)
    assert [row["cur_clm_uniq_id"] for row in _claims(home)] == ["1000000000001"]
    tags = {row["cur_clm_uniq_id"]: (row["part"], row["final_action"]) for row in _claims(home, "claim_tags")}
    assert tags == {"1000000000001": ("A", "FinalAction"), "2": ("A", "Withdrawn")}


def test_preauthorizations_are_not_read(tmp_path: Path) -> None:
    others = [stay(number) | {"use": use} for number, use in (("2", "preauthorization"), ("3", "predetermination"))]
    home, receipt, counted = _ingested(tmp_path, lines(stay(), *others))
    assert (counted.read, counted.not_adjudicated) == (1, 2)
    assert len(_claims(home)) == 1 and "BCDA-NOT-ADJUDICATED" in _rules(receipt)


def test_a_newer_version_that_is_withdrawn_replaces_the_older_one(tmp_path: Path) -> None:
    withdrawn = stay() | {"status": "entered-in-error"}
    withdrawn["meta"] = withdrawn["meta"] | {"lastUpdated": "2025-04-15T00:00:01.000Z"}
    home, _, counted = _ingested(tmp_path, lines(withdrawn, stay(), stay("2")))
    assert (counted.read, counted.withdrawn, counted.superseded) == (1, 1, 1)
    assert [row["cur_clm_uniq_id"] for row in _claims(home)] == ["2"]


def test_dates_with_times_and_zones_are_read_as_the_written_day(tmp_path: Path) -> None:
    claim = stay() | {"billablePeriod": {"start": "2025-01-03T23:30:00-05:00", "end": "2025-01-09T00:00:00Z"}}
    home, _, _ = _ingested(tmp_path, lines(claim))
    (row,) = _claims(home)
    assert (str(row["clm_from_dt"]), str(row["clm_thru_dt"])) == ("2025-01-03", "2025-01-09")


def test_amounts_may_be_text_or_negative(tmp_path: Path) -> None:
    amounts = {b'"98765432.15"': "98765432.15", b"-250.5": "-250.50", b'"0"': "0.00", b"-0.00": "0.00"}
    content = b"".join(
        lines(stay(str(number))).replace(b'"value":1234.5', b'"value":' + written)
        for number, written in enumerate(amounts)
    )
    home, _, _ = _ingested(tmp_path, content)
    assert [row["clm_pmt_amt"] for row in _claims(home)] == [Decimal(read) for read in amounts.values()]


def test_unknown_extensions_change_nothing(tmp_path: Path) -> None:
    strange = [{"url": "https://example.org/x", "extension": [{"url": "y", "valueMoney": {"value": 5}}]}]
    claim = stay() | {"extension": strange, "_status": {"extension": strange}}
    claim["item"] = [claim["item"][0] | {"extension": strange}]
    claim["supportingInfo"].append({"sequence": 99, "category": {"coding": [{"code": "new"}]}, "valueBoolean": True})
    plain, _, _ = _ingested(tmp_path / "plain", lines(stay()))
    odd, _, _ = _ingested(tmp_path / "odd", lines(claim))
    for table in ("cclf1", "cclf2", "cclf4"):
        assert _claims(plain, table) == _claims(odd, table)


def test_missing_elements_are_counted(tmp_path: Path) -> None:
    unpaid = stay("2")
    del unpaid["payment"], unpaid["total"]
    original = stay("3")
    original["supportingInfo"] = original["supportingInfo"][1:]
    newer = stay("4")
    newer["meta"] = newer["meta"] | {"profile": [name.replace("|2.2.0", "|3.0.0") for name in newer["meta"]["profile"]]}
    home, receipt, _ = _ingested(tmp_path, lines(stay(), unpaid, original, newer))
    assert {"BCDA-NO-AMOUNT", "BCDA-NO-ADJUSTMENT", "BCDA-PROFILE"} <= _rules(receipt)
    assert all(
        ": 1 in " in warning.message
        for warning in receipt.warnings
        if warning.rule.startswith(("BCDA-NO-A", "BCDA-PROFILE"))
    )
    assert [row["clm_pmt_amt"] is None for row in _claims(home)] == [False, True, False, False]


def test_lines_of_physicians_without_an_amount_or_a_date_are_counted(tmp_path: Path) -> None:
    claim = stay()
    claim["type"]["coding"][1]["code"] = "71"
    bare = {key: value for key, value in claim["item"][0].items() if not key.startswith(("serviced", "adjud"))}
    claim["item"].append(bare | {"sequence": 2})
    _, receipt, _ = _ingested(tmp_path, lines(claim))
    assert {"BCDA-NO-AMOUNT", "BCDA-NO-DATE"} <= _rules(receipt)


@pytest.mark.parametrize("items", [[], None])
def test_claims_of_physicians_without_lines_are_counted(tmp_path: Path, items: list[object] | None) -> None:
    claim = stay()
    claim["type"]["coding"][1]["code"] = "71"
    if items is None:
        del claim["item"]
    else:
        claim["item"] = items
    _, receipt, _ = _ingested(tmp_path, lines(stay("2"), claim))
    assert "BCDA-NO-LINES" in _rules(receipt)


@pytest.mark.parametrize("space", [b" ", b"  ", b"\t"])
def test_dollars_are_dollars_however_they_are_spaced(tmp_path: Path, space: bytes) -> None:
    content = lines(stay())
    assert b'"currency":"USD"' in content
    _, receipt, _ = _ingested(tmp_path, content.replace(b'"currency":', b'"currency":' + space))
    assert receipt.accepted


def test_repeated_entries_count_once(tmp_path: Path) -> None:
    claim = stay()
    claim["item"] += copy.deepcopy(claim["item"])
    home, _, counted = _ingested(tmp_path, lines(claim, claim))
    assert (counted.read, counted.superseded) == (1, 1)
    kept = pl.read_parquet(files_in_force(home, "cclf2")).drop("source_row").unique()
    assert kept.height == 1


def test_claims_without_a_resource_id_are_separate_claims(tmp_path: Path) -> None:
    nameless = [{key: value for key, value in stay(number).items() if key != "id"} for number in "23"]
    home, _, counted = _ingested(tmp_path, lines(*nameless))
    assert counted.read == len(_claims(home)) == 2


def test_a_claim_under_two_resource_ids_is_one(tmp_path: Path) -> None:
    older = stay(paid="5.00") | {"id": "other"}
    older["meta"] = older["meta"] | {"lastUpdated": "2025-03-01T00:00:00Z"}
    home, _, counted = _ingested(tmp_path, lines(older, stay()))
    assert (counted.read, counted.superseded) == (1, 1)
    assert [row["clm_pmt_amt"] for row in _claims(home)] == [Decimal("1234.50")]


def test_the_newest_version_of_a_patient_and_a_coverage_counts(tmp_path: Path) -> None:
    def older(resource: dict[str, Any]) -> dict[str, Any]:
        return resource | {"meta": resource["meta"] | {"lastUpdated": "2024-04-15T00:00:00.000Z"}}

    was_covered = copy.deepcopy(covered())
    was_covered["extension"][0]["valueCoding"]["code"] = "31"
    patients = lines(person(), older(person(bene_mbi_id="1EG4TE5MK99")))
    home, _, _ = _ingested(tmp_path, lines(stay()), Patient=patients, Coverage=lines(covered(), older(was_covered)))
    assert [row["bene_mbi_id"] for row in _claims(home)] == ["1EG4TE5MK73"]
    (who,) = pl.read_parquet(files_in_force(home, "cclf8")).to_dicts()
    assert (who["bene_mbi_id"], who["bene_mdcr_stus_cd"]) == ("1EG4TE5MK73", "10")
    assert UPDATED > "2025"


def test_a_copy_of_an_export_in_another_folder_is_the_same_export(tmp_path: Path) -> None:
    home = Home(tmp_path)
    folder = write_export(home.inbox / "cms" / "2025-04" / "job 1", valid_export())
    shutil.copytree(folder, folder.parent / "job 2")
    first, second = ingest_claims(home, "2025-04")
    assert first == second and first.accepted
    assert len(_claims(home)) == 1


@pytest.mark.parametrize(
    "systems", [("NationalClaimsHistory", "SharedSystem"), ("SharedSystem", "NationalClaimsHistory")]
)
def test_a_claim_of_a_shared_system_is_never_settled_whatever_its_other_tags(
    tmp_path: Path, systems: tuple[str, str]
) -> None:
    claim = stay("2")
    url = "https://bluebutton.cms.gov/fhir/CodeSystem/System-Type"
    claim["meta"]["tag"] = [{"system": url, "code": code} for code in systems]
    home, receipt, _ = _ingested(tmp_path, lines(stay(), claim))
    assert "BCDA-NOT-ADJUDICATED" in _rules(receipt) and len(_claims(home)) == 1


@pytest.mark.parametrize(
    ("changed", "is_reported"),
    [({"bene_dob": dt.date(1951, 2, 3)}, True), ({"bene_sex_cd": "1"}, True), ({"bene_1st_name": "Anne"}, False)],
)
def test_a_medicare_number_of_two_persons_is_reported_with_its_line(
    tmp_path: Path, changed: dict[str, Any], is_reported: bool
) -> None:
    content = lines(stay(), stay("2", who="12"))
    home, receipt, _ = _ingested(tmp_path, content, Patient=lines(person(), person("12", **changed)))
    shared = [warning.message for warning in receipt.warnings if warning.rule == "BCDA-SHARED-NUMBER"]
    assert bool(shared) == is_reported
    assert all("1, the first in Patient.ndjson, line 1;" in message for message in shared)
    assert {row["bene_mbi_id"] for row in _claims(home)} == {"1EG4TE5MK73"}
