"""One formula, number or file changed, in more than a hundred places: ``hcip verify`` notices each change.

Covers formulas of §2 and §6 to §10 of the methodology, every value of the policy and every file of a release. Formulas
of a case's cost, physician and exclusion are in ``test_case_mutations``.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.release.verification import verify_release
from tests import mutants
from tests.released_state import ESTIMATES, PERIOD, State, release, unreleased
from tests.settlement_models import Bench, Mutant

__all__ = ["unreleased"]

pytestmark = pytest.mark.slow

A, B, C, STATE = "210001", "210002", "210003", "STATE"


#: model or macro file, its text, the replacement
FORMULAS = [
    # §0: the one division, the percentile, and the curve
    ("exact_arithmetic", "' as ' ~ wide_integer() ~ ') + abs('", "' as ' ~ wide_integer() ~ ') + 0 * abs('"),
    ("exact_arithmetic", "' - 1) * cast('", "' - 2) * cast('"),
    ("exact_arithmetic", "greatest({{ low }}, least({{ high }}, {{ value }}))", "least({{ high }}, {{ value }})"),
    ("component_savings", "' - ' ~ cost", "' + ' ~ cost"),
    # §2, §6: trends and norms
    ("int_trends", "'performance.index_value', 'own.index_value'", "'own.index_value', 'performance.index_value'"),
    ("int_physician_means", "'sum(total_cost)', 'count(*)'", "'sum(core_cost)', 'count(*)'"),
    ("int_norm_percentiles", "sorted_means', policy_number('best_practice_percentile')", "sorted_means', '0.26'"),
    ("int_norm_percentiles", "<= by_case.threshold_numerator", "> by_case.threshold_numerator"),
    ("int_norms", "greatest(counted.total_cost - percentiles.best_practice_norm, 0)",
     "counted.total_cost - percentiles.best_practice_norm"),
    ("int_norms", "policy_number('incentive_rate')", "'0.11'"),
    ("int_norms", "'available.total_available_incentive', 'cells.cases'",
     "'available.total_available_incentive', 'percentiles.physicians'"),
    ("int_norms_in_force", "exact_product('norms.p75_cost', 'trends.trend')", "'norms.p75_cost'"),
    ("int_hospital_incentive_pools", "least(greatest(", "greatest(greatest("),
    # §7: performance
    ("int_performance_gate", "means.mean_cost > norms.p75_cost", "means.mean_cost < norms.p75_cost"),
    ("int_performance_incentives", "exact_product('mpi_performance', power", "exact_product('mpi_improvement', power"),
    ("int_performance_incentives", "when is_gated then cast(0 as decimal(18, 2))",
     "when is_gated then cast(1 as decimal(18, 2))"),
    # §8: improvement
    ("int_stream_averages", "'sum(cost)', 'sum(cost_weight)'", "'sum(cost)', 'sum(los_weight)'"),
    ("int_stream_averages", "'sum(length_of_stay)', 'sum(los_weight)'", "'sum(length_of_stay)', 'count(*)'"),
    ("int_improvement_pools", "sum(cases.improvement_ceiling_cost - cases.best_practice_norm)",
     "sum(cases.p75_cost - cases.best_practice_norm)"),
    ("int_improvement_incentives", ">= {{ policy('min_baseline_cases') }}", ">= 6"),
    ("int_improvement_incentives", "window_name = 'baseline' and component", "window_name = 'base_year' and component"),
    ("int_improvement_incentives", "least(uncapped_incentive, mpi_improvement)", "uncapped_incentive"),
    # §9: the waterfall
    ("int_condition_outcomes", "reported = 'Y', false)", "reported = 'Y', true)"),
    ("int_condition_outcomes", "'conditions.weight_percent', '100'", "'conditions.weight_percent', '99'"),
    ("int_waterfall_2_conditions", "bool_and(is_met)", "bool_or(is_met)"),
    ("int_waterfall_3_standing", "participation_start > period.start_date", "participation_start > period.end_date"),
    ("int_waterfall_3_standing", "screening_status = 'failed'", "screening_status = 'lost'"),
    ("int_waterfall_4_committee", "standing.incentive + least", "standing.incentive - least"),
    ("int_waterfall_5_pfs_cap", "- coalesce(earlier.amount, 0)", "+ coalesce(earlier.amount, 0)"),
    ("int_waterfall_5_pfs_cap", "like '{{ run_fact(\"year\") }}H%'", "like '%'"),
    ("int_distribution_limits", "- earlier_incentives -", "+ earlier_incentives -"),
    ("int_distribution_limits", "policy(\"limit_scope\")", "'all'"),
    ("int_distribution_limits", "least(cumulative_limit, incentive_pool)", "cumulative_limit"),
    ("int_waterfall_6_distribution_limit", "order by remainder desc", "order by remainder"),
    ("int_year_caps", "like '{{ run_fact(\"year\") }}H%'", "like '%'"),
    ("int_year_caps", "'pfs_approved_amount', 'physician_cap_percent'", "'pfs_approved_amount', '100'"),
    ("int_holds", "case when limits.is_contested then 'POOL_CONTESTED' end", "null"),
    ("incentives", "when is_held then 'HELD'", "when is_held then 'PAYABLE'"),
    # §10: savings
    ("int_internal_savings", "'performance.core_weight',\n            policy('variable_cost_factor')",
     "'performance.core_weight',\n            '1'"),
    ("int_internal_savings", "filter (where component = 'supply_drug')", "filter (where component = 'total')"),
    ("int_scoped_cases", "or normed.is_care_partner", "or not normed.is_care_partner"),
    # §3: the ledger
    ("int_case_ledger_4_exclusions", "count(*) filter (where is_counted) as cases_kept", "count(*) as cases_kept"),
    ("int_incentive_ledger", "sum(final_incentive) as amount_kept", "sum(calculated_incentive) as amount_kept"),
]  # fmt: skip


@pytest.fixture(scope="module")
def sealed(unreleased: State, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The small state's release with tables only: verification does not use pages."""
    home = Home(tmp_path_factory.mktemp("sealed"))
    shutil.copytree(unreleased.home.releases, home.releases, ignore=shutil.ignore_patterns(str(PERIOD)))
    return release(unreleased, unreleased.norms, home, home.root / "build", renderers={})


