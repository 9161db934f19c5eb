"""Why a restated payment differs from that of the previous release (outputs.md, "Restatement").

Belongs here: replacing the previous release's sources, one cause after the other, and recomputing the period after
each. Does not belong here: the contents of a cause's tables.

The order is fixed (``CHANGES``). After the last replacement the build is the new one, so in any order the differences
add up to the total, to the cent; the order only decides to which cause a joint effect counts. ``attribution`` is the
responsible physician of a case that both submissions have; all other changes of a resubmission are ``discharges``.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb
import polars as pl

from hcip_pipeline.contracts import cms, program, protocol, reference, run
from hcip_pipeline.contracts.audit import RESTATEMENT
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.release.notes import Note
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.settlement.as_of import sources_of, spec_of
from hcip_pipeline.settlement.kept_sources import Known, keep, kept_file, recall
from hcip_pipeline.warehouse.build import BuildResult, Progress, build
from hcip_pipeline.warehouse.project import project_digest
from hcip_pipeline.warehouse.spec import BuildSpec, Source

#: cause -> the lake tables that it replaces; ``policy`` includes its norms, ``attribution`` replaces only physicians
CHANGES: dict[str, tuple[str, ...]] = {
    "discharges": ("discharges", "charges", "receipts"),
    "cms_adjustments": tuple(cms.TABLES),
    "reference_rates": tuple(reference.TABLES),
    "policy": tuple(run.FROZEN),
    "attribution": ("discharges",),
    "program_files": (*program.TABLES, *protocol.TABLES, "earlier_other_program_amounts"),
    "earlier_releases": ("earlier_incentives", "earlier_savings", "later_payments", "program_changes"),
}

_PHYSICIANS = ("attending_npi", "operating_npi")

#: (hospital, NPI) -> final incentive, and its payable part
Payments = dict[tuple[str, str], tuple[Decimal, Decimal]]


@dataclass(frozen=True)
class Restatement:
    """What changed since the previous release.

    Attributes:
        frame: in the columns of ``contracts.audit.RESTATEMENT``; unchanged payments have no row.
        notes: causes that could not be determined separately.
    """

    frame: pl.DataFrame
    notes: tuple[Note, ...] = ()


def restatement(
    home: Home,
    period: PerformancePeriod,
    policy: PolicyFile,
    built: BuildResult,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Restatement:
    """The difference between ``built`` and the newest release of ``period``, by cause; empty for a first release.

    Raises:
        HcipError: a file that the previous release was made from is missing or was changed.
    """
    folders = releases_of(home, period)
    if not folders:
        return Restatement(_frame([]))
    before = ReleaseFiles.at(folders[-1])
    first, last = payments(before.table("incentives")), _built_payments(built)
    known = recall(home, period, before.number)
    if known is None:
        note = Note(f"the sources of {before.name} were not kept, so the causes of the differences are unknown")
        return Restatement(_frame(_differences(period, before, "undetermined", first, last)), (note,))
    report = progress or (lambda _: None)

    def compute(spec: BuildSpec, cause: str) -> Payments:
        report(f"{period}: recomputing {before.name} with changes up to {cause.replace('_', ' ')}")
        folder = home.warehouse / f"{period}-restatement"
        try:
            return _built_payments(build(spec, folder, threads=threads, select="+marts.incentives.incentives"))
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    with _Attribution(home, known, built.spec) as attribution:
        steps = _steps(home, known, policy, built.spec, attribution)
        return _walk(period, before, first, last, steps, compute)


@dataclass(frozen=True)
class _Step:
    cause: str
    spec: BuildSpec


def _walk(
    period: PerformancePeriod,
    before: ReleaseFiles,
    first: Payments,
    last: Payments,
    steps: Sequence[_Step],
    compute: Callable[[BuildSpec, str], Payments],
) -> Restatement:
    rows: list[tuple[object, ...]] = []
    notes: list[Note] = []
    current, merged = first, ""
    for at, step in enumerate(steps):
        try:
            figures = last if at == len(steps) - 1 else compute(step.spec, step.cause)
        except HcipError:
            merged = step.cause
            notes.append(Note(f"{step.cause} cannot be computed without the next cause, and is included in it"))
            continue
        rows += _differences(period, before, step.cause, current, figures)
        current = figures
    if not steps or merged == steps[-1].cause:
        rows += _differences(period, before, "undetermined", current, last)
    return Restatement(_frame(rows), tuple(notes))


def _steps(home: Home, known: Known, policy: PolicyFile, now: BuildSpec, attribution: _Attribution) -> list[_Step]:
    """The causes that changed anything, each with the build after it."""
    kept = keep(home, now)
    sources: dict[str, Source] = dict(sources_of(home, known))
    chosen = known.policy
    steps = []
    if known.program_version != project_digest():
        steps.append(_Step("program_version", spec_of(known, dict(sources))))
    for cause, tables in CHANGES.items():
        changed = [name for name in tables if known.sources.get(name, ()) != kept.get(name, ())]
        if cause == "attribution":
            if not attribution.has_changed:
                continue
        elif not changed and (cause != "policy" or chosen.policy == policy.policy):
            continue
        for name in changed:
            sources[name] = [kept_file(home, sha256) for sha256 in kept.get(name, ())]
        if cause == "discharges" and attribution.has_changed:
            sources["discharges"] = attribution.with_earlier_physicians
        if cause == "policy":
            chosen = policy
        steps.append(_Step(cause, spec_of(known, dict(sources), chosen)))
    return steps


class _Attribution:
    """The new discharges, with the previous release's physicians for the cases that it had."""

    def __init__(self, home: Home, known: Known, now: BuildSpec) -> None:
        self._file = home.warehouse / f"{known.period}-attribution.parquet"
        before = [kept_file(home, sha256) for sha256 in known.sources.get("discharges", ())]
        after = now.sources.get("discharges", ())
        self.has_changed = False
        if isinstance(after, pl.DataFrame) or not before or not after:
            return
        key = ["hospital_ccn", "account_no"]
        were = pl.scan_parquet(before).select(*key, *(pl.col(name).alias(f"{name}_before") for name in _PHYSICIANS))
        were = were.with_columns(pl.lit(True).alias("was_known"))
        joined = pl.scan_parquet(list(after)).join(were, on=key, how="left", maintain_order="left")
        differs = pl.any_horizontal(pl.col(n).ne_missing(pl.col(f"{n}_before")) for n in _PHYSICIANS)
        is_known = pl.col("was_known").fill_null(False)
        self.has_changed = bool(joined.select((differs & is_known).any()).collect().item())
        if self.has_changed:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            joined.with_columns(
                pl.when(is_known).then(pl.col(f"{name}_before")).otherwise(pl.col(name)).alias(name)
                for name in _PHYSICIANS
            ).select(pl.scan_parquet(list(after)).collect_schema().names()).collect().write_parquet(self._file)

    @property
    def with_earlier_physicians(self) -> list[Path]:
        return [self._file]

    def __enter__(self) -> _Attribution:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.unlink(missing_ok=True)


