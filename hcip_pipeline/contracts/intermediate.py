"""The intermediate models that Python reads, and the columns it relies on.

Belongs here: which columns of which model, with their types. Does not belong here: models that only other models read;
they may change with those. A test compares every query in Python with this list, and this list with the models.
"""

from __future__ import annotations

from collections.abc import Mapping

from hcip_pipeline.contracts.table import ColumnType

_CELL: Mapping[str, ColumnType] = {"apr_drg": "text", "severity_of_illness": "text"}
_PARTNER: Mapping[str, ColumnType] = {"hospital_ccn": "text", "npi": "text"}
_CASE: Mapping[str, ColumnType] = {"hospital_ccn": "text", "account_no": "text"}
_WEIGHTED: Mapping[str, ColumnType] = {"length_of_stay": "integer", "core_cost": "money", "supply_drug_cost": "money"}

#: model -> column -> type
READ_BY_PYTHON: Mapping[str, Mapping[str, ColumnType]] = {
    "int_care_partners": {**_PARTNER},
    "int_case_ledger": {
        "stage": "text", "window_name": "text", "hospital_ccn": "text", "cases_in": "integer", "cases_kept": "integer",
        "cases_excluded": "integer", "amount_in": "money", "amount_kept": "money", "amount_excluded": "money",
    },
    "int_case_windows": {"window_name": "text", **_CASE},
    "int_cases": {**_CASE, "npi": "text", "grouper_version": "text", **_CELL},
    "int_condition_outcomes": {**_PARTNER, "condition_id": "text"},
    "int_cost_center_benchmarks": {"service_line": "text"},
    "int_cost_center_totals": {"window_name": "text", "service_line": "text"},
    "int_counted_cases": {
        "window_name": "text", **_CASE, "npi": "text", "stream": "text", **_CELL, **_WEIGHTED, "total_cost": "money",
    },
    "int_norms_in_force": {
        **_CELL, "best_practice_norm": "money", "p75_cost": "money", "maximum_physician_incentive": "money",
        "cost_weight": "ratio", "los_weight": "ratio", "core_weight": "ratio", "supply_drug_weight": "ratio",
    },
    "int_partner_cases": {"window_name": "text", **_CASE, "npi": "text"},
    "int_performance_incentives": {
        **_CASE, "npi": "text", "stream": "text", "cost_weight": "ratio", "is_gated": "boolean",
        "performance_incentive": "money",
    },
    "int_quality_cells": {
        "base_year": "integer", **_CELL, "discharges": "integer", "days": "integer", "short_stays": "integer",
        "deaths": "integer", "sent_on": "integer", "index_discharges": "integer", "readmissions": "integer",
    },
    "int_windowed_cases": {
        "window_name": "text", **_CASE, "npi": "text", **_CELL, "total_cost": "money", "is_counted": "boolean",
        "exclusion_reason": "text",
    },
}  # fmt: skip