@pytest.fixture(scope="module")
def bench(unreleased: State, sealed: Path) -> mutants.ReleasedBench:
    return mutants.ReleasedBench(Bench(unreleased.spec, ESTIMATES), sealed)


def test_resealing_changes_nothing(sealed: Path, tmp_path: Path) -> None:
    """Rewriting and sealing the same cells verifies, so the tests below notice the change itself."""
    copied = mutants.copy_of(sealed, tmp_path)
    tables = [path for path in sorted(copied.rglob("HCIP_*.csv")) if path.with_suffix(".parquet").is_file()]
    assert len(tables) > 30
    mutants.seal(copied, *tables)
    report = verify_release(copied)
    assert report.ok, report.listed


@pytest.mark.parametrize("formula", FORMULAS, ids=lambda formula: str(Mutant(*formula)))
def test_a_changed_formula_is_noticed(
    formula: tuple[str, str, str], bench: mutants.ReleasedBench, tmp_path: Path
) -> None:
    report = verify_release(bench.release_of(Mutant(*formula), tmp_path))
    integrity = ("manifest", "files", "tables", "parquet", "policy", "chain")
    assert all(not report.tallies[rule].differences for rule in integrity), "the mutant is a valid package"
    assert not report.ok


def _plus(amount: str) -> Callable[[str], str]:
    from decimal import Decimal

    return lambda cell: str(Decimal(cell or "0") + Decimal(amount))


def _to(value: str) -> Callable[[str], str]:
    return lambda cell: value


CENT, UNIT, LAST = _plus("0.01"), _plus("1"), _plus("0.00000001")

