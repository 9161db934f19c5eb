"""Final action of any history, in any order of arrival, compared with a matcher of one cancellation at a time."""

from __future__ import annotations

import datetime as dt
import os
from collections import Counter, defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.claims_models import connect, fill, rows

#: previous -> current: a chain over two changes, and one person who never changed
LINKS = (("1OLD", "1MID"), ("1MID", "1NEW"))
CURRENT = {"1OLD": "1NEW", "1MID": "1NEW", "1NEW": "1NEW", "2ONLY": "2ONLY"}
MONTHS = [dt.date(2025, month, 15) for month in range(1, 5)]
JANUARY = dt.date(2025, 1, 1)


@dataclass(frozen=True)
class Version:
    """One claim version: its content, and its deliveries (month, run-out).

    ``amounts``: paid, allowed and, of a Part B line, who rendered it (by default :data:`SOMEBODY`).
    """

    claim_id: str
    part: str
    type: str
    key: int
    mbi: str
    amounts: tuple[tuple[str, ...], ...]
    deliveries: tuple[tuple[dt.date, bool], ...]


SOMEBODY, SOMEBODY_ELSE = "1000000004", "1000000012"
AMOUNTS = st.sampled_from(["0.00", "10.00", "10.01", "25.50"])
PART_A_AMOUNTS = st.tuples(st.tuples(AMOUNTS, st.just("0.00")))
LINE_AMOUNTS = st.lists(
    st.tuples(AMOUNTS, AMOUNTS, st.sampled_from([SOMEBODY, SOMEBODY, SOMEBODY_ELSE])), min_size=1, max_size=3
).map(tuple)
LINES = {
    "A": PART_A_AMOUNTS,
    "B": LINE_AMOUNTS,
    "DME": LINE_AMOUNTS.map(lambda lines: tuple(line[:2] for line in lines)),
}
DELIVERIES = st.lists(st.tuples(st.sampled_from(MONTHS), st.booleans()), min_size=1, max_size=3, unique=True).map(tuple)


#: enough versions under each key to make matches likely, and many keys in one history, because each run is expensive
KEYS = 9
HISTORIES = int(os.environ.get("HCIP_HISTORIES", "18"))


@st.composite
def histories(draw: st.DrawFn) -> list[Version]:
    count = draw(st.integers(1, 6 * KEYS))
    ids = draw(st.lists(st.integers(1, 10**13 - 1), min_size=count, max_size=count, unique=True))
    versions = []
    for number in ids:
        part = draw(st.sampled_from(["A", "B", "DME"]))
        versions.append(
            Version(
                claim_id=str(number) if draw(st.booleans()) else f"{number:013d}",
                part=part,
                type=draw(st.sampled_from(["0", "1", "1", "2"])),
                key=draw(st.integers(1, KEYS)),
                mbi=draw(st.sampled_from(list(CURRENT))),
                amounts=draw(LINES[part]),
                deliveries=draw(DELIVERIES),
            )
        )
    return versions


def plain_matcher(versions: list[Version]) -> dict[str, str]:
    """Claim id -> status: cancellations one after the other, each matched with the lowest claim id that agrees."""
    standing = [version for version in versions if version.type != "1"]
    status = {version.claim_id: "FINAL" for version in standing}
    for cancellation in (version for version in versions if version.type == "1"):
        agreeing = [
            version
            for version in standing
            if (version.part, version.key, CURRENT[version.mbi], sorted(version.amounts))
            == (cancellation.part, cancellation.key, CURRENT[cancellation.mbi], sorted(cancellation.amounts))
        ]
        if agreeing:
            gone = min(agreeing, key=lambda version: int(version.claim_id))
            standing.remove(gone)
            status[gone.claim_id] = "CANCELLED"
    return status


def lineage(day: dt.date, run_out: bool, row: int) -> dict[str, Any]:
    return {
        "source_archive": f"{day}{'R' if run_out else 'Y'}", "source_file": "f", "source_row": row, "file_date": day,
        "delivery_month": f"{day:%Y-%m}", "is_run_out": run_out,
    }  # fmt: skip


def number_in(day: dt.date, mbi: str) -> str:
    """The person's number in a file: later files use the newer number, even for a record delivered again."""
    return mbi if CURRENT[mbi] == mbi == "2ONLY" else ("1OLD", "1MID", "1NEW", "1NEW")[MONTHS.index(day)]