def payments(incentives: pl.DataFrame) -> Payments:
    """The payments of a release, from its table ``incentives``."""
    return {
        (ccn, npi): (final, final if status == "PAYABLE" else Decimal(0))
        for ccn, npi, final, status in incentives.select("hospital_ccn", "npi", "final_incentive", "status").iter_rows()
    }


def _built_payments(built: BuildResult) -> Payments:
    with duckdb.connect(built.file, read_only=True) as connection:
        columns = "hospital_ccn, npi, final_incentive, status"
        return payments(connection.sql(f"select {columns} from marts.incentives").pl())


def _differences(
    period: PerformancePeriod, before: ReleaseFiles, cause: str, were: Payments, are: Payments
) -> list[tuple[object, ...]]:
    nothing = (Decimal(0), Decimal(0))
    rows: list[tuple[object, ...]] = []
    for ccn, npi in sorted(were.keys() | are.keys()):
        was, now = were.get((ccn, npi), nothing), are.get((ccn, npi), nothing)
        if was != now:
            rows.append((str(period), f"r{before.number}", ccn, npi, cause, now[0] - was[0], now[1] - was[1]))
    return rows


def _frame(rows: Sequence[tuple[object, ...]]) -> pl.DataFrame:
    schema: Mapping[str, object] = RESTATEMENT.schema
    return pl.DataFrame(list(rows), schema=schema, orient="row").sort(RESTATEMENT.key)  # type: ignore[arg-type]
