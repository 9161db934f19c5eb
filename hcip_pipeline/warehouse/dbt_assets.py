"""The dbt models of a half-year as Dagster assets: one build in process, then an event a model and a result a check."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from hcip_pipeline.assets.partition_work import settling
from hcip_pipeline.assets.partitions import HALVES
from hcip_pipeline.assets.resources import Handover, HomeResource
from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.warehouse.translator import CONTRACT, Translator

if TYPE_CHECKING:
    from pathlib import Path

    from hcip_pipeline.warehouse.build import NodeResult
    from hcip_pipeline.warehouse.measures import Measure

Event = dg.MaterializeResult | dg.AssetCheckResult


def period_tables(translator: Translator) -> dg.AssetsDefinition:
    """Every model and test of the project as one operation: a period is always rebuilt whole, in one DuckDB file."""

    @dg.multi_asset(
        name="period_tables",
        specs=translator.asset_specs(),
        check_specs=translator.check_specs(),
        partitions_def=HALVES,
        can_subset=False,
    )
    def period_build(
        context: dg.AssetExecutionContext, home: HomeResource, handover: dg.ResourceParam[Handover]
    ) -> Iterator[Event]:
        from pathlib import Path

        from hcip_pipeline.settlement.period import build_period
        from hcip_pipeline.settlement.period_files import files_read
        from hcip_pipeline.warehouse.build import BuildStoppedError

        period = PerformancePeriod.parse(context.partition_key)
        handover.progress(f"{period}: reading the lake")
        where, policy = home.home(), home.policy()
        try:
            with settling(handover, where, period, lambda: files_read(where, period, policy.policy)):
                built = build_period(
                    where,
                    period,
                    policy,
                    threads=home.threads,
                    progress=lambda name: handover.progress(f"{period}: {name}"),
                )
        except HcipError as error:
            stopped = error if isinstance(error, BuildStoppedError) else error.__cause__
            if isinstance(stopped, BuildStoppedError):
                yield from node_events(translator, stopped.nodes, Path(stopped.file), str(period))
            raise
        for note in built.notes:
            context.log.warning(note)
        handover.builds[str(period)] = built
        yield from node_events(translator, built.result.nodes, built.result.file, str(period))

    return period_build


def node_events(translator: Translator, nodes: "Sequence[NodeResult]", file: "Path", partition: str) -> Iterator[Event]:
    """What became of each model and test. A test that did not run, or was skipped, did not pass."""
    import duckdb

    from hcip_pipeline.contracts.catalogue import column_meanings
    from hcip_pipeline.warehouse.column_lineage import read_column_lineage
    from hcip_pipeline.warehouse.measures import measure

    became = {node.unique_id: node for node in nodes}
    built = [model for model in translator.models if _is(became.get(model["unique_id"]), "success")]
    try:
        measures = measure(file, {model["name"] for model in built}) if built else {}
    except duckdb.Error:  # of a build that stopped: what its views read may be gone, and the build says so itself
        if len(built) == len(translator.models):
            raise
        measures = {}
    meanings, lineage = column_meanings(), read_column_lineage()
    for model in built if measures else ():
        name = model["name"]
        metadata: dict[str, dg.MetadataValue] = {
            "dagster/partition_row_count": dg.MetadataValue.int(measures[name].rows),
            "seconds": dg.MetadataValue.float(round(became[model["unique_id"]].seconds, 3)),
        }
        if not model["columns"]:
            columns = [dg.TableColumn(c, sql_type, meanings.get(c)) for c, sql_type in measures[name].columns]
            metadata["dagster/column_schema"] = dg.MetadataValue.table_schema(dg.TableSchema(columns))
        if name in lineage:
            metadata["dagster/column_lineage"] = dg.MetadataValue.column_lineage(translator.lineage(lineage[name]))
        for figure, value in measures[name].figures.items():
            metadata[figure] = dg.MetadataValue.float(float(value))
        yield dg.MaterializeResult(asset_key=translator.key(model["unique_id"]), metadata=metadata)
    for model in translator.contracted:
        yield _contract_result(translator, model, measures.get(model["name"]), partition)
    for test in translator.tests:
        node = became.get(test["unique_id"])
        key = translator.check_key(test)
        is_error = test["config"]["severity"].lower() == "error"
        yield dg.AssetCheckResult(
            asset_key=key.asset_key,
            check_name=key.name,
            passed=_is(node, "pass"),
            severity=dg.AssetCheckSeverity.ERROR if is_error else dg.AssetCheckSeverity.WARN,
            metadata={
                "partition": partition,
                "outcome": node.status if node else "did not run",
                "rows that break it": node.failures if node else 0,
                "seconds": round(node.seconds, 3) if node else 0.0,
            },
        )


def _contract_result(
    translator: Translator, model: Mapping[str, Any], measured: "Measure | None", partition: str
) -> dg.AssetCheckResult:
    """Whether a table that leaves has the columns of its contract, in order and by type."""
    declared = [(column["name"], str(column["data_type"]).lower()) for column in model["columns"].values()]
    found = list(measured.columns) if measured else []
    differing = sorted({name for name, _ in set(declared) ^ set(found)})
    return dg.AssetCheckResult(
        asset_key=translator.key(model["unique_id"]),
        check_name=CONTRACT,
        passed=measured is not None and sorted(declared) == sorted(found),
        metadata={
            "partition": partition,
            "outcome": "compared" if measured else "did not run",
            "columns": len(declared),
            "columns that differ": ", ".join(differing) if measured and differing else "none",
        },
    )


def _is(node: "NodeResult | None", status: str) -> bool:
    return node is not None and node.status == status
