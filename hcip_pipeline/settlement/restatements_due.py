"""Earlier half-years with program files or submissions that their newest release was not made from (§15).

Belongs here: what a later half-year's run reports about them. Does not belong here: the effect of a change on later
payments (``program_changes``), and why a period itself would be rebuilt (``recognition``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts import program
from hcip_pipeline.contracts.survey import parse_form_name
from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.hashes import FileHashes
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.folders import submissions, table_of
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.program.edits import program_rules
from hcip_pipeline.intake.program.ingest import judge_program_file
from hcip_pipeline.intake.program.receipts import receipts_of
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference.tables import known_hospitals
from hcip_pipeline.release.notes import Note, NoteRule
from hcip_pipeline.release.reading import ReleaseFiles, released_before, releases_of
from hcip_pipeline.tables import table_shapes
from hcip_pipeline.tables.file_names import shown_path


def restatements_due(home: Home, period: PerformancePeriod, hashes: FileHashes | None = None) -> list[Note]:
    """A note for each file that makes a restatement of an earlier half-year due.

    It names the half-year, the file and the hospitals.

    Args:
        hashes: hashes of files that are known already.
    """
    known = hashes or FileHashes()
    return [
        Note(
            f"{earlier}: {shown_path(file)} {what} since {release.folder.name}"
            f"{f' ({hospitals})' if hospitals else ''}: a restatement is due, `hcip run {earlier} --onward`",
            NoteRule.RESTATEMENT_DUE,
        )
        for earlier in released_before(home, period)
        for release in [ReleaseFiles.at(releases_of(home, earlier)[-1])]
        for file, what, hospitals in sorted({*_program_files(home, release, known), *_submissions(home, release)})
    ]


#: tables that are reported after a release and that no payment of the half-year depends on
_REPORTED_AFTERWARD = {"payments", "committee_meetings"}

#: file below the inbox, what became of it, and the hospitals that it concerns
_Due = tuple[str, str, str]


def _program_files(home: Home, release: ReleaseFiles, hashes: FileHashes) -> Iterator[_Due]:
    period = release.period
    folder, lake = home.inbox / "program" / str(period), home.lake_program(period)
    made_from = _inputs(release, f"program/{period}/")
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        name = table_shapes.table_of(path.name, tuple(program.TABLES))
        form = parse_form_name(path.name)
        if name in _REPORTED_AFTERWARD:
            continue
        if path.is_symlink() or not path.is_file() or not (name or (form and form[1] == str(period))):
            continue
        try:
            sha256 = hashes.sha256(path)
        except OSError:
            continue  # the run of that half-year reports what is wrong with it
        known = receipts_of(name or f"survey_{form[0] if form else ''}", lake)
        if sha256 in made_from.values() or sha256 in {r["sha256"] for r in known if r["status"] == "refused"}:
            continue
        file, what = f"program/{period}/{path.name}", "changed" if path.name in made_from else "is new"
        if name is None:
            yield file, what, form[0] if form else ""
            continue
        version = next((r["version"] for r in known if r["sha256"] in made_from.values()), 0)
        hospitals = _hospitals(home, period, path, name, lake / "history" / f"{name}.r{version}.parquet")
        if hospitals is not None:
            yield file, what, hospitals


def _hospitals(home: Home, period: PerformancePeriod, path: Path, name: str, released: Path) -> str | None:
    """Hospitals whose rows differ from those of the released version; None if only the bytes differ."""
    table = program.TABLES[name]
    try:
        rules = program_rules(table, period, known_hospitals(home.inbox))
        now = judge_program_file(path, table, period, rules, home.inbox)[1]
    except HcipError:
        return ""
    if now is None:
        return ""  # the file is refused, so the hospitals whose rows it changes are unknown
    before = pl.read_parquet(released) if released.is_file() else now.clear()
    on = now.columns
    differing = pl.concat(
        [
            now.join(before, on=on, how="anti", nulls_equal=True),
            before.join(now, on=on, how="anti", nulls_equal=True),
        ],
        how="vertical_relaxed",
    )
    if differing.is_empty():
        return None
    return ", ".join(sorted(differing["hospital_ccn"].drop_nulls().unique())) if "hospital_ccn" in on else ""


def _submissions(home: Home, release: ReleaseFiles) -> Iterator[_Due]:
    """Versions of submissions that are newer than those that the release was made from."""
    for quarter in release.period.quarters:
        refused = {receipt.stem for receipt in receipts(home, quarter) if receipt.status == "refused"}
        made_from: dict[str, int] = {}
        for file in _inputs(release, f"hospital/{quarter}/"):
            ccn, _, version = file.split("/")[0].partition(".r")
            made_from[ccn] = max(made_from.get(ccn, 0), int(version or 1))
        for sent in submissions(home.inbox, quarter):
            if not sent.ccn or sent.stem in refused or sent.version <= made_from.get(sent.ccn, 0):
                continue
            if any(table_of(path.name) for path in sent.folder.iterdir()) if sent.folder.is_dir() else False:
                yield f"hospital/{quarter}/{sent.folder.name}", "is new", sent.ccn


def _inputs(release: ReleaseFiles, below: str) -> Mapping[str, str]:
    """Path below a folder of the inbox -> sha256 of the files there that a release was made from."""
    inputs = release.manifest.get("inputs", ())
    return {
        str(item["file"]).removeprefix(below): str(item["sha256"])
        for item in inputs
        if str(item["file"]).startswith(below)
    }
