"""The column lineage that the Dagster UI shows, derived from SQL."""

from __future__ import annotations

from hcip_pipeline.warehouse.column_lineage import lineage_of

FIRST = """
with kept as (select hospital_ccn, account_no, total_charges + 1 as charged from lake.discharges)
select hospital_ccn, sum(charged) as charged, 'x' as mark from kept group by hospital_ccn
"""
SECOND = """
select first.hospital_ccn, charged as amount from intermediate.first
union all
select npi, try_cast(length_of_stay as decimal(18, 2)) from (select attending_npi as npi, length_of_stay
    from lake.discharges)
"""


def test_a_column_is_traced_to_columns_of_tables_through_all_subqueries() -> None:
    found = lineage_of([("first", FIRST), ("second", SECOND)])
    assert found == {
        "first": {
            "hospital_ccn": [["discharges", "hospital_ccn"]],
            "charged": [["discharges", "total_charges"]],
        },
        "second": {
            "hospital_ccn": [["discharges", "attending_npi"], ["first", "hospital_ccn"]],
            "amount": [["discharges", "length_of_stay"], ["first", "charged"]],
        },
    }


def test_a_model_that_cannot_be_parsed_has_no_lineage_and_affects_no_other() -> None:
    found = lineage_of([("broken", "select from where"), ("first", FIRST)])
    assert found.keys() == {"first"}
