"""What Dagster loads: the assets, the lineage across cadences, the checks; and that loading imports no engine."""

from __future__ import annotations

import datetime as dt
import graphlib
import itertools
import json
import subprocess
import sys

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcip_pipeline.assets import published, registry, schedules
from hcip_pipeline.assets.assembly import build_defs
from hcip_pipeline.assets.partitions import (
    HALVES,
    MONTHS,
    QUARTERS,
    calendar,
    half_year_of,
    keys_of_run,
    name_of_run,
    parse_key,
    spans,
)
from hcip_pipeline.assets.resources import HomeResource
from hcip_pipeline.assets.translator import Translator
from hcip_pipeline.contracts import marts
from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.definitions import defs as loaded
from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter
from hcip_pipeline.warehouse.project import manifest_path


@pytest.fixture(scope="module")
def specs() -> dict[str, dg.AssetSpec]:
    return {spec.key.to_user_string(): spec for spec in loaded.resolve_all_asset_specs()}


@pytest.fixture(scope="module")
def manifest() -> dict[str, dict[str, dict[str, object]]]:
    content: dict[str, dict[str, dict[str, object]]] = json.loads(manifest_path().read_bytes())
    return content


def test_every_asset_has_a_description_an_owner_and_a_group(specs: dict[str, dg.AssetSpec]) -> None:
    for name, spec in specs.items():
        assert spec.group_name in published.groups(), name
        assert spec.description and spec.owners and spec.kinds, name


def test_the_assets_are_those_of_published_yaml(specs: dict[str, dg.AssetSpec]) -> None:
    declared = {name: asset.group for name, asset in published.published().items()}
    assert {name: spec.group_name for name, spec in specs.items()} == declared


def test_a_person_can_read_the_lineage(specs: dict[str, dg.AssetSpec]) -> None:
    assert 50 <= len(specs) <= 68
    assert max(map(len, specs)) <= 18  # longer names are cut in the lineage
    assert not [name for name in specs if name.startswith(("stg_", "int_"))]


def test_the_six_steps_of_the_waterfall_are_in_order(specs: dict[str, dg.AssetSpec]) -> None:
    steps = sorted(name for name in specs if name[0].isdigit())
    assert [name[0] for name in steps] == list("123456")
    for before, after in itertools.pairwise(steps):
        assert before in _ancestors(specs, after), after
    assert "approved_amounts" in {dep.asset_key.to_user_string() for dep in specs["5_fee_schedule_cap"].deps}


def test_only_the_nearest_dependencies_are_drawn_and_none_is_lost(
    specs: dict[str, dg.AssetSpec], manifest: dict[str, dict[str, dict[str, object]]]
) -> None:
    for name, spec in specs.items():
        parents = {dep.asset_key.to_user_string() for dep in spec.deps}
        assert not parents & {above for parent in parents for above in _ancestors(specs, parent)}, name
    models = {str(n["name"]): n for n in manifest["nodes"].values() if n["resource_type"] == "model"}
    owners = published.owners(models)
    for model, node in models.items():
        for parent in node["depends_on"]["nodes"]:  # type: ignore[index]
            read = owners.get(str(parent).split(".")[-1]) if str(parent).startswith("model.") else None
            if read is not None and read != owners[model]:
                assert read.name in _ancestors(specs, owners[model].name), model


def test_groups_do_not_read_each_other_in_a_cycle(specs: dict[str, dg.AssetSpec]) -> None:
    """The lineage page draws groups from left to right; a cycle would tangle it."""
    reads: dict[str, set[str]] = {group: set() for group in published.groups()}
    for spec in specs.values():
        for dep in spec.deps:
            group = specs[dep.asset_key.to_user_string()].group_name
            if group != spec.group_name:
                reads[str(spec.group_name)].add(str(group))
    assert len(list(graphlib.TopologicalSorter(reads).static_order())) == len(reads)


def _ancestors(specs: dict[str, dg.AssetSpec], name: str) -> set[str]:
    parents = {dep.asset_key.to_user_string() for dep in specs[name].deps}
    return parents.union(*(_ancestors(specs, parent) for parent in parents))


