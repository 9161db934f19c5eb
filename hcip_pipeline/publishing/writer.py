"""Writing a release beside its place and renaming it into it; one that exists is never changed."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl

from hcip_pipeline.audit.rates import rates_in_force
from hcip_pipeline.background import BackgroundCall
from hcip_pipeline.certainty.assessment import Assessed, own_tables
from hcip_pipeline.contracts import marts
from hcip_pipeline.contracts.catalogue import LAKE_SOURCES
from hcip_pipeline.contracts.reference import RATES
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home import Home
from hcip_pipeline.intake.hospital.quality import Received
from hcip_pipeline.ledger.signing import Signer, sign_file
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.publishing.derivations import DERIVATIONS
from hcip_pipeline.publishing.renderers import RENDERERS
from hcip_pipeline.reference.invented import is_synthetic
from hcip_pipeline.release.derived import Derivation, DerivedTable
from hcip_pipeline.release.documents import (
    Document,
    Draft,
    Renderer,
    WrittenDocument,
    make_private,
    private_folder,
    release_path,
    write_documents,
)
from hcip_pipeline.release.layouts import LAYOUTS
from hcip_pipeline.release.manifest import FILE_NAME, made_from, manifest, manifest_sha256, write_manifest
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from hcip_pipeline.release.rests_on import Named, named_releases, resting_on
from hcip_pipeline.release.synthetic_mark import marked_document
from hcip_pipeline.release.tables import WrittenFile, write_table
from hcip_pipeline.release.verification import VerificationReport, verify_release
from hcip_pipeline.warehouse.build import BuildResult, fingerprints

#: so few rows are computed again sooner than another process has started
_WORTH_A_PROCESS = 10_000


@dataclass(frozen=True)
class Release:
    """A release on disk. ``is_new`` is false where the build gave what the newest release already says."""

    period: str
    number: int
    folder: Path
    files: int
    is_new: bool

    @property
    def name(self) -> str:
        """The release's number as in its folder: ``r1``."""
        return f"r{self.number}"


def write_release(
    home: Home,
    period: PerformancePeriod,
    build: BuildResult,
    policy: PolicyFile,
    inputs: Sequence[dict[str, Any]] = (),
    *,
    notes: Sequence[str] = (),
    restatement: pl.DataFrame | None = None,
    certainty: Assessed | None = None,
    derivations: Mapping[str, Derivation] = DERIVATIONS,
    renderers: Mapping[str, Renderer] = RENDERERS,
    must_verify: bool = True,
    signer: Signer | None = None,
    stamped_by: str | None = None,
) -> Release:
    """Release what ``build`` computed.

    Args:
        inputs: every file the build came from, as ``{"file", "sha256", "rows"}``.
        notes: what was missing without stopping the build, in words.
        restatement: what changed since the release before, by cause (``settlement.restatement``).
        certainty: how sure the payments are, by table; None: what follows from the build alone.
        derivations: who makes the tables that are no marts, called in this order once those are written.
        renderers: who makes the documents, called in this order once all tables are written.
        must_verify: release nothing whose figures are not found again by ``verification``.
        signer: signs the manifest; None: the release is not signed.
        stamped_by: host of the service that stamps the manifest afterwards; None: none does.

    Returns:
        The new release, or the newest one where the same inputs and policy gave the same figures again.

    Raises:
        HcipError: a check of this build did not pass or did not run, or the folder cannot be written.
    """
    check_gate(build)
    folder = home.releases / str(period)
    try:
        private_folder(folder)
        with only_writer(folder):
            earlier = releases_of(home, period)
            number = int(earlier[-1].name[1:]) + 1 if earlier else 1
            work = folder / f".r{number}.{os.getpid()}"
            try:
                private_folder(work)
                content = write_files(
                    home,
                    period,
                    number,
                    build,
                    policy,
                    inputs,
                    work,
                    notes=notes,
                    restatement=restatement,
                    certainty=certainty,
                    supersedes=manifest_sha256(earlier[-1]) if earlier else None,
                    later=resting_on(home, period),
                    derivations=derivations,
                    renderers=renderers,
                    must_verify=must_verify,
                    signed_by=signer.identity if signer else None,
                    stamped_by=stamped_by,
                )
                make_private(write_manifest(content, work))
                files = _number_of_files(content)
                if earlier and _says_the_same(earlier[-1], content):
                    return Release(str(period), number - 1, earlier[-1], files, is_new=False)
                if signer is not None:
                    sign_file(signer, work / FILE_NAME, folder / f"r{number}.sig")
                os.rename(work, folder / f"r{number}")  # noqa: PTH104 - Path.rename would replace an empty folder
                return Release(str(period), number, folder / f"r{number}", files, is_new=True)
            finally:
                shutil.rmtree(work, ignore_errors=True)
    except OSError as error:
        raise HcipError(
            f"the release could not be written: {error.strerror}",
            file=error.filename or folder,
            fix="make room or grant the right to write, and run the period again; nothing was released",
        ) from error


