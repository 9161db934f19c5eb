"""Writing the files of a release from its build: marts, derived tables, documents.

Belongs here: their order, and recomputing every payment at the same time. Does not belong here: release numbers and
the release gate (``writer``), and single kinds of files (``release.tables``, ``release.documents``, ``renderers``).
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.audit.rates import rates_in_force
from hcip_pipeline.background import BackgroundCall
from hcip_pipeline.certainty.assessment import own_tables
from hcip_pipeline.contracts import marts
from hcip_pipeline.contracts.catalog import LAKE_SOURCES
from hcip_pipeline.contracts.reference import RATES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.reference.invented import is_synthetic
from hcip_pipeline.release.derived import Derivation, DerivedTable
from hcip_pipeline.release.documents import (
    Document,
    Draft,
    Renderer,
    WrittenDocument,
    release_path,
    write_documents,
)
from hcip_pipeline.release.layouts import LAYOUTS
from hcip_pipeline.release.manifest import Origin, made_from, manifest, write_manifest
from hcip_pipeline.release.private_files import private_folder
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.release.rests_on import named_releases
from hcip_pipeline.release.synthetic_mark import marked_document
from hcip_pipeline.release.tables import WrittenFile, write_table
from hcip_pipeline.release.verification import VerificationReport, verify_release
from hcip_pipeline.reports import words
from hcip_pipeline.warehouse.build import BuildResult

#: fewer rows than this are recomputed faster than another process can start
_WORTH_A_PROCESS = 10_000


def write_files(
    home: Home, period: PerformancePeriod, number: int, build: BuildResult, content: Content, root: Path
) -> dict[str, Any]:
    """Write every file of ``<period>/r<number>`` except the manifest into ``root``, and return the manifest.

    Raises:
        HcipError: a figure is not reproduced, or a name from the data is not a valid file name.
    """
    policy, inputs = content.policy, content.inputs
    with duckdb.connect(build.file, read_only=True) as connection:
        rates = [_lake(connection, name) for name in RATES if name in _lake_tables(connection)]
        certainty = content.certainty
        draft = Draft(
            home,
            period,
            number,
            policy,
            ReleaseFiles(root, period, number),
            tuple(_hospitals(connection)),
            tuple(inputs),
            tuple(content.notes),
            partial(_mart, connection),
            partial(_lake, connection),
            content.restatement,
            made_from(inputs, policy, content.supersedes),
            content.signed_by,
            content.received,
            later=tuple(content.later),
            is_synthetic=is_synthetic(rates),
            stamped_by=content.stamped_by,
            certainty=own_tables(connection, str(period), policy.policy) if certainty is None else certainty,
        )
        files = [*_write_marts(draft, root), *_write_derived(draft, content.derivations, root)]
        origin = Origin(
            draft.name,
            policy,
            inputs,
            _grouper_versions(connection),
            content.supersedes,
            rests_on=[named.as_dict() for named in named_releases(inputs)],
            makes_stale=[named.as_dict() for named in content.later],
            engine=build.engine,
            rates=[rate.as_dict() for rate in rates_in_force(draft)],
            is_synthetic=draft.is_synthetic,
            signed_by=content.signed_by,
            stamped_by=content.stamped_by,
        )
        pages = root.with_name(f"{root.name}.documents")  # outside root while its tables are being recomputed
        try:
            rows = sum(file.rows for file in files)
            with _recomputing(manifest(origin, root, files), root, content.must_verify, rows) as recomputed:
                draft = replace(draft, recomputation=recomputed)
                documents = _write_documents(draft, content.renderers, pages, root, files)
            _move(documents, pages, root)
        finally:
            shutil.rmtree(pages, ignore_errors=True)
    return manifest(origin, root, files, documents, content.notes)


@contextmanager
def _recomputing(
    content: dict[str, Any], root: Path, must_verify: bool, rows: int
) -> Iterator[Callable[[], VerificationReport]]:
    """Recompute every payment from the tables just written, in another process if that is faster.

    Yields a function that waits for the result. If ``must_verify``, the end of the ``with`` block waits for it at the
    latest; otherwise nothing is recomputed unless the function is called.

    Raises:
        HcipError: a figure is not reproduced.
    """

    @cache
    def recomputed() -> VerificationReport:
        report = verify()
        if must_verify and not report.ok:
            differ = words.plural(report.differences, "recomputed figure differs", "recomputed figures differ")
            raise HcipError(
                f"nothing is released: {differ} from the release's own files; the first is {report.listed[0]}",
                file=root,
                rule="RELEASE-GATE",
                fix="this is a bug in the program: keep the lake and report it",
            )
        return report

    provisional = write_manifest(content, root, indent=None)
    verify: Callable[[], VerificationReport] = partial(verify_release, root)
    with ExitStack() as running:
        if must_verify and rows < _WORTH_A_PROCESS:
            recomputed()
        elif must_verify:
            verify = running.enter_context(BackgroundCall(verify_release, root)).result
        yield recomputed
        if must_verify:
            recomputed()
    provisional.unlink()


def _hospitals(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The hospitals with files of their own: with cases in the period, or with care partners."""
    performance = "select hospital_ccn from intermediate.int_case_windows where window_name = 'performance'"
    owners = connection.execute(f"{performance} union select hospital_ccn from marts.incentives order by 1")
    return [row[0] for row in owners.fetchall()]