def deliver(connection: duckdb.DuckDBPyConnection, versions: list[Version]) -> None:
    """Put every delivery of every version into the lake, in CMS's format."""
    tables: dict[str, list[dict[str, Any]]] = {"cclf1": [], "cclf5": [], "cclf6": []}
    for version in versions:
        for day, run_out in version.deliveries:
            for number, (paid, allowed, *rendered_by) in enumerate(version.amounts, start=1):
                table = {"A": "cclf1", "B": "cclf5", "DME": "cclf6"}[version.part]
                row = {
                    "cur_clm_uniq_id": version.claim_id, "bene_mbi_id": version.mbi,
                    "clm_adjsmt_type_cd": version.type, **lineage(day, run_out, len(tables[table]) + 1),
                }  # fmt: skip
                if version.part == "A":
                    # The older record has the hospital in another field.
                    name = "prvdr_oscar_num" if day < MONTHS[2] else "clm_blg_prvdr_oscar_num"
                    row |= {name: f"21000{version.key}", "clm_from_dt": JANUARY, "clm_thru_dt": JANUARY}
                    row |= {"clm_type_cd": "60", "clm_pmt_amt": Decimal(paid)}
                else:
                    row |= {"clm_line_num": number, "clm_cntl_num": f"C{version.key}", "clm_type_cd": "71"}
                    row |= {"clm_line_cvrd_pd_amt": Decimal(paid), "clm_line_alowd_chrg_amt": Decimal(allowed)}
                    if version.part == "B":
                        row |= {"rndrg_prvdr_npi_num": rendered_by[0] if rendered_by else SOMEBODY}
                tables[table].append(row)
    for table, delivered in tables.items():
        fill(connection, table, delivered)
    links = [
        {"hicn_mbi_xref_ind": "M", "prvs_num": before, "crnt_num": after, **lineage(day, False, 1)}
        for (before, after), day in zip(LINKS, MONTHS, strict=False)
    ]
    fill(connection, "cclf9", links)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    return connect()


def totals(versions: list[Version], side: int, keep: set[str]) -> dict[tuple[str, int, str], Decimal]:
    """Signed amounts by part, key and person over the kept versions."""
    sums: dict[tuple[str, int, str], Decimal] = defaultdict(Decimal)
    for version in versions:
        if version.claim_id in keep:
            sign = -1 if version.type == "1" else 1
            amount = sum(Decimal(pair[side]) for pair in version.amounts)
            sums[(version.part, version.key, CURRENT[version.mbi])] += sign * amount
    return {key: value for key, value in sums.items() if value}


@settings(max_examples=HISTORIES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=histories())
def test_final_action_is_that_of_the_plain_matcher(connection: duckdb.DuckDBPyConnection, versions: list[Version]):
    deliver(connection, versions)
    actions = rows(connection, "select * from int_final_action")
    assert Counter(row["claim_id"] for row in actions) == Counter(version.claim_id for version in versions)
    expected = plain_matcher(versions)
    status = {row["claim_id"]: row["status"] for row in actions}
    assert {claim: status[claim] for claim in expected} == expected

    # As many cancellations as claims are removed, and only orphans are left over.
    assert Counter(status.values())["CANCELLED"] == Counter(status.values())["CANCELLATION"]
    orphans = {claim for claim, what in status.items() if what == "ORPHAN_CANCELLATION"}
    finals = {claim for claim, what in status.items() if what == "FINAL"}
    everything = set(status)
    for side in (0, 1):
        remaining = totals(versions, side, finals | orphans)
        assert totals(versions, side, everything) == remaining
        column = ("signed_paid_amount", "signed_allowed_amount")[side]
        total = sum((row[column] for row in actions if row["status"] in ("FINAL", "ORPHAN_CANCELLATION")), Decimal(0))
        assert total == sum(remaining.values(), Decimal(0))
    assert all((row["orphan_reason"] is not None) == (row["claim_id"] in orphans) for row in actions)