def write_files(
    home: Home,
    period: PerformancePeriod,
    number: int,
    build: BuildResult,
    policy: PolicyFile,
    inputs: Sequence[dict[str, Any]],
    root: Path,
    *,
    notes: Sequence[str] = (),
    restatement: pl.DataFrame | None = None,
    certainty: Assessed | None = None,
    supersedes: str | None = None,
    later: Sequence[Named] = (),
    received: Received | None = None,
    derivations: Mapping[str, Derivation] = DERIVATIONS,
    renderers: Mapping[str, Renderer] = RENDERERS,
    must_verify: bool = True,
    signed_by: str | None = None,
    stamped_by: str | None = None,
) -> dict[str, Any]:
    """Write every file of ``<period>/r<number>`` but the manifest into ``root``; give the manifest.

    Args:
        supersedes: sha256 of the manifest of the release before.
        later: releases of later periods that were made without this one.
        certainty: as in :func:`write_release`.
        received: gives the receipts of a quarter; None: those that the home has now.
        signed_by: identity of whoever signs the release; None: nobody.
        stamped_by: host of the time stamp service; None: none stamps it.

    Raises:
        HcipError: a figure is not found again, or a name from data is no file name.
    """
    with duckdb.connect(build.file, read_only=True) as connection:
        rates = [_lake(connection, name) for name in RATES if name in _lake_tables(connection)]
        draft = Draft(
            home,
            period,
            number,
            policy,
            ReleaseFiles(root, period, number),
            tuple(_hospitals(connection)),
            tuple(inputs),
            tuple(notes),
            partial(_mart, connection),
            partial(_lake, connection),
            restatement,
            made_from(inputs, policy, supersedes),
            signed_by,
            received,
            later=tuple(later),
            is_synthetic=is_synthetic(rates),
            stamped_by=stamped_by,
            certainty=own_tables(connection, str(period), policy.policy) if certainty is None else certainty,
        )
        files = [*_write_marts(draft, root), *_write_derived(draft, derivations, root)]
        groupers = _grouper_versions(connection)
        stated = partial(
            manifest,
            draft.name,
            root,
            files,
            policy,
            inputs,
            groupers,
            supersedes,
            signed_by=signed_by,
            rests_on=[named.as_dict() for named in named_releases(inputs)],
            makes_stale=[named.as_dict() for named in later],
            engine=build.engine,
            rates=[rate.as_dict() for rate in rates_in_force(draft)],
            is_synthetic=draft.is_synthetic,
            stamped_by=stamped_by,
        )
        beside = root.with_name(f"{root.name}.documents")  # not among the tables while those are gone through
        try:
            with _recomputing(stated(), root, must_verify, sum(file.rows for file in files)) as recomputed:
                documents = _write_documents(replace(draft, recomputation=recomputed), renderers, beside, root, files)
            _move(documents, beside, root)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    return stated(documents, notes)