def _grouper_versions(connection: duckdb.DuckDBPyConnection) -> list[str]:
    versions = connection.execute(
        "select distinct grouper_version from intermediate.int_cases where grouper_version is not null order by 1"
    )
    return [row[0] for row in versions.fetchall()]


def _mart(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    columns = ", ".join(f'"{column}"' for column in marts.TABLES[name].names)
    return connection.sql(f"select {columns} from marts.{name}").pl()


def _lake_tables(connection: duckdb.DuckDBPyConnection) -> set[str]:
    rows = connection.execute("select table_name from information_schema.tables where table_schema = 'lake'")
    return {name for (name,) in rows.fetchall()}


def _lake(connection: duckdb.DuckDBPyConnection, name: str) -> pl.DataFrame:
    """The contract's columns; an optional one that the build's lake does not have is empty."""
    have = set(connection.table(f'lake."{name}"').columns)
    columns = ", ".join(
        f'"{c.name}"' if c.name in have or not c.optional else f'cast(null as {c.sql_type}) as "{c.name}"'
        for c in LAKE_SOURCES[name].columns
    )
    return connection.sql(f'select {columns} from lake."{name}"').pl()


def _write_marts(draft: Draft, root: Path) -> Iterator[WrittenFile]:
    for layout in LAYOUTS:
        frame = draft.marts(layout.table.name)
        parts = {"STATE": frame}
        if layout.scope == "hospital":
            own = frame.partition_by("hospital_ccn", as_dict=True) if frame.height else {}
            parts = {ccn: own.get((ccn,), frame.clear()) for ccn in draft.hospitals}
        for owner, part in parts.items():
            yield from _write(DerivedTable(layout.folder, layout.table, part, owner), draft, root)


def _write_derived(draft: Draft, derivations: Mapping[str, Derivation], root: Path) -> Iterator[WrittenFile]:
    for derive in derivations.values():
        for derived in derive(draft):
            yield from _write(derived, draft, root)


def _write(derived: DerivedTable, draft: Draft, root: Path) -> list[WrittenFile]:
    place = release_path(root, f"{derived.folder}/HCIP_{derived.owner}_{derived.table.name}_{draft.name}")
    private_folder(place.parent)
    return write_table(derived.frame, derived.table, place.parent, place.name, is_synthetic=draft.is_synthetic)


def _write_documents(
    draft: Draft, renderers: Mapping[str, Renderer], folder: Path, root: Path, files: Sequence[WrittenFile]
) -> list[WrittenDocument]:
    def rendered() -> Iterator[Document]:
        for render in renderers.values():
            for document in render(draft):
                if draft.is_synthetic:
                    content = marked_document(document.content, document.mediatype)
                    document = replace(document, content=content)
                yield document

    return write_documents(rendered(), folder, (file.path.relative_to(root).as_posix() for file in files))


def _move(documents: Sequence[WrittenDocument], folder: Path, root: Path) -> None:
    for document in documents:
        private_folder((root / document.path).parent)
        (folder / document.path).rename(root / document.path)
