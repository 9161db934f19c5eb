"""Care partners against national lists: what holds a payment, what is asked and answered, and what is reported."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.period_intake import files_in_force, ingest_period
from hcip_pipeline.ledger.leaves import accepted_in
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.tables import write_lake_reference
from hcip_pipeline.tables.refusals import TableRefusedError
from tests.screening_lists import excluded, leie_text, nppes_text, ordering_text, put_list

PERIOD = PerformancePeriod(2025, 1)
POLICY = Policy(version="v1", base_year=2023)
JANE, JOHN, MARY = "1234567893", "1215000005", "1316000003"
A, B = "210043", "210001"
PARTNERS = "hospital_ccn,npi,name,tin,specialty,participation_start,participation_end,arrangement_signed,"
PARTNERS += "screening_status,certified_on\n"
CLEARANCES = "hospital_ccn,npi,source,cleared_by,cleared_on,reason\n"


class Inbox:
    """A home's inbox with two hospitals' care partners."""

    def __init__(self, root: Path) -> None:
        self.home = Home(root)
        self.partner_rows = [(A, JANE, "Jane Doe, MD", "cleared"), (B, JANE, "Doe, Jane", "cleared"),
                             (A, JOHN, "John Roe", "cleared"), (A, MARY, "Mary Major", "cleared")]  # fmt: skip
        self.program("care_partners", "")

    def program(self, name: str, text: str) -> None:
        if name == "care_partners":
            rows = [f'{c},{n},"{who}",,,2024-01-01,,2024-01-01,{status},\n' for c, n, who, status in self.partner_rows]
            text = PARTNERS + "".join(rows)
        path = self.home.inbox / "program" / str(PERIOD) / f"{name}.csv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def lists(self, **texts: str) -> None:
        for name, text in texts.items():
            put_list(self.home.inbox, f"{name}.csv", text)

    def ingest(self) -> None:
        ingest_period(self.home, PERIOD, POLICY)

    def table(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.home.lake_program(PERIOD) / f"{name}.parquet")

    def found(self, effect: str) -> list[tuple[Any, ...]]:
        self.ingest()
        rows = self.table("screening").filter(pl.col("effect") == effect)
        return rows.select("hospital_ccn", "npi", "reason").rows()

    def holds(self) -> list[tuple[Any, ...]]:
        return self.found("hold")

    def questions(self) -> list[tuple[Any, ...]]:
        assert self.holds() == []  # a question never holds a payment
        return self.found("question")


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path)


NAME, ORGANIZATION, DEACTIVATED = "EXCLUSION_NAME_MATCH", "NPI_NOT_AN_INDIVIDUAL", "NPI_DEACTIVATED"


def test_without_lists_the_tables_exist_and_are_empty(inbox: Inbox) -> None:
    assert inbox.holds() == []
    for name in ("screening", "screened_lists", "irregular_npis", "unused_clearances"):
        frame = inbox.table(name)
        assert frame.is_empty()
        assert dict(frame.schema) == LAKE_SOURCES[name].schema


def test_a_similar_name_is_a_question_at_every_hospital_with_the_lists_data(inbox: Inbox) -> None:
    inbox.lists(leie=leie_text([excluded(lastname="ZZ"), excluded()]))
    assert inbox.questions() == [(B, JANE, NAME), (A, JANE, NAME)]
    row = inbox.table("screening").row(0, named=True)
    reported = {name: row[name] for name in row if name.startswith("listed_") or name in ("list_row", "source")}
    assert reported == {
        "source": "OIG", "list_row": 3, "listed_name": "JANE Q DOE", "listed_specialty": "FAMILY PRACTICE",
        "listed_city": "ALBANY, NY", "listed_birth_year": 1960, "listed_on": dt.date(2020, 1, 1),
    }  # fmt: skip
    assert inbox.table("excluded_in_period").is_empty()  # a name by itself stops no payment


@pytest.mark.parametrize(
    "cells",
    [
        {"npi": "1999999992"},  # somebody else: the list knows the NPI
        {"reindate": "20241231"},
        {"excldate": "20251002"},  # after the payment is due
        {"waiverdate": "20210101", "wvrstate": "MD"},
        {"lastname": "", "firstname": "", "midname": ""},
    ],
)
def test_records_that_cannot_be_the_care_partners_are_no_question(inbox: Inbox, cells: dict[str, str]) -> None:
    inbox.lists(leie=leie_text([excluded(**cells)]))
    assert inbox.questions() == []


@pytest.mark.parametrize(
    ("clearance", "still_asked", "why"),
    [
        (f"{A},{JANE},OIG,C. Officer,2025-05-01,other birth year\n", [B], ""),
        (f"{A},{JANE},oig,C. Officer,2025-05-01,other birth year\n", [B], ""),
        (f"{A},{JANE},LEIE,C. Officer,2020-01-01,other birth year\n", [B], ""),
        (f"{A},{JANE},OIG,C. Officer,2019-12-31,other birth year\n", [B, A], "older than the exclusion"),
        (f"{A},{JOHN},OIG,C. Officer,2025-05-01,other person\n", [B, A], "no record of the list"),
        (f"{A},{JANE},SAM,C. Officer,2025-05-01,other list\n", [B, A], "not compared by name"),
    ],
)
def test_a_clearance_answers_only_its_own_question(
    inbox: Inbox, clearance: str, still_asked: list[str], why: str
) -> None:
    inbox.lists(leie=leie_text([excluded()]))
    inbox.program("screening_clearances", CLEARANCES + clearance)
    assert inbox.questions() == [(ccn, JANE, NAME) for ccn in still_asked]
    cleared = (
        inbox.table("screening").filter(pl.col("effect") == "answered").select("hospital_ccn", "cleared_by").rows()
    )
    assert cleared == ([] if A in still_asked else [(A, "C. Officer")])
    unused = inbox.table("unused_clearances").get_column("why_unused").to_list()
    assert len(unused) == bool(why) and all(why in text for text in unused)


def test_a_clearance_does_not_answer_a_later_exclusion(inbox: Inbox) -> None:
    inbox.lists(leie=leie_text([excluded(), excluded(excldate="20250615", city="UTICA")]))
    inbox.program("screening_clearances", CLEARANCES + f"{A},{JANE},OIG,C. Officer,2025-05-01,other birth year\n")
    assert set(inbox.questions()) == {(B, JANE, NAME), (A, JANE, NAME)}
    rows = inbox.table("screening").filter(pl.col("hospital_ccn") == A).select("listed_city", "effect").rows()
    assert sorted(rows) == [("ALBANY, NY", "answered"), ("UTICA, NY", "question")]


def test_a_clearance_of_another_half_year_answers_nothing(inbox: Inbox) -> None:
    inbox.lists(leie=leie_text([excluded()]))
    path = inbox.home.inbox / "program" / "2024H2" / "screening_clearances.csv"
    path.parent.mkdir(parents=True)
    path.write_text(CLEARANCES + f"{A},{JANE},OIG,C. Officer,2024-11-01,other birth year\n")
    assert (A, JANE, NAME) in inbox.questions()


def test_a_clearance_does_not_undo_an_exclusion_by_npi(inbox: Inbox) -> None:
    inbox.lists(leie=leie_text([excluded(npi=JANE)]))
    inbox.program("screening_clearances", CLEARANCES + f"{A},{JANE},OIG,C. Officer,2025-05-01,another person\n")
    assert inbox.questions() == []
    assert inbox.table("excluded_in_period").get_column("npi").to_list() == [JANE]
    assert inbox.table("unused_clearances").height == 1


def test_a_failed_screening_is_an_answer(inbox: Inbox) -> None:
    inbox.partner_rows = [(A, JANE, "Jane Doe", "failed"), (B, JANE, "Jane Doe", "pending")]
    inbox.program("care_partners", "")
    inbox.lists(leie=leie_text([excluded()]))
    assert inbox.questions() == [(B, JANE, NAME)]


def test_a_clearance_needs_a_person_and_a_date(inbox: Inbox) -> None:
    inbox.program("screening_clearances", CLEARANCES + f"{A},{JANE},OIG,,2025-05-01,x\n{A},{JANE},OIG,me,soon,x\n")
    taken = ingest_period(inbox.home, PERIOD, POLICY)
    (receipt,) = [each for each in taken.program.receipts if each.table == "screening_clearances"]
    assert (receipt.status, set(receipt.rules_broken)) == ("refused", {"CELL-MISSING", "CELL-FORMAT", "KEY-REPEATED"})


@pytest.mark.parametrize(
    ("kind", "off", "on", "reasons"),
    [
        ("1", "", "", []),
        ("2", "", "", [ORGANIZATION]),
        ("", "03/14/2025", "", [DEACTIVATED]),
        ("1", "10/01/2025", "", [DEACTIVATED]),  # the day it is due to be paid
        ("1", "10/02/2025", "", []),
        ("1", "03/14/2019", "03/14/2020", []),
        ("1", "03/14/2025", "03/14/2020", [DEACTIVATED]),  # deactivated again after a reactivation
        ("1", "03/14/2025", "12/01/2025", []),  # reactivated since
        ("2", "03/14/2025", "", [DEACTIVATED, ORGANIZATION]),
    ],
)
def test_npis_that_are_not_active_individuals_are_held(
    inbox: Inbox, kind: str, off: str, on: str, reasons: list[str]
) -> None:
    rows = [(JOHN, kind, off, on), ("1999999992", "2", "01/01/2020", "")]
    inbox.lists(nppes=nppes_text(rows))
    assert inbox.holds() == [(A, JOHN, reason) for reason in reasons]


def test_people_who_may_not_order_are_reported_but_not_held(inbox: Inbox) -> None:
    inbox.lists(order_and_referring=ordering_text([JANE, JOHN]))
    assert inbox.holds() == []
    assert inbox.table("screening").select("hospital_ccn", "npi", "reason").rows() == [
        (A, MARY, "NOT_ON_ORDER_AND_REFERRING")
    ]


def test_every_list_is_reported_with_its_date_and_has_a_receipt(inbox: Inbox) -> None:
    inbox.lists(
        leie=leie_text([excluded(), excluded(), excluded(npi=JOHN, excldate="20250815")]),
        nppes=nppes_text([(JOHN, "2", "", ""), (MARY, "1", "06/30/2025", "07/02/2025")]),
        order_and_referring=ordering_text([JANE]),
        list_dates="list_name,list_date\nnppes,2025-09-14\n",
    )
    write_lake_reference(inbox.home.inbox, inbox.home.lake_reference)
    inbox.ingest()
    reported = inbox.table("screened_lists").drop("file", "care_partners").rows()
    assert reported == [
        ("leie", dt.date(2025, 8, 15), "file", 3, 2, 0, 1, 1),
        ("nppes", dt.date(2025, 9, 14), "stated", 2, 1, 0, 0, 0),
        ("order_and_referring", None, None, 1, 1, 0, 0, 0),
    ]
    names = {f"reference/{name}.csv" for name in ("leie", "nppes", "order_and_referring", "list_dates")}
    assert names <= {str(file["file"]) for file in files_in_force(inbox.home, PERIOD)}
    receipt = json.loads((inbox.home.lake_program(PERIOD) / "receipts" / "leie.json").read_text())
    assert (receipt["rows"], receipt["with_npi"], receipt["without_npi"], receipt["repeated"]) == (3, 1, 1, 1)
    (entry,) = accepted_in(inbox.home, str(PERIOD))
    assert entry.files["inbox/reference/leie.csv"] == receipt["sha256"]

    (inbox.home.inbox / "reference" / "leie.csv").unlink()
    inbox.ingest()
    assert "leie" not in inbox.table("screened_lists").get_column("list_name").to_list()
    assert not (inbox.home.lake_program(PERIOD) / "receipts" / "leie.json").exists()


def test_the_list_is_combined_with_the_one_maintained_by_hand(inbox: Inbox) -> None:
    inbox.lists(
        leie=leie_text([excluded(npi=JANE)]),
        excluded_individuals="npi,source,effective_date,reinstated_date\n"
        f"{JANE},SAM,2021-01-01,\n{JOHN},SAM,2021-01-01,\n",
    )
    inbox.ingest()
    assert inbox.table("excluded_in_period").select("npi", "source").rows() == [(JOHN, "SAM"), (JANE, "OIG|SAM")]


def test_a_waiver_for_the_hospitals_state_is_reported(inbox: Inbox) -> None:
    inbox.lists(leie=leie_text([excluded(npi=JANE, waiverdate="20210101", wvrstate="MD")]))
    assert inbox.holds() == []
    assert inbox.table("screening").select("hospital_ccn", "reason").rows() == [
        (B, "EXCLUSION_WAIVED"), (A, "EXCLUSION_WAIVED")
    ]  # fmt: skip
    assert inbox.table("excluded_in_period").is_empty()


def test_hostile_names_of_care_partners_do_no_harm(inbox: Inbox) -> None:
    names = ["", "?", "MD", "Dr.", "=1+1", "'; drop table", "Ⅲ", "\u202eeoD enaJ", "J" * 900, ", ,", "Jr., Doe Jane"]
    inbox.partner_rows = [(A, f"1{n:09d}", who or "-", "cleared") for n, who in enumerate(names)]
    partners = pl.DataFrame(
        {"hospital_ccn": A, "npi": npi, "name": name, "screening_status": "cleared"}
        for _, npi, name, _ in inbox.partner_rows
    )
    from hcip_pipeline.reference.leie import read_leie
    from hcip_pipeline.reference.screening import NationalLists, screen

    listed = [excluded(), excluded(lastname="", firstname="", busname="?")]
    path = put_list(inbox.home.inbox, "leie.csv", leie_text(listed))
    lists = NationalLists(read_leie(path, "MD"), None, None)
    clearances = pl.DataFrame(schema=LAKE_SOURCES["screening_clearances"].schema)
    found, _ = screen(lists, partners, clearances, PERIOD)
    assert found.get_column("npi").to_list() == ["1000000010"]


def test_a_list_with_two_files_or_a_link_is_refused(inbox: Inbox) -> None:
    inbox.lists(leie=leie_text([excluded()]))
    other = put_list(inbox.home.inbox, "LEIE.csv.gz", "")
    with pytest.raises(TableRefusedError, match="found 2 times"):
        inbox.ingest()
    other.unlink()
    path = inbox.home.inbox / "reference" / "leie.csv"
    path.rename(inbox.home.root / "elsewhere.csv")
    path.symlink_to(inbox.home.root / "elsewhere.csv")
    with pytest.raises(TableRefusedError, match="link"):
        inbox.ingest()