@contextmanager
def _recomputing(
    content: dict[str, Any], root: Path, must_verify: bool, rows: int
) -> Iterator[Callable[[], VerificationReport]]:
    """Compute every payment again from the tables that were just written: beside what is done meanwhile, if that pays.

    Gives a function that waits for what was found, and is waited for at the latest when the ``with`` block ends.

    Raises:
        HcipError: a figure is not found again.
    """

    @cache
    def recomputed() -> VerificationReport:
        report = verify()
        if must_verify and not report.ok:
            raise HcipError(
                f"nothing is released: {report.differences} figures are not found again when computed from the "
                f"release's own files; the first is {report.told[0]}",
                file=root,
                rule="RELEASE-GATE",
                fix="this is a fault of the program: keep the lake and report it",
            )
        return report

    provisional = write_manifest(content, root, indent=None)
    verify: Callable[[], VerificationReport] = partial(verify_release, root)
    with ExitStack() as running:
        if rows < _WORTH_A_PROCESS:
            recomputed()
        else:
            verify = running.enter_context(BackgroundCall(verify_release, root)).result
        yield recomputed
        recomputed()
    provisional.unlink()


def standing_release(folder: Path) -> Release:
    """A release that is there already, as what a run has found to hold the same."""
    files = ReleaseFiles.at(folder)
    return Release(str(files.period), files.number, folder, _number_of_files(files.manifest), is_new=False)


def _number_of_files(content: dict[str, Any]) -> int:
    return sum(2 if "parquet" in resource else 1 for resource in content["resources"])


def check_gate(build: BuildResult) -> None:
    """Refuse to release a build of which any model or check did not pass, or a table that is not what was checked.

    Skipped counts as not passed.

    Raises:
        HcipError: names the first ones.
    """
    failed = [node for node in build.nodes if node.status not in ("success", "pass")]
    if failed or not build.nodes:
        names = ", ".join(node.unique_id.split(".")[2] for node in failed[:5]) or "nothing was built"
        raise HcipError(
            f"nothing is released: {len(failed)} checks or models did not pass ({names})",
            file=build.file,
            rule="RELEASE-GATE",
            fix="correct what they name and run the period again",
        )
    now = fingerprints(build.file) if build.file.is_file() else {}
    leaving = {layout.table.name for layout in LAYOUTS}
    changed = sorted(
        name
        for name in leaving | build.fingerprints.keys()
        if name not in build.fingerprints or build.fingerprints[name] != now.get(name)
    )
    if changed:
        raise HcipError(
            f"nothing is released: {len(changed)} tables differ from what the checks of this build tested "
            f"({', '.join(changed[:5])})",
            file=build.file,
            rule="RELEASE-GATE",
            fix="nothing but the run may write the warehouse; run the period again",
        )


@contextmanager
def only_writer(folder: Path, lock_name: str = ".writing", unfinished: str = ".r*.*") -> Iterator[None]:
    """Whoever writes a period's release is alone: what lies unfinished beside it belongs to a run that was killed.

    Args:
        lock_name: of the file that says so.
        unfinished: pattern of folders that are swept away.

    Raises:
        HcipError: another run is writing one.
    """
    lock = folder / lock_name
    with lock.open("a") as stream:
        make_private(lock)
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise HcipError(
                f"another run is writing a release of {folder.name}",
                file=folder,
                fix="wait until it has ended, and run the period again if you must",
            ) from error
        for path in folder.glob(unfinished):
            shutil.rmtree(path, ignore_errors=True)
        yield


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
    """The contract's columns; an optional one that the build's lake had not yet is empty."""
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


def _says_the_same(folder: Path, content: dict[str, Any]) -> bool:
    """Whether a release holds the same figures from the same inputs and policy, whatever its number.

    What is derived from a release also tells what it supersedes, so only the marts are compared.
    """
    before = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
    compared = {(layout.folder, layout.table.name) for layout in LAYOUTS}

    def facts(package: dict[str, Any]) -> dict[str, Any]:
        release = package["name"].removeprefix("hcip-").replace("-", "_")
        kept = {key: package[key] for key in ("code_version", "policy", "inputs", "grouper_versions")}
        kept["privacy"] = package.get("privacy")  # one from before the rule is followed by one that hides what it must
        kept["resources"] = {
            path.replace(release, ""): resource["hash"]
            for resource in package["resources"]
            if _table_of(path := resource["path"].lower(), release) in compared
        }
        return kept

    return facts(before) == facts(content)


def _table_of(path: str, release: str) -> tuple[str, str]:
    """Folder and table of a file, as ``("audit", "norm_cases")``."""
    folder, _, name = path.rpartition("/")
    return folder, name.removesuffix(f"_{release}.csv").split("_", 2)[-1]