@settings(max_examples=HISTORIES // 3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(versions=histories(), data=st.data())
def test_order_of_arrival_and_repeats_change_nothing(
    connection: duckdb.DuckDBPyConnection, versions: list[Version], data: st.DataObject
):
    query = "select claim_id, status, signed_paid_amount from int_final_action order by claim_id"
    deliver(connection, versions)
    before = rows(connection, query)
    again = [
        Version(**{**version.__dict__, "deliveries": data.draw(DELIVERIES)})
        for version in data.draw(st.permutations(versions))
    ]
    deliver(connection, again)
    assert rows(connection, query) == before


def version(claim_id: str, type_: str, amount: str = "10.00", key: int = 1, **other: Any) -> Version:
    fields = {"part": "A", "mbi": "2ONLY", "amounts": ((amount, "0.00"),), "deliveries": ((MONTHS[0], False),)}
    return Version(**{"claim_id": claim_id, "type": type_, "key": key, **fields, **other})


def test_a_cancellation_may_come_before_or_after_the_claim_that_replaces_it(connection: duckdb.DuckDBPyConnection):
    for order in ((0, 1, 2), (0, 2, 1), (2, 1, 0)):
        chain = [
            version("1", "0", deliveries=((MONTHS[order[0]], False),)),
            version("2", "1", deliveries=((MONTHS[order[1]], False),)),
            version("3", "2", "25.50", deliveries=((MONTHS[order[2]], False),)),
        ]
        deliver(connection, chain)
        final = rows(connection, "select claim_id, payment_amount from int_final_part_a_claims")
        assert final == [{"claim_id": "3", "payment_amount": Decimal("25.50")}]


def test_several_claims_may_stay_final_under_one_key(connection: duckdb.DuckDBPyConnection):
    deliver(connection, [version("1", "0"), version("2", "0", "25.50"), version("3", "2", "10.01")])
    assert len(rows(connection, "select * from int_final_part_a_claims")) == 3


def test_orphans_are_reported_with_their_reason(connection: duckdb.DuckDBPyConnection):
    deliver(
        connection,
        [version("1", "0"), version("2", "1"), version("3", "1"), version("4", "1", "0.00"), version("5", "1", key=2)],
    )
    reasons = rows(connection, "select claim_id, orphan_reason from int_final_action where orphan_reason is not null")
    assert {row["claim_id"]: row["orphan_reason"] for row in reasons} in (
        {
            "3": "MORE_CANCELLATIONS_THAN_CLAIMS", "4": "NO_CLAIM_OF_AMOUNT", "5": "NO_CLAIM_UNDER_KEY",
        },
    )  # fmt: skip


def test_a_choice_between_equal_claims_is_reported(connection: duckdb.DuckDBPyConnection):
    deliver(connection, [version("9", "0"), version("10", "2"), version("1", "1")])
    actions = {row["claim_id"]: row for row in rows(connection, "select * from int_final_action")}
    assert actions["9"]["status"] == "CANCELLED"  # the lowest number, not the lowest text
    assert actions["10"]["status"] == "FINAL"
    assert actions["9"]["is_ambiguous"]


def test_allowed_amounts_must_agree_too(connection: duckdb.DuckDBPyConnection):
    """Nothing was paid both times: the cancellation still removes the claim with its own allowed charge."""
    part_b = {"part": "B"}
    deliver(
        connection,
        [
            version("1", "0", amounts=(("0.00", "25.50"),), **part_b),
            version("2", "2", amounts=(("0.00", "10.00"),), **part_b),
            version("3", "1", amounts=(("0.00", "10.00"),), **part_b),
        ],
    )
    assert [row["allowed_amount"] for row in rows(connection, "select * from int_final_professional_lines")] == [
        Decimal("25.50")
    ]


def test_a_cancellation_takes_back_the_claim_of_its_own_physician(connection: duckdb.DuckDBPyConnection):
    """Two claims with one number and amount, for two physicians: claim ids do not decide whose cap includes it."""
    part_b = {"part": "B"}
    deliver(
        connection,
        [
            version("1", "0", amounts=(("10.00", "25.50", SOMEBODY),), **part_b),
            version("2", "0", amounts=(("10.00", "25.50", SOMEBODY_ELSE),), **part_b),
            version("3", "1", amounts=(("10.00", "25.50", SOMEBODY_ELSE),), **part_b),
        ],
    )
    assert [row["npi"] for row in rows(connection, "select * from int_final_professional_lines")] == [SOMEBODY]


def test_a_record_delivered_again_with_another_amount_counts_once_and_is_reported(
    connection: duckdb.DuckDBPyConnection,
):
    deliver(connection, [version("1", "0")])
    first = connection.sql("select * from lake.cclf1").pl()
    deliver(connection, [version("1", "0", "25.50", deliveries=((MONTHS[3], True),))])
    second = connection.sql("select * from lake.cclf1").pl()
    fill(connection, "cclf1", first.vstack(second))
    assert [row["payment_amount"] for row in rows(connection, "select * from int_final_part_a_claims")] == [
        Decimal("25.50")
    ]
    assert len(rows(connection, "select * from int_changed_redeliveries")) == 1