def test_every_model_belongs_to_one_asset_and_every_test_is_a_check_on_an_asset(
    specs: dict[str, dg.AssetSpec], manifest: dict[str, dict[str, dict[str, object]]]
) -> None:
    by_type: dict[object, set[str]] = {"model": set(), "test": set()}
    for node in manifest["nodes"].values():
        by_type.setdefault(node["resource_type"], set()).add(str(node["name"]))
    owners = published.owners(by_type["model"])
    assert set(owners) == by_type["model"]
    for model, asset in owners.items():
        assert f"`{model}`" in (specs[asset.name].description or ""), model
    assert by_type["test"] <= {key.name for key in loaded.resolve_asset_graph().asset_check_keys}


def test_a_model_that_no_asset_computes_is_refused() -> None:
    models = {model for asset in published.published().values() for model in asset.models}
    with pytest.raises(ValueError, match="name the asset that computes int_new"):
        published.owners(models | {"int_new"})
    with pytest.raises(ValueError, match="has no model int_holds"):
        published.owners(models - {"int_holds"})


def test_a_column_is_traced_to_another_asset() -> None:
    translator = Translator(json.loads(manifest_path().read_bytes()), registry.source_deps)
    columns = {
        "int_waterfall_5_pfs_cap": {"cap": [["int_pfs_approved_amounts", "approved"]]},
        "int_pfs_approved_amounts": {"approved": [["int_pfs_approved_by_claims", "approved"]]},
        "int_pfs_approved_by_claims": {"approved": [["int_final_professional_lines", "allowed"]]},
    }
    found = translator.lineage(published.published()["5_fee_schedule_cap"], columns)
    assert found is not None
    assert found.deps_by_column == {"cap": [dg.TableColumnDep("approved_amounts", "approved")]}
    found = translator.lineage(published.published()["approved_amounts"], columns)
    assert found is not None  # through another model of the same asset to a model of another asset
    through = [dg.TableColumnDep("final_claims", "int_final_professional_lines.allowed")]
    assert found.deps_by_column == {"approved": through, "int_pfs_approved_by_claims.approved": through}


def test_a_table_of_the_lake_with_the_name_of_a_model_is_not_a_cycle() -> None:
    """The table ``conditions`` and the model ``conditions`` derived from it have only the name in common."""
    translator = Translator(json.loads(manifest_path().read_bytes()), registry.source_deps)
    columns = {
        "conditions": {"weight": [["int_condition_outcomes", "weight"]]},
        "int_condition_outcomes": {"weight": [["stg_conditions", "weight"]]},
        "stg_conditions": {"weight": [["conditions", "weight"]]},
    }
    outcome = translator.lineage(published.published()["2_conditions"], columns)
    assert outcome is not None
    assert outcome.deps_by_column["conditions.weight"] == [dg.TableColumnDep("elections", "stg_conditions.weight")]
    lineage = translator.lineage(published.published()["elections"], columns)
    assert lineage is not None
    assert lineage.deps_by_column["stg_conditions.weight"] == [dg.TableColumnDep("protocols", "conditions.weight")]


def test_every_column_is_traced() -> None:
    """Tracing ends for every asset, over the current SQL of the project."""
    translator = Translator(json.loads(manifest_path().read_bytes()), registry.source_deps)
    every = {
        name: {name: [[parent.split(".")[-1], "c"] for parent in node["depends_on"]["nodes"]]}
        for name, node in translator.models.items()
    }
    chained = {name: {"c": next(iter(columns.values()))} for name, columns in every.items()}
    untraced = {asset.name for asset in translator.assets if translator.lineage(asset, chained) is None}
    assert untraced == {"earlier_releases"}  # would be a cycle


def test_every_check_on_a_partitioned_asset_belongs_to_a_partition() -> None:
    graph = loaded.resolve_asset_graph()
    for key in graph.asset_check_keys:
        assert graph.get(key).partitions_def == graph.get(key.asset_key).partitions_def, key


def test_every_check_that_guards_money_is_blocking(
    manifest: dict[str, dict[str, dict[str, object]]],
) -> None:
    graph = loaded.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    errors = {
        node["name"]
        for node in manifest["nodes"].values()
        if node["resource_type"] == "test" and node["config"]["severity"].lower() == "error"  # type: ignore[index]
    }
    assert errors and errors <= blocking
    assert {"rows_reconcile", "records_as_stated"} <= blocking


def test_the_description_of_a_key_check_names_its_tables() -> None:
    """The tables of a folder share one check, on one of their assets."""
    graph = loaded.resolve_asset_graph()
    shown = {key.name: graph.get_check_spec(key).description or "" for key in graph.asset_check_keys}
    assert shown["keys_of_marts_savings"] == (
        "A repeated row is counted or paid twice. Checks the keys of distribution_limits, savings."
    )
    for name, description in shown.items():
        assert description[:1].isupper() and description.endswith(".") and "--" not in description, name


