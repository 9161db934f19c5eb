"""The contracts' pandera schemas: they enforce the declarations, and cannot be bypassed."""

from __future__ import annotations

import polars as pl
import pytest

from hcip_pipeline.contracts import hospital, pandera_schemas, program, reference
from hcip_pipeline.contracts.pandera_schemas import guard, schema
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError

TABLES = [
    hospital.DISCHARGES,
    hospital.CHARGES,
    hospital.LAKE_DISCHARGES,
    hospital.LAKE_CHARGES,
    *program.TABLES.values(),
    *reference.TABLES.values(),
]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_a_schema_has_the_contracts_declarations(table: Table) -> None:
    columns = schema(table).columns
    assert list(columns) == list(table.names)
    for column in table.columns:
        declared = columns[column.name]
        assert declared.dtype.type == column.polars_type
        assert (declared.nullable, declared.required) == (column.nullable, not column.optional)
        assert len(declared.checks) == bool(column.allowed) + (column.max_length is not None)


def _line(**cells: object) -> pl.DataFrame:
    row = {
        "hospital_ccn": "210001", "account_no": "A1", "revenue_code": "0120", "service_date": None, "units": 1,
        "charge": "1.00", "submission": "2025Q1/210001", "source_file": "charges.csv", "source_row": 2,
    }  # fmt: skip
    frame = pl.DataFrame({name: [value] for name, value in (row | cells).items()})
    types = {name: dtype for name, dtype in hospital.LAKE_CHARGES.schema.items() if name in frame.columns}
    return frame.cast(types)  # type: ignore[arg-type]


def test_a_frame_of_the_contract_passes() -> None:
    guard(_line(), hospital.LAKE_CHARGES, "charge lines")


@pytest.mark.parametrize(
    ("frame", "column"),
    [
        (_line(account_no=None), "account_no"),
        (_line(revenue_code="01200"), "revenue_code"),
        (_line().with_columns(pl.col("charge").cast(pl.Float64)), "charge"),
        (_line().drop("units"), "units"),
        (_line().with_columns(extra=pl.lit(1)), "extra"),
        (_line().select(reversed(hospital.LAKE_CHARGES.names)), ""),
    ],
)
def test_a_frame_that_breaks_the_contract_is_refused_without_showing_a_cell(frame: pl.DataFrame, column: str) -> None:
    with pytest.raises(HcipError) as refused:
        guard(frame, hospital.LAKE_CHARGES, "charge lines")
    assert column in refused.value.message
    assert "01200" not in str(refused.value)


def test_a_lazy_frame_is_refused() -> None:
    with pytest.raises(HcipError, match="cannot be validated"):
        guard(_line(account_no=None).lazy(), hospital.LAKE_CHARGES, "charge lines")  # type: ignore[arg-type]


def test_switched_off_validation_is_an_error() -> None:
    from pandera.config import config_context

    with config_context(validation_enabled=False), pytest.raises(HcipError, match="cannot be validated"):
        guard(_line(), hospital.LAKE_CHARGES, "charge lines")


def test_a_frame_that_only_one_of_the_two_checks_refuses_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pandera_schemas, "_conforms", lambda frame, table: pl.LazyFrame({"types": [False]}))
    with pytest.raises(HcipError, match="breaks the contract of lake_charges"):
        guard(_line(), hospital.LAKE_CHARGES, "charge lines")