#: table, owner, line, column, change; the manifest and the Parquet file are changed to agree
CELLS: list[tuple[str, str, int, str, Callable[[str], str]]] = [
    ("incentives", A, 2, "case_mix_index", LAST),
    ("incentives", A, 2, "performance_incentive", CENT),
    ("incentives", B, 4, "improvement_incentive_medical", CENT),
    ("incentives", C, 2, "calculated_incentive", CENT),
    ("incentives", A, 3, "conditions_met_weight", _to("1.00000000")),
    ("incentives", A, 3, "conditions_adjustment", CENT),
    ("incentives", B, 3, "pfs_cap_amount", CENT),
    ("incentives", B, 3, "distribution_limit_adjustment", CENT),
    ("incentives", A, 2, "final_incentive", CENT),
    ("incentives", C, 2, "status", _to("PAYABLE")),
    ("incentives", B, 5, "reasons", _to("NO_CASES")),
    ("incentive_cases", A, 2, "cost", CENT),
    ("incentive_cases", A, 4, "stream", lambda cell: {"medical": "surgical", "surgical": "medical"}[cell]),
    ("incentive_cases", B, 2, "severity_of_illness", _to("4")),
    ("incentive_cases", B, 3, "p75_cost", CENT),
    ("incentive_cases", C, 2, "mpi_improvement", CENT),
    ("incentive_cases", C, 3, "performance_fraction", _plus("-0.00000001")),
    ("incentive_cases", C, 4, "performance_incentive", CENT),
    ("baseline_cases", A, 2, "cost", CENT),
    ("baseline_cases", A, 3, "length_of_stay", UNIT),
    ("baseline_cases", B, 2, "cost_weight", LAST),
    ("improvement", A, 2, "baseline_cases", UNIT),
    ("improvement", A, 3, "adjusted_cost", _plus("0.0001")),
    ("improvement", A, 3, "spread", _plus("0.0001")),
    ("improvement", B, 2, "days_saved", _plus("0.0001")),
    ("improvement", B, 3, "improvement_fraction", LAST),
    ("improvement", C, 4, "has_baseline", _to("true")),
    ("conditions", A, 2, "met", _to("N")),
    ("conditions", B, 3, "weighted_amount", CENT),
    ("payment_inputs", C, 3, "screening_status", _to("cleared")),
    ("payment_inputs", A, 2, "participation_start", _to("2025-07-02")),
    ("payment_inputs", A, 2, "arrangement_signed", _to("")),
    ("payment_inputs", A, 3, "approved_activities", _to("0")),
    ("payment_inputs", A, 4, "committee_adjustment_amount", CENT),
    ("payment_inputs", B, 3, "pfs_approved_amount", UNIT),
    ("payment_inputs", B, 3, "pfs_amount_in_doubt", _to("999999999.99")),
    ("payment_inputs", A, 2, "physician_cap_percent", _to("25.00000000")),
    ("payment_inputs", A, 2, "earlier_period_incentive", _to("0.00")),
    ("payment_inputs", B, 2, "improvement_share", _to("0.70000000")),
    ("payment_inputs", C, 2, "mpi_ceiling", _to("")),
    ("payment_inputs", A, 4, "protocol_approved_on", _to("2025-07-01")),
    ("payment_inputs", B, 4, "program_year", _to("2")),
    ("payment_inputs", B, 4, "has_locked_conditions", _to("false")),
    ("savings", STATE, 2, "potential_savings", CENT),
    ("savings", STATE, 3, "baseline_supply_drug_weight", LAST),
    ("savings", STATE, 5, "internal_savings_supply_drug", CENT),
    ("savings", STATE, 2, "internal_savings_to_date", CENT),
    ("distribution_limits", STATE, 2, "earlier_incentives", CENT),
    ("distribution_limits", STATE, 2, "other_program_amounts_to_date", CENT),
    ("distribution_limits", STATE, 3, "incentive_pool", CENT),
    ("programs", STATE, 2, "first_performance_period", _to("2025H2")),
    ("programs", STATE, 2, "program_year", _to("1")),
    ("programs", STATE, 3, "accepted_first_period", _to("2024H2")),
    ("programs", STATE, 3, "is_first_period_changed", _to("true")),
    ("programs", STATE, 4, "protocol_year", _to("2025")),
    ("other_programs", STATE, 2, "amount", CENT),
    ("other_programs", STATE, 2, "reported_period", _to("2023H2")),
    ("distribution_limits", STATE, 4, "is_contested", _to("false")),
    ("year_caps", STATE, 2, "earlier_payable", CENT),
    ("year_caps", STATE, 2, "later_payable", CENT),
    ("year_caps", STATE, 3, "pfs_approved_amount", UNIT),
    ("year_caps", STATE, 2, "later_year_cap", _to("99999.00")),
    ("year_caps", STATE, 2, "year_cap", CENT),
    ("year_caps", STATE, 2, "over_cap", CENT),
    ("norms", STATE, 2, "best_practice_norm", CENT),
    ("norms", STATE, 11, "maximum_physician_incentive", CENT),
    ("norms", STATE, 12, "supply_drug_weight", LAST),
    ("norm_physicians", STATE, 4, "physician_mean_cost", _plus("0.1")),
    ("norm_cases", STATE, 2, "core_cost", CENT),
    ("norm_cases", STATE, 3, "length_of_stay", UNIT),
    ("physician_cells", STATE, 2, "cost", CENT),
    ("physician_cells", STATE, 3, "p75_cost", CENT),
    ("rates", STATE, 16, "rate_value", LAST),
    ("exclusions", STATE, 2, "cases", UNIT),
    ("conservation", STATE, 4, "amount_kept", CENT),
]  # fmt: skip


