"""The dbt models of a half-year as published assets: one build in this process, one event per asset and check."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from hcip_pipeline.assets.partition_work import period_lock, read_undisturbed
from hcip_pipeline.assets.partitions import HALVES
from hcip_pipeline.assets.published import PublishedAsset
from hcip_pipeline.assets.resources import EngineResource, HomeResource, Session
from hcip_pipeline.assets.translator import CONTRACTS, Translator
from hcip_pipeline.errors import HcipError
from hcip_pipeline.messages import within
from hcip_pipeline.periods import PerformancePeriod

if TYPE_CHECKING:
    from pathlib import Path

    from hcip_pipeline.warehouse.build import NodeResult
    from hcip_pipeline.warehouse.measures import Measure

Event = dg.MaterializeResult | dg.AssetCheckResult
Columns = Mapping[str, Mapping[str, list[list[str]]]]


def half_year_tables(translator: Translator) -> dg.AssetsDefinition:
    """Every model and test of the project as one step: a period is always rebuilt completely, into one DuckDB file."""

    @dg.multi_asset(
        name="half_year_build",
        specs=translator.asset_specs(),
        check_specs=translator.check_specs(),
        partitions_def=HALVES,
        can_subset=False,
    )
    def half_year_build(
        context: dg.AssetExecutionContext,
        home: HomeResource,
        engine: EngineResource,
        session: dg.ResourceParam[Session],
    ) -> Iterator[Event]:
        from pathlib import Path

        from hcip_pipeline.settlement.build_record import forget_build, write_build_record
        from hcip_pipeline.settlement.period import build_period
        from hcip_pipeline.settlement.period_files import earlier_periods, files_read, partitions_read
        from hcip_pipeline.warehouse.build import BuildStoppedError

        period = PerformancePeriod.parse(context.partition_key)
        session.progress(f"{period}: reading the lake")
        where, policy = home.home(), home.policy()
        try:
            with period_lock(session, where, period, lambda: files_read(where, period, policy.policy)):
                read_undisturbed(session, where, period, earlier_periods(where, period))
                read_undisturbed(session, where, period, partitions_read(where, period, policy.policy))
                forget_build(where, period)
                with engine.computing(where):
                    built = build_period(
                        where,
                        period,
                        policy,
                        threads=home.threads,
                        progress=within(session.progress, f"building {period}"),
                    )
                write_build_record(where, period, built)
        except HcipError as error:
            stopped = error if isinstance(error, BuildStoppedError) else error.__cause__
            if isinstance(stopped, BuildStoppedError):
                yield from build_events(translator, stopped.nodes, Path(stopped.file), str(period))
            raise
        for note in built.notes:
            context.log.warning(str(note))
        yield from build_events(translator, built.result.nodes, built.result.file, str(period))

    return half_year_build


def build_events(
    translator: Translator, nodes: "Sequence[NodeResult]", file: "Path", partition: str
) -> Iterator[Event]:
    """The events of every asset and test. A test that did not run or was skipped did not pass."""
    import duckdb

    from hcip_pipeline.warehouse.column_lineage import read_column_lineage
    from hcip_pipeline.warehouse.measures import measure

    results = {node.unique_id: node for node in nodes}
    built = {name for name, model in translator.models.items() if _is(results.get(model["unique_id"]), "success")}
    try:
        measures = measure(file, built) if built else {}
    except duckdb.Error:  # the files behind a stopped build's views may be gone; the build itself reports why
        if len(built) == len(translator.models):
            raise
        measures = {}
    lineage = read_column_lineage()
    for asset in translator.assets:
        if all(model in measures for model in asset.models):
            yield dg.MaterializeResult(
                asset_key=asset.name, metadata=_metadata(translator, asset, measures, results, lineage)
            )
    for key, models in translator.contracted.items():
        yield _contracts_result(key, models, measures, partition)
    for test in translator.tests:
        node = results.get(test["unique_id"])
        key_of_check = translator.check_key(test)
        is_error = test["config"]["severity"].lower() == "error"
        yield dg.AssetCheckResult(
            asset_key=key_of_check.asset_key,
            check_name=key_of_check.name,
            passed=_is(node, "pass"),
            severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
            metadata={
                "partition": partition,
                "outcome": node.status if node else "did not run",
                "rows that break it": node.failures if node else 0,
                "seconds": round(node.seconds, 3) if node else 0.0,
                **({"repeated keys": node.message} if node and node.status == "fail" and node.message else {}),
            },
        )


def _metadata(
    translator: Translator,
    asset: PublishedAsset,
    measures: "Mapping[str, Measure]",
    results: "Mapping[str, NodeResult]",
    lineage: Columns,
) -> dict[str, dg.MetadataValue]:
    """Rows, columns and figures of the asset's own table, rows of its other models, and the lineage of its columns."""
    from hcip_pipeline.contracts.catalog import column_meanings

    own, *others = asset.models
    seconds = sum(results[translator.models[model]["unique_id"]].seconds for model in asset.models)
    metadata: dict[str, dg.MetadataValue] = {
        "dagster/partition_row_count": dg.MetadataValue.int(measures[own].rows),
        "seconds": dg.MetadataValue.float(round(seconds, 3)),
    }
    meanings = column_meanings()
    described = {column["name"]: column["description"] for column in translator.models[own]["columns"].values()}
    columns = [
        dg.TableColumn(name, kind, described.get(name) or meanings.get(name)) for name, kind in measures[own].columns
    ]
    for model in others:
        columns += [
            dg.TableColumn(f"{model}.{name}", kind, meanings.get(name)) for name, kind in measures[model].columns
        ]
    metadata["dagster/column_schema"] = dg.MetadataValue.table_schema(dg.TableSchema(columns))
    if found := translator.lineage(asset, lineage):
        metadata["dagster/column_lineage"] = dg.MetadataValue.column_lineage(found)
    if others:
        metadata["models"] = dg.MetadataValue.table(
            [dg.TableRecord({"model": model, "rows": measures[model].rows}) for model in asset.models]
        )
    for model in asset.models:
        for figure, value in measures[model].figures.items():
            metadata[figure] = dg.MetadataValue.float(float(value))
    return metadata


def _contracts_result(
    key: dg.AssetKey, models: Sequence[Mapping[str, Any]], measures: "Mapping[str, Measure]", partition: str
) -> dg.AssetCheckResult:
    """Whether the released tables of a group have the columns of their contracts, by name and type."""
    differing: dict[str, str] = {}
    for model in models:
        name = model["name"]
        declared = [(column["name"], str(column["data_type"]).lower()) for column in model["columns"].values()]
        found = list(measures[name].columns) if name in measures else []
        if name not in measures:
            differing[name] = "was not built"
        elif sorted(declared) != sorted(found):
            differing[name] = ", ".join(sorted({column for column, _ in set(declared) ^ set(found)}))
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=CONTRACTS,
        passed=not differing,
        metadata={
            "partition": partition,
            "outcome": "compared" if any(model["name"] in measures for model in models) else "did not run",
            "tables": len(models),
            "tables that differ": "; ".join(f"{name}: {what}" for name, what in differing.items()) or "none",
        },
    )


def _is(node: "NodeResult | None", status: str) -> bool:
    return node is not None and node.status == status
