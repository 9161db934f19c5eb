"""Verification checks the claims tables of a release for consistency, in code that shares nothing with the pipeline."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.contracts.cms import CLAIMS_REPORT, POST_ACUTE
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.release.tables import write_csv
from hcip_pipeline.release.verification.claims import check_claims
from hcip_pipeline.release.verification.report import Findings
from hcip_pipeline.release.verification.shapes import SHAPES
from hcip_pipeline.release.verification.tables import read_csv

D = Decimal
REPORT = {
    "period": "2025H1", "part": "A", "rows_delivered": 12, "rows_repeated": 2, "claim_versions": 10, "final_claims": 5,
    "cancelled_claims": 2, "orphan_cancellations": 1, "orphans_without_key": 1, "signed_amount": D("900.00"),
    "final_amount": D("1000.00"), "orphan_amount": D("100.00"),
}  # fmt: skip
STAYS = {
    "hospital_ccn": "210001", "period": "2025H1", "service_line": "Orthopedics", "npi": "1", "episodes": 9,
    "readmissions": 3, "readmitted_without_post_acute": 2, "episodes_with_post_acute": 4,
    "home_health_amount": D("10.00"), "hospice_amount": D("0.01"), "post_acute_amount": D("10.01"),
}  # fmt: skip


def differences(folder: Path, **changed: Any) -> list[tuple[str, str]]:
    """Rule and column of each difference found in the two tables with these figures changed."""
    findings = Findings()

    def table(name: str, _owner: str = "STATE") -> Any:
        contract: Table
        contract, row = (CLAIMS_REPORT, REPORT) if name == "claims_report" else (POST_ACUTE, STAYS)
        zero = {c.name: D("0.00") if c.type == "money" else 0 for c in contract.columns if not c.key}
        values = zero | row | {column: value for column, value in changed.items() if column in contract.names}
        frame = pl.DataFrame([values], schema=contract.schema, orient="row")
        write_csv(frame, folder / f"{name}.csv")
        shape = next(shape for shape in SHAPES.values() if shape.name == name)
        return read_csv(folder / f"{name}.csv", name, shape)

    check_claims(SimpleNamespace(table=table, hospitals=["210001"]), findings)  # type: ignore[arg-type]
    return [(each.rule, each.column) for each in findings.listed]


def test_tables_that_agree_with_themselves_pass(tmp_path: Path) -> None:
    assert differences(tmp_path) == []


@pytest.mark.parametrize(
    ("changed", "noticed"),
    [
        ({"signed_amount": D("900.01")}, ("final_action", "signed_amount")),
        ({"orphan_amount": D("99.99")}, ("final_action", "signed_amount")),
        ({"final_claims": 6}, ("final_action", "claim_versions")),
        ({"orphans_without_key": 0}, ("final_action", "orphan_cancellations")),
        ({"claims_replaced": 6}, ("final_action", "claims_replaced")),
        ({"rows_repeated": 3}, ("final_action", "rows_delivered")),
        ({"hospice_amount": D("0.02")}, ("post_acute", "post_acute_amount")),
        ({"readmissions": 10}, ("post_acute", "readmissions")),
        ({"readmitted_without_post_acute": 4}, ("post_acute", "readmitted_without_post_acute")),
        ({"episodes_with_post_acute": 10}, ("post_acute", "episodes_with_post_acute")),
    ],
)
def test_a_changed_figure_is_noticed(tmp_path: Path, changed: dict[str, Any], noticed: tuple[str, str]) -> None:
    assert noticed in differences(tmp_path, **changed)
