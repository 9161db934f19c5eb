"""dbt models read only from lower layers, and each has a key."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from hcip_pipeline.contracts.keys import INTERMEDIATE_KEYS, KEYLESS, STAGING_KEYS, key_of
from hcip_pipeline.contracts.render import key_tests
from hcip_pipeline.warehouse.project import PROJECT
from hcip_pipeline.warehouse.rendering import models

#: what a model of each schema may read
_READS = {
    "staging": {"staging"},
    "intermediate": {"staging", "intermediate"},
    "marts": {"intermediate", "marts", "staging"},
}
#: marts that intermediate models read: the conservation ledger counts the tables that are released
_EXCEPTIONS = {("int_case_ledger_5_norms", "exclusions"), ("int_incentive_ledger", "incentives")}


def test_models_read_only_from_their_own_layer_or_below() -> None:
    upwards = {
        (name, parent)
        for name, model in models().items()
        for parent in model.reads
        if models()[parent].schema not in _READS[model.schema]
    }
    assert sorted(upwards - _EXCEPTIONS) == []
    assert sorted(_EXCEPTIONS - upwards) == [], "these are gone: take them off the list"


def test_only_staging_reads_the_lake() -> None:
    assert {name for name, model in models().items() if model.sources and model.schema != "staging"} == set()


def test_every_model_has_a_key_or_a_reason_for_none() -> None:
    declared = [*STAGING_KEYS, *INTERMEDIATE_KEYS, *KEYLESS]
    assert sorted(declared) == sorted(name for name, model in models().items() if model.schema != "marts")
    assert {name: models()[name].schema for name in STAGING_KEYS} == dict.fromkeys(STAGING_KEYS, "staging")
    assert [name for name, model in models().items() if model.schema == "marts" and not key_of(name)] == []


def test_no_key_test_remains_for_a_removed_folder() -> None:
    files = {Path("dbt_project/tests") / path.name for path in (PROJECT / "tests").glob("keys_of_*.sql")}
    assert files == set(key_tests())


@pytest.mark.parametrize(("rows", "repeated"), [("(1), (2)", []), ("(1), (1), (2), (null), (null)", [2])])
def test_a_repeated_key_is_found(rows: str, repeated: list[int]) -> None:
    query = key_tests()[Path("dbt_project/tests/keys_of_intermediate_ledger.sql")].split("union all")[0]
    with duckdb.connect() as connection:
        connection.execute(
            "create table int_case_ledger as "
            "select each as stage, 'performance' as window_name, '210001' as hospital_ccn "
            f"from (values {rows}) as given(each)"
        )
        found = connection.execute(query.replace("{{ ref('int_case_ledger') }}", "int_case_ledger")).fetchall()
    assert [row[2] for row in found] == repeated


def test_a_table_of_one_row_has_an_empty_key() -> None:
    assert key_of("int_quality_state") == ()
    assert key_of("stg_charge_lines") is None