def test_every_table_of_the_lake_has_a_registered_source() -> None:
    assert set(registry.SOURCE_DEPS) == set(LAKE_SOURCES)


def test_a_table_that_nothing_makes_is_refused() -> None:
    with pytest.raises(ValueError, match="no asset makes"):
        registry.source_deps("unheard_of")


def test_contracted_tables_show_their_columns(specs: dict[str, dg.AssetSpec]) -> None:
    for name, table in marts.TABLES.items():
        if name not in specs:
            continue
        schema = specs[name].metadata["dagster/column_schema"]
        assert [column.name for column in schema.columns] == list(table.names), name
        assert all(column.description for column in schema.columns), name


def _parents(child: str, child_key: str, parent: str) -> set[str]:
    graph = loaded.resolve_asset_graph()
    mapping = graph.get_partition_mapping(dg.AssetKey(child), dg.AssetKey(parent))
    of_parent = graph.get(dg.AssetKey(parent)).partitions_def
    assert of_parent is not None
    result = mapping.get_upstream_mapped_partitions_result_for_partitions(
        HALVES.empty_subset().with_partition_keys([child_key]), HALVES, of_parent
    )
    return set(result.partitions_subset.get_partition_keys())


def test_a_half_year_needs_its_quarters_and_those_of_the_year_before() -> None:
    assert _parents("discharges", "2025H1", "submissions") == {"2025Q1", "2025Q2", "2024Q1", "2024Q2"}
    assert _parents("discharges", "2025H2", "submissions") == {"2025Q3", "2025Q4", "2024Q3", "2024Q4"}


def test_a_half_year_needs_its_months_and_those_of_the_year_before() -> None:
    months = {f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 7)}
    assert _parents("beneficiaries", "2025H1", "cms_claim_files") == months


def test_the_base_year_may_be_any_year_with_data() -> None:
    needed = _parents("base_year_norms", "2025H1", "submissions")
    assert {"2019Q1", "2023Q4"} <= needed
    graph = loaded.resolve_asset_graph()
    assert dg.AssetKey("base_year_norms") in graph.get(dg.AssetKey("norms")).parent_keys


@pytest.mark.parametrize(
    ("job", "partitions"),
    [
        ("hospital_intake", QUARTERS),
        ("cms_intake", MONTHS),
        ("program_intake", HALVES),
        ("settlement", HALVES),
        ("check_quarter", QUARTERS),
        ("check_release", HALVES),
    ],
)
def test_each_job_has_the_partitions_of_its_cadence(job: str, partitions: dg.PartitionsDefinition) -> None:
    assert loaded.resolve_job_def(job).partitions_def == partitions


def test_a_code_server_can_load_every_job() -> None:
    """Only a code server checks for names that are used twice."""
    names = {job.name for job in loaded.get_repository_def().get_all_jobs()}
    assert {"hospital_intake", "cms_intake", "program_intake", "settlement"} <= names


def test_a_settlement_runs_everything_but_the_intake_of_quarters_and_months(specs: dict[str, dg.AssetSpec]) -> None:
    settled = {key.to_user_string() for key in loaded.resolve_job_def("settlement").asset_layer.selected_asset_keys}
    separate = {"submissions", "cms_claim_files", "quarter_page", "release_page"}
    assert settled == set(specs) - separate


def test_overrides_replace_a_default() -> None:
    resources = {"home": HomeResource(path="/somewhere")}
    changed = build_defs(resources=resources, schedules=[])
    assert not changed.schedules
    assert changed.resources and changed.resources["home"].path == "/somewhere"
    assert "session" in changed.resources


@pytest.mark.parametrize("key", ["2025Q1", "2025-04", "2025H1"])
def test_a_key_is_printed_as_people_write_it(key: str) -> None:
    assert str(parse_key(key)) == key


@pytest.mark.parametrize(
    "key", ["", "2025", "2025Q5", "2025-13", "2025H3", "1812H1", "2025-4", "２０２５H1", "2025H1\n"]
)
def test_text_that_is_not_a_key_is_a_usage_error(key: str) -> None:
    with pytest.raises(UsageError):
        parse_key(key)


def test_a_key_of_another_cadence_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        parse_key("2025H1", Quarter)