@pytest.fixture
def copied(sealed: Path, tmp_path: Path) -> Path:
    """A copy of the release, with its earlier periods."""
    return mutants.copy_of(sealed, tmp_path)


@pytest.mark.parametrize(
    ("table", "owner", "line", "column", "change"),
    CELLS,
    ids=[f"{table}-{owner}-{line}-{column}" for table, owner, line, column, _ in CELLS],
)
def test_a_forged_cell_is_noticed_by_recomputing(
    table: str, owner: str, line: int, column: str, change: Callable[[str], str], copied: Path
) -> None:
    mutants.forge_cell(copied, table, owner, line, column, change)
    report = verify_release(copied)
    assert not report.tallies["files"].differences, "hashes and sizes agree with the forged file"
    assert not report.tallies["tables"].differences, "rows and totals too"
    assert not report.tallies["parquet"].differences
    assert not report.ok


@pytest.mark.parametrize(
    ("table", "owner", "line"),
    [
        ("incentive_cases", A, 5),
        ("incentives", B, 5),
        ("conditions", A, 4),
        ("savings", STATE, 2),
        ("year_caps", STATE, 2),
        ("norm_physicians", STATE, 2),
        ("norms", STATE, 10),
        ("physician_cells", STATE, 2),
        ("rates", STATE, 13),
        ("conservation", STATE, 2),
        ("exclusions", STATE, 3),
    ],
)
def test_a_removed_row_is_noticed_by_recomputing(table: str, owner: str, line: int, copied: Path) -> None:
    mutants.forge_row(copied, table, owner, line)
    report = verify_release(copied)
    assert not report.tallies["files"].differences
    assert not report.ok


@pytest.mark.parametrize(
    "parameter",
    [
        "base_year: 2022",
        "improvement_percentile: 0.75",
        "best_practice_percentile: 0.2",
        "ceiling_percentile: 0.7",
        "min_cases_per_cell: 40",
        "min_physicians_per_cell: 12",
        "min_cases_per_physician: 9",
        "incentive_rate: 0.11",
        "norm_method: case_percentile",
        "mpi_floor: 120",
        "improvement_share: 3/4",
        "performance_exponent: 2",
        "performance_gate: none",
        "min_baseline_cases: 7",
        "medical_improvement_cap: none",
        "variable_cost_factor: 0.51",
        "limit_scope: all",
        "condition_failure: lose_all",
        "exclusions: [NEWBORN]",
    ],
)
def test_a_changed_policy_text_is_noticed_by_recomputing(parameter: str, copied: Path) -> None:
    key = parameter.split(":")[0]
    text = json.loads((copied / "datapackage.json").read_text())["policy"]["text"]
    (line,) = [line for line in text.splitlines() if line.startswith(f"{key}:")] or ["version: released-state"]
    new = parameter if line.startswith(key) else f"{line}\n{parameter}"
    mutants.forge_policy(copied, line, new)
    report = verify_release(copied)
    assert not report.tallies["policy"].differences, "text and hash agree"
    assert not report.ok


def _resource(manifest: dict[str, Any], table: str) -> dict[str, Any]:
    """The administrator's table, with which extracts for others are compared."""
    own = [each for each in manifest["resources"] if not each["path"].startswith("regulator/")]
    return next(each for each in own if f"_{table}_" in each["path"])


MANIFESTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "rows": lambda m: _resource(m, "norms").update(rows=1),
    "bytes": lambda m: _resource(m, "norms").update(bytes=1),
    "hash": lambda m: _resource(m, "rates").update(hash="sha256:" + "0" * 64),
    "Parquet hash": lambda m: _resource(m, "rates")["parquet"].update(hash="sha256:" + "0" * 64),
    "total": lambda m: _resource(m, "savings")["totals"].update(potential_savings="0.00"),
    "total left out": lambda m: _resource(m, "savings")["totals"].pop("internal_savings"),
    "table left out": lambda m: m["resources"].remove(_resource(m, "savings")),
    "twin left out": lambda m: _resource(m, "savings").pop("parquet"),
    "column left out": lambda m: _resource(m, "savings")["schema"]["fields"].pop(),
    "policy hash": lambda m: m["policy"].update(sha256="0" * 64),
    "policy text": lambda m: m["policy"].update(text=m["policy"]["text"] + "# a word more\n"),
    "policy version": lambda m: m["policy"].update(version="another"),
    "version": lambda m: m.update(version="2"),
    "name": lambda m: m.update(name="hcip-2025h2-r2"),
    "supersedes": lambda m: m.update(supersedes="0" * 64),
}


@pytest.mark.parametrize("what", MANIFESTS)
def test_a_changed_manifest_is_noticed(what: str, copied: Path) -> None:
    mutants.forge_manifest(copied, MANIFESTS[what])
    assert not verify_release(copied).ok


def _swap_rows(release: Path) -> None:
    path = next(release.glob("norms/HCIP_STATE_norms_*.csv"))
    header, first, second, *rest = path.read_bytes().split(b"\r\n")
    path.unlink()
    path.write_bytes(b"\r\n".join([header, second, first, *rest]))
    mutants.seal(release, path)


FILES: dict[str, Callable[[Path], Any]] = {
    "a byte of a CSV file": lambda r: mutants.change_cell(r, "incentives", A, 2, "name", _to("Somebody else")),
    "a file gone": lambda r: next(r.glob("norms/*_norms_*.parquet")).unlink(),
    "a table gone": lambda r: next(r.glob("incentives/*_incentives_*.csv")).unlink(),
    "a file more": lambda r: (r / "incentives" / "notes.txt").write_text("paid in cash"),
    "rows in another order": _swap_rows,
    "another hospital's file": lambda r: mutants.forge_cell(r, "incentives", A, 2, "hospital_ccn", _to("210000")),
    "another period's rows": lambda r: mutants.forge_cell(r, "conditions", A, 2, "period", _to("2025H1")),
    "an earlier release": lambda r: mutants.change_cell(
        r.parent.parent / "2025H1" / "r1", "incentives", A, 2, "final_incentive", CENT
    ),
    "an earlier release, forged": lambda r: mutants.forge_cell(
        r.parent.parent / "2025H1" / "r1", "incentives", A, 2, "final_incentive", CENT
    ),
    "an earlier release's savings, forged": lambda r: mutants.forge_cell(
        r.parent.parent / "2024H2" / "r1", "savings", STATE, 3, "internal_savings", CENT
    ),
}


@pytest.mark.parametrize("what", FILES)
def test_a_changed_file_is_noticed(what: str, copied: Path) -> None:
    FILES[what](copied)
    assert not verify_release(copied).ok


def test_a_parquet_file_that_differs_from_its_csv_is_noticed(copied: Path) -> None:
    path = next(copied.glob("incentives/*_incentives_*.csv"))
    before = path.read_bytes()
    mutants.forge_cell(copied, "incentives", path.name.split("_")[1], 2, "name", _to("Somebody else"))
    path.unlink()
    path.write_bytes(before)

    def agree(manifest: dict[str, Any]) -> None:
        resource = next(each for each in manifest["resources"] if each["path"].endswith(path.name))
        resource |= {"bytes": len(before), "hash": f"sha256:{mutants.sha256(before)}"}

    mutants.forge_manifest(copied, agree)
    report = verify_release(copied)
    assert not report.tallies["files"].differences, report.text()
    assert {difference.column for difference in report.listed} == {"name"}  # the regulator's table has it too
    assert report.listed[0].rule == "parquet"
