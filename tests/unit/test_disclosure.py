"""Every column that leaves the program declares what it reveals about small counts, and is hidden accordingly."""

from __future__ import annotations

from decimal import Decimal

import pytest

from hcip_pipeline.contracts import certainty
from hcip_pipeline.contracts.disclosure import Count, Harmless, Reveals, counts_of, declared, dependents_of
from hcip_pipeline.contracts.quality_released import RELEASED
from hcip_pipeline.contracts.table import Column, Table
from hcip_pipeline.reference.invented import MARK
from hcip_pipeline.release.layouts import AUDIENCES, LAYOUTS, PUBLIC
from hcip_pipeline.release.quality_orders import digits_over, rounded
from hcip_pipeline.release.reading import ReleaseFiles
from tests.settled_home import SettledHome

PUBLIC_TABLES = [(folder, table) for folder, tables in PUBLIC.items() for table in tables]
#: counts of another row that a column is computed from, by the name that the release gives them
BESIDE = {
    "measure_leaders": {"state_numerator", "state_denominator"},
    "data_quality": {"state_rows", "state_rows_read", "year_before_rows", "year_before_rows_read"},
}


@pytest.mark.parametrize(("folder", "table"), PUBLIC_TABLES, ids=lambda each: getattr(each, "name", each))
def test_every_public_column_declares_what_it_discloses_of_counts(folder: str, table: Table) -> None:
    known = {*counts_of(table), *BESIDE.get(table.name, ())}
    for column in table.columns:
        assert isinstance(column.disclosure, Count | Reveals | Harmless), f"{folder}/{table.name}.{column.name}"
        if isinstance(column.disclosure, Harmless):
            assert len(column.disclosure.reason) > 10
        if isinstance(column.disclosure, Reveals):
            assert column.disclosure.counts and set(column.disclosure.counts) <= known
            assert column.nullable, f"{table.name}.{column.name} is hidden, so it may be empty"
        if isinstance(column.disclosure, Count):
            assert column.type == "integer" and column.nullable


@pytest.mark.parametrize(("folder", "table"), PUBLIC_TABLES, ids=lambda each: getattr(each, "name", each))
def test_a_ratio_is_never_called_harmless_next_to_counts(folder: str, table: Table) -> None:
    """A ratio, mean or rank in a table with counts depends on them, unless it is external or a variance: no count
    follows from a spread whose sums are not released, and physicians' pages show it."""
    given = {"target_change", "reference_value", "reference_goal", "best_practice_norm"}
    given |= {f"{measure}_{variance}" for measure in certainty.MEASURES for variance in ("between", "within")}
    for column in table.columns:
        if counts_of(table) and column.type in ("ratio", "mean") and column.name not in given:
            assert isinstance(column.disclosure, Reveals), f"{folder}/{table.name}.{column.name}"


def test_every_table_that_leaves_is_among_the_public_ones() -> None:
    public = {(folder, table.name): table for folder, table in PUBLIC_TABLES}
    assert set(PUBLIC) == {folder for folder, audience in AUDIENCES.items() if audience == "regulator"}
    for layout in LAYOUTS:
        if AUDIENCES[layout.folder] == "regulator":
            assert public[layout.folder, layout.table.name] is layout.table


def test_a_release_has_no_other_public_table_or_column(settled_home: SettledHome) -> None:
    public = {(folder, table.name): table for folder, table in PUBLIC_TABLES}
    found = set()
    for resource in ReleaseFiles.at(settled_home.release.folder).manifest["resources"]:
        if resource["audience"] == "regulator" and "schema" in resource:  # a table
            folder, name = resource["path"].split("/")
            table = public[folder, name.removesuffix("_2025H1_r1.csv").removeprefix("HCIP_STATE_")]
            assert tuple(field["name"] for field in resource["schema"]["fields"]) == (*table.names, MARK)
            found.add((folder, table.name))
    assert found == set(public)


def test_a_column_cannot_be_declared_twice_or_be_missing() -> None:
    table = Table("t", "one row", (Column("n", "integer", "a count"),))
    for wrong in ({"harmless": {"a reason": ("n",)}}, {"reveals": {"rate": Reveals(("n",))}}):
        with pytest.raises(ValueError, match="declared twice"):
            declared(table, counts=("n",), **wrong)  # type: ignore[arg-type]


def test_dependents_follow_from_the_declarations() -> None:
    leaders = dependents_of(RELEASED["measure_leaders"])
    assert set(leaders["numerator"]) == {"place", "value", "upper_limit", "could_teach", "learner_ccns"}
    assert set(leaders["state_numerator"]) == {"state_value", "could_teach", "learner_ccns"}


@pytest.mark.parametrize(
    ("count", "per", "digits"),
    [(1, 1, 0), (9, 1, 1), (756, 1, 3), (1000, 1, 3), (1001, 1, 4), (756, 1000, 0), (6831, 1000, 1)],
)
def test_a_rate_has_no_more_digits_than_its_denominator_supports(count: int, per: int, digits: int) -> None:
    assert digits_over(count, per) == digits
    assert per / count >= 10.0**-digits or digits == 0


def test_a_row_is_rounded_by_its_own_counts() -> None:
    row = {"measure": "hac_per_1000", "numerator": 20, "denominator": 7560, "value": Decimal("2.64550265")}
    table = Table("t", "one row", tuple(c for c in RELEASED["measure_leaders"].columns if c.name in row))
    assert rounded(row, table, 1000)["value"] == Decimal("2.6")
    assert rounded(row | {"denominator": 756}, table, 1)["value"] == Decimal("2.646")
