"""Expectation suites that stakeholders read, checked against incoming and outgoing files in separate runs.

They never affect payments, and Great Expectations takes seconds and 250 MB to import, so intake and settlement do not
wait for them. A sensor starts them when an intake or settlement has succeeded. The page of the suites is the asset, and
each table on it is a check.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

import dagster as dg

from hcip_pipeline.assets.hospital_intake import SUBMISSIONS
from hcip_pipeline.assets.partitions import HALVES, QUARTERS, check_spec
from hcip_pipeline.assets.release import RELEASE
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.periods import PerformancePeriod, Quarter

if TYPE_CHECKING:
    from hcip_pipeline.checks.expectations.running import Validated

OF_SUBMISSIONS = dg.AssetKey("quarter_page")
OF_RELEASE = dg.AssetKey("release_page")
_IN = ("discharges", "charges")
_OUT = ("incentives", "incentive_cases", "norms", "savings", "conservation", "data_quality")


def _checks(asset: dg.AssetKey, partitions: dg.PartitionsDefinition, tables: Iterable[str]) -> list[dg.AssetCheckSpec]:
    return [
        check_spec(f"{table}_as_expected", asset, partitions, f"The expectations of the suite `{table}` are met.")
        for table in tables
    ]


@dg.asset(
    key=OF_SUBMISSIONS,
    group_name="reports",
    kinds={"html"},
    owners=["team:data-intake"],
    partitions_def=QUARTERS,
    deps=[SUBMISSIONS],
    check_specs=_checks(OF_SUBMISSIONS, QUARTERS, _IN),
)
def quarter_page(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """A page that compares a quarter's accepted discharges and charge lines with the expectations, as counts."""
    from hcip_pipeline.checks.expectations.running import validate_quarter

    return _result(OF_SUBMISSIONS, validate_quarter(home.home(), Quarter.parse(context.partition_key)))


@dg.asset(
    key=OF_RELEASE,
    group_name="reports",
    kinds={"html"},
    owners=["team:program-administration"],
    partitions_def=HALVES,
    deps=[RELEASE],
    check_specs=_checks(OF_RELEASE, HALVES, _OUT),
)
def release_page(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """A page that compares the files of a half-year's newest release with the expectations, as counts."""
    from hcip_pipeline.checks.expectations.running import validate_release

    period = PerformancePeriod.parse(context.partition_key)
    return _result(OF_RELEASE, validate_release(home.home(), period, home.policy().policy))


def _result(asset: dg.AssetKey, validated: "Validated") -> dg.MaterializeResult:
    """Counts, and the expectations that were not met; never a row."""
    checks = [
        dg.AssetCheckResult(
            asset_key=asset,
            check_name=f"{result.suite.table}_as_expected",
            passed=result.met,
            severity=dg.AssetCheckSeverity.WARN,
            metadata={
                "rows": result.rows or 0,
                "expectations": len(result.outcomes),
                "met": len(result.outcomes) - len(result.failed),
                "not met": dg.MetadataValue.json(
                    {outcome.statement: outcome.unexpected for outcome in result.failed}
                    if result.rows is not None
                    else {}
                ),
            },
        )
        for result in validated.results
    ]
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(validated.page)}, check_results=checks)


ASSETS = [quarter_page, release_page]
SELECTION = dg.AssetSelection.assets(OF_SUBMISSIONS, OF_RELEASE)

submission_expectations_job = dg.define_asset_job(
    "check_quarter",  # a job must not have the name of an asset, or Dagster loads nothing
    dg.AssetSelection.assets(OF_SUBMISSIONS),
    description="Checks a quarter's accepted submissions against the expectations and writes their page.",
)
release_expectations_job = dg.define_asset_job(
    "check_release",
    dg.AssetSelection.assets(OF_RELEASE),
    description="Checks a half-year's newest release against the expectations and writes their page.",
)
JOBS = [submission_expectations_job, release_expectations_job]
