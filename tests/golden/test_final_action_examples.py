"""CMS's two published examples of adjusted claims (inputs.md, "Final action"), from their fixed-width files."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl
import pyarrow as pa
import pytest

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.intake.cclf.fixed_width import RecordReader
from tests.claims_models import connect, fill, rows

EXAMPLES = Path(__file__).parents[2].parent / "shared" / "data" / "cclf" / "examples"
pytestmark = pytest.mark.skipif(not EXAMPLES.is_dir(), reason="CMS's examples are not next to the checkout")


def load(connection: duckdb.DuckDBPyConnection, table: str, file: str) -> None:
    with (EXAMPLES / file).open("rb") as stream:
        frame = pl.DataFrame(pa.Table.from_batches(RecordReader(stream, LAYOUTS[table], file)))
    lineage = {
        "source_archive": "example", "source_file": file, "file_date": dt.date(2012, 9, 15),
        "delivery_month": "2012-09", "is_run_out": False,
    }  # fmt: skip
    fill(connection, table, frame.with_columns(pl.lit(value).alias(name) for name, value in lineage.items()))


def test_table_3_part_a_with_a_changed_identifier():
    connection = connect()
    load(connection, "cclf9", "table3.CCLF9.txt")
    load(connection, "cclf1", "table3_partA.CCLF1.txt")
    actions = {row["claim_id"]: row["status"] for row in rows(connection, "select * from int_final_action")}
    assert actions == {
        "2222222222222": "CANCELLED",
        "3589734591235": "CANCELLATION",
        "1313274894021": "CANCELLED",
        "1111111111111": "CANCELLATION",
        "3333333333333": "FINAL",
    }
    final = rows(connection, "select claim_id, mbi, payment_amount from int_final_part_a_claims")
    assert final == [{"claim_id": "3333333333333", "mbi": "6U50TE7GG18", "payment_amount": Decimal("100.00")}]
    stays = rows(connection, "select admit_date, discharge_date, payment_amount from int_inpatient_stays")
    assert [tuple(stay.values()) for stay in stays] == [(dt.date(2012, 7, 1), dt.date(2012, 7, 4), Decimal("100.00"))]


def test_table_3_without_the_cross_reference_has_orphans():
    """The identifier matters: without the cross-reference, each beneficiary number gives another result."""
    connection = connect()
    load(connection, "cclf1", "table3_partA.CCLF1.txt")
    final = rows(connection, "select claim_id from int_final_part_a_claims order by claim_id")
    assert [row["claim_id"] for row in final] == ["2222222222222"]


def test_table_6_part_b_total():
    connection = connect()
    load(connection, "cclf5", "table6_partB.CCLF5.txt")
    total = rows(
        connection, "select sum(paid_amount) as total, min(claim_id) as claim from int_final_professional_lines"
    )
    assert total == [{"total": Decimal("707.00"), "claim": "0000000000002"}]
    actions = rows(connection, "select claim_id, status from int_final_action order by claim_id")
    assert [row["status"] for row in actions] == ["CANCELLATION", "FINAL", "CANCELLED"]