def _tick(schedule: dg.ScheduleDefinition, day: dt.date) -> str:
    moment = dt.datetime.combine(day, dt.time(6), tzinfo=dt.UTC)
    context = dg.build_schedule_context(scheduled_execution_time=moment, repository_def=loaded.get_repository_def())
    requests = schedule.evaluate_tick(context).run_requests
    assert requests is not None and len(requests) == 1
    assert requests[0].partition_key is not None
    return requests[0].partition_key


def test_schedules_request_the_period_that_has_closed() -> None:
    assert _tick(schedules.settlement_schedule, dt.date(2026, 4, 1)) == "2025H2"
    assert _tick(schedules.settlement_schedule, dt.date(2026, 10, 1)) == "2026H1"
    assert _tick(schedules.hospital_intake_schedule, dt.date(2026, 2, 16)) == "2025Q4"
    assert _tick(schedules.hospital_intake_schedule, dt.date(2026, 5, 16)) == "2026Q1"
    assert _tick(schedules.hospital_intake_schedule, dt.date(2026, 8, 16)) == "2026Q2"
    assert _tick(schedules.hospital_intake_schedule, dt.date(2026, 11, 16)) == "2026Q3"
    assert _tick(schedules.cms_intake_schedule, dt.date(2026, 1, 1)) == "2025-12"


def test_a_schedule_of_a_half_year_that_was_not_loaded_fails_its_tick() -> None:
    with pytest.raises(dg.DagsterError) as raised:
        _tick(schedules.settlement_schedule, dt.date(dt.date.today().year + 2, 4, 1))
    assert "reload the code location" in str(raised.value.__cause__)


@given(st.dates(dt.date(2019, 1, 1), dt.date(2035, 12, 31)))
def test_the_newest_period_whose_due_day_has_passed_is_due(day: dt.date) -> None:
    period = schedules.period_due(day)
    assert period.run_date <= day < period.next().run_date
    quarter = schedules.quarter_due(day)
    assert quarter.end + dt.timedelta(days=45) < day <= quarter.next().end + dt.timedelta(days=45)


def test_loading_imports_no_engine() -> None:
    """Definitions load in under four seconds because they import only Dagster."""
    assert manifest_path().exists()  # already parsed, as in any checkout where something has run
    script = """
import sys, time
start = time.process_time()
import dagster
dagster_seconds = time.process_time() - start
import hcip_pipeline.definitions
ours = time.process_time() - start - dagster_seconds
heavy = ["great_expectations", "dbt", "dagster_dbt", "pandera", "polars", "pandas", "duckdb", "pyarrow", "numpy"]
print([name for name in heavy if name in sys.modules], ours < dagster_seconds)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[-2] == "[] True"


def test_periods_begin_with_the_first_year() -> None:
    keys = HALVES.get_partition_keys()
    assert keys[0] == "2019H1"
    assert [str(PerformancePeriod.parse(key)) for key in keys] == list(keys)


def test_partitions_end_with_the_current_half_year() -> None:
    quarters, months, halves = calendar(half_year_of(dt.date(2026, 7, 1)))
    assert (quarters[-1], months[-1], halves[-1]) == (Quarter(2026, 4), Month(2026, 12), PerformancePeriod(2026, 2))
    quarters, months, halves = calendar(half_year_of(dt.date(2027, 6, 30)))
    assert (quarters[-1], months[-1], halves[-1]) == (Quarter(2027, 2), Month(2027, 6), PerformancePeriod(2027, 1))
    assert HALVES.get_partition_keys()[-1] == str(half_year_of(dt.date.today()))


def test_consecutive_partitions_are_one_run() -> None:
    keys = [Quarter.parse(key) for key in ("2025Q1", "2024Q4", "2023Q1", "2025Q2")]
    assert [[str(key) for key in span] for span in spans(keys)] == [["2023Q1"], ["2024Q4", "2025Q1", "2025Q2"]]
    assert [len(span) for span in spans([Month(2024, 12), Month(2025, 1), Month(2025, 3)])] == [2, 1]


def test_the_tags_of_a_run_name_its_partitions() -> None:
    tags = {"dagster/asset_partition_range_start": "2024Q3", "dagster/asset_partition_range_end": "2025Q1"}
    assert keys_of_run(tags) == ["2024Q3", "2024Q4", "2025Q1"]
    assert name_of_run(keys_of_run(tags)) == "2024Q3 to 2025Q1"
    assert name_of_run(keys_of_run({"dagster/partition": "2025H1"})) == "2025H1"
    assert keys_of_run({}) == [] and name_of_run([]) == ""
