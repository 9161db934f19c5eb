"""Data that must no longer be kept: patient-level files past their retention period or data-use end date.

Belongs here: finding these files, and destroying them so that the chain of releases still verifies. Does not belong
here: the clock; the day is an argument.

Aggregates stay: payments, savings, norms, committee reports. Files with a row per case are destroyed. The manifest
keeps every hash; ``r<n>.destroyed.json`` next to the release lists what was destroyed, when and why. `hcip verify`
accepts a missing file as destroyed only if it is listed there with the hash of the manifest. A release's own sources in
``lake/known``, its warehouse, and rows in quarantine, which no build reads, are destroyed with it. Data that other
periods may need (inbox, lake) are listed, and a person decides.

Agreements are in ``inbox/data_use.yaml``:

    agreements:
      - id: DUA-2025-17
        covers: [hospital, cms]     # whose data
        ends: 2027-06-30            # the last day of use
        periods: [2025H1]           # may be left out: every period
"""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.atomic import write_json
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.files.yaml_files import load_yaml, validate_yaml
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.ledger.signing import Signer, sign_file, sign_head
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.layouts import MANIFEST
from hcip_pipeline.release.manifest import manifest_sha256
from hcip_pipeline.release.reading import ReleaseFiles, releases_of

Kind = Literal["hospital", "cms"]

#: tables of a release with a row per case -> kind of data they come from
PATIENT_TABLES: dict[str, Kind] = {
    "incentive_cases": "hospital",
    "baseline_cases": "hospital",
    "guardrail_cases": "hospital",
    "norm_cases": "hospital",
    "post_acute": "cms",
}
#: folders of documents that show single cases, and names of such documents
_PATIENT_FOLDERS = ("physicians",)
_PATIENT_PAGES = ("explorer.html",)


class DataUseAgreement(BaseModel):
    """One agreement: whose data it covers, and the last day on which they may be used."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    id: str = Field(min_length=1)
    covers: tuple[Kind, ...] = Field(min_length=1)
    ends: dt.date
    periods: tuple[str, ...] = ()


class DataUse(BaseModel):
    """``inbox/data_use.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    agreements: tuple[DataUseAgreement, ...] = ()


@dataclass(frozen=True)
class Due:
    """One patient-level file of a release that must go.

    Attributes:
        path: within the release.
        hash: as the manifest states it.
        reason: ``retention of 10 years ended on 2035-06-30`` or ``DUA-2025-17 ended on 2027-06-30``.
    """

    release: str
    path: str
    hash: str
    bytes: int
    reason: str


@dataclass(frozen=True)
class Retention:
    """What is due on a day: files of releases, and other files of the home with the same patients' rows.

    Attributes:
        kept_sources: files of ``lake/known`` that only due releases were made from.
        left_over: files in quarantine and in the warehouse that nothing reads anymore.
        elsewhere: descriptions of files that other periods may need.
    """

    as_of: dt.date
    due: tuple[Due, ...]
    kept_sources: tuple[Path, ...]
    left_over: tuple[Path, ...]
    elsewhere: tuple[str, ...]

    @property
    def files(self) -> int:
        """How many files ``destroy`` would remove."""
        return len(self.due) + len(self.kept_sources) + len(self.left_over)

    def paths(self, home: Home) -> Iterator[Path]:
        """Every file that ``destroy`` removes."""
        yield from (_folder(home, each.release) / each.path for each in self.due)
        yield from (*self.kept_sources, *self.left_over)

    def as_dict(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "as_of": str(self.as_of),
            "files": [vars(each) for each in self.due],
            "kept_sources": [str(path) for path in self.kept_sources],
            "left_over": [str(path) for path in self.left_over],
            "elsewhere": list(self.elsewhere),
        }


def read_data_use(home: Home) -> DataUse:
    """The agreements of ``inbox/data_use.yaml``; none without the file.

    Raises:
        HcipError: the file cannot be read, or a period in it is invalid.
    """
    path = home.inbox / "data_use.yaml"
    if not path.exists():
        return DataUse()
    found = validate_yaml(DataUse, load_yaml(path, "list of data-use agreements"), path, "list of data-use agreements")
    for agreement in found.agreements:
        for period in agreement.periods:
            PerformancePeriod.parse(period)
    return found


def what_is_due(home: Home, retention_years: int, as_of: dt.date) -> Retention:
    """Every patient-level file that must be destroyed by ``as_of`` (the day after its last day).

    Args:
        retention_years: the policy's, counted from the end of the period.
    """
    agreements = read_data_use(home).agreements
    due: list[Due] = []
    sources: dict[Path, None] = {}
    still_needed: set[Path] = set()
    left_over: list[Path] = []
    elsewhere: list[str] = []
    for period in _periods(home):
        reasons = _reasons(period, retention_years, agreements, as_of)
        for folder in releases_of(home, period):
            release = ReleaseFiles.at(folder)
            due += _of_release(release, reasons)
            for kind in ("hospital", "cms"):
                kept = _sources(home, release, kind)
                if kind in reasons:
                    sources |= dict.fromkeys(kept)
                else:
                    still_needed |= set(kept)
        left_over += _left_over(home, period, reasons)
        elsewhere += _elsewhere(home, period, reasons)
    gone = tuple(path for path in sources if path not in still_needed and path.exists())
    return Retention(as_of, tuple(due), gone, tuple(left_over), tuple(dict.fromkeys(elsewhere)))


def lock_names(home: Home) -> list[str]:
    """The locks that destruction needs: every half-year and quarter of the home.

    A settlement of any half-year may be about to read a release or kept source that no existing release needs.
    """
    periods = _periods(home)
    return [*map(str, periods), *(str(quarter) for period in periods for quarter in period.quarters)]


def _periods(home: Home) -> list[PerformancePeriod]:
    """Every half-year with anything in the home: released, accepted, or in the inbox."""
    names = {path.name for path in home.releases.glob("????H[12]") if path.is_dir()}
    in_lake = ("hospital/*/quarter=????Q[1-4]", "quarantine/hospital/quarter=????Q[1-4]")
    quarters = [*home.inbox.glob("hospital/????Q[1-4]"), *(path for each in in_lake for path in home.lake.glob(each))]
    names |= {f"{name[:4]}H{(int(name[-1]) + 1) // 2}" for name in (path.name[-6:] for path in quarters)}
    months = [*home.inbox.glob("cms/????-??"), *home.lake.glob("cms/*/month=????-??")]
    names |= {f"{name[:4]}H{1 if name[-2:] < '07' else 2}" for name in (path.name[-7:] for path in months)}
    found = []
    for name in sorted(names):
        with contextlib.suppress(HcipError):  # a folder whose name only looks like a period
            found.append(PerformancePeriod.parse(name))
    return found


def _left_over(home: Home, period: PerformancePeriod, reasons: dict[str, str]) -> Iterator[Path]:
    """Files that no later build reads: refused rows of the period's quarters, and the database of its build."""
    if "hospital" in reasons:
        for quarter in period.quarters:
            yield from sorted(home.quarantine.glob(f"hospital/quarter={quarter}/*.parquet"))
    if reasons:
        yield from sorted(path for path in (home.warehouse / str(period)).rglob("*") if path.is_file())


def _reasons(
    period: PerformancePeriod, years: int, agreements: Sequence[DataUseAgreement], as_of: dt.date
) -> dict[str, str]:
    """Kind of data -> why it may no longer be kept."""
    last = _years_after(period.end, years)
    reasons = {}
    for kind in ("hospital", "cms"):
        if as_of > last:
            reasons[kind] = f"retention of {years} years ended on {last}"
        for agreement in agreements:
            is_covered = kind in agreement.covers and (not agreement.periods or str(period) in agreement.periods)
            if is_covered and as_of > agreement.ends:
                reasons[kind] = f"{agreement.id} ended on {agreement.ends}"
    return reasons


def _years_after(day: dt.date, years: int) -> dt.date:
    return day.replace(year=day.year + years)  # a period ends on 30 June or 31 December


def _kind(path: str, release: str) -> Kind | None:
    """The kind of patient-level data in a file, if any."""
    parts = path.split("/")
    if parts[0] == "reports" and (parts[-1] in _PATIENT_PAGES or any(f in parts for f in _PATIENT_FOLDERS)):
        return "hospital"
    stem = parts[-1].rsplit(".", 1)[0].removesuffix(f"_{release}")
    return PATIENT_TABLES.get(stem.split("_", 2)[-1])


def _of_release(release: ReleaseFiles, reasons: dict[str, str]) -> Iterator[Due]:
    for resource in release.manifest["resources"]:
        for entry in (resource, resource.get("parquet")):
            if entry is None:
                continue
            kind = _kind(entry["path"], release.name)
            if kind in reasons and (release.folder / entry["path"]).is_file():
                yield Due(release.name, entry["path"], entry["hash"], entry["bytes"], reasons[kind])


def _sources(home: Home, release: ReleaseFiles, kind: str) -> list[Path]:
    """The files of ``lake/known`` with the rows that a release was made from."""
    from hcip_pipeline.contracts import cms
    from hcip_pipeline.settlement.kept_sources import kept_file, record_path

    record = record_path(home, release.period, release.number)
    if not record.is_file():
        return []
    tables = ("discharges", "charges") if kind == "hospital" else tuple(cms.TABLES)
    sources = read_record(record, "sources")["sources"]
    return [kept_file(home, sha256) for table in tables for sha256 in sources.get(table, ())]


def _elsewhere(home: Home, period: PerformancePeriod, reasons: dict[str, str]) -> Iterator[str]:
    """Where else the same patients' rows are. Other periods may need them, so a person decides."""
    if "hospital" in reasons:
        for quarter in period.quarters:
            for folder in (home.inbox / "hospital" / str(quarter), *home.lake.glob(f"hospital/*/quarter={quarter}")):
                if folder.is_dir():
                    yield f"{folder.relative_to(home.root)}: {reasons['hospital']}"
        for file in home.lake.glob(f"norms/{period.year}-*/frozen_norm_cases.parquet"):
            yield f"{file.relative_to(home.root)}: {reasons['hospital']}"
    if "cms" in reasons:
        for month in period.months:
            for folder in (home.inbox / "cms" / str(month), *home.lake.glob(f"cms/*/month={month}")):
                if folder.is_dir():
                    yield f"{folder.relative_to(home.root)}: {reasons['cms']}"


def destroy(home: Home, retention: Retention, signer: Signer | None = None) -> int:
    """Destroy the release files that are due, their kept sources and what is left over. Returns the number of files.

    The record and its ledger line are written before the first file is removed: if a run is killed in between, the next
    one finishes it.

    Args:
        signer: signs each record; None: records are not signed.

    Raises:
        HcipError: a file does not have the hash in the manifest, or a record cannot be signed. Nothing is destroyed.
    """
    from hcip_pipeline.ledger.recording import record_destructions

    by_release: dict[str, list[Due]] = {}
    for each in retention.due:
        by_release.setdefault(each.release, []).append(each)
    for name, files in by_release.items():
        _check_hashes(_folder(home, name), files)
    if signer is not None:
        signer.sign(b"")  # before anything is written: without a signature, nothing is destroyed
    for name, files in by_release.items():
        folder = _folder(home, name)
        _write_record(folder, files, retention.as_of, signer)
    if by_release:
        record_destructions(home)
        sign_head(home, signer)
    for each in retention.due:
        (_folder(home, each.release) / each.path).unlink(missing_ok=True)
    for path in (*retention.kept_sources, *retention.left_over):
        path.unlink(missing_ok=True)
    return retention.files


def _folder(home: Home, release: str) -> Path:
    period, _, number = release.rpartition("_")
    return home.releases / period / number


def _check_hashes(folder: Path, files: Sequence[Due]) -> None:
    for each in files:
        path = folder / each.path
        found = f"sha256:{file_sha256(path)}"
        if found != each.hash:
            raise HcipError(
                "the file does not match its release's manifest, so nothing is destroyed",
                file=path,
                rule="RETAIN-HASH",
                fix="`hcip verify` lists what was changed; restore it first",
            )


def _write_record(folder: Path, files: Sequence[Due], as_of: dt.date, signer: Signer | None) -> None:
    path = folder.with_name(f"{folder.name}.destroyed.json")
    before: list[dict[str, Any]] = []
    if path.is_file():
        before = read_record(path, "files")["files"]
    reported = {entry["path"] for entry in before}
    added = [
        {"path": each.path, "hash": each.hash, "bytes": each.bytes, "reason": each.reason, "as_of": str(as_of)}
        for each in files
        if each.path not in reported
    ]
    record = {
        "release": f"{folder.parent.name}_{folder.name}",
        "manifest": MANIFEST,
        "manifest_sha256": manifest_sha256(folder),
        "files": sorted([*before, *added], key=lambda entry: str(entry["path"])),
    }
    write_json(record, path)
    if signer is not None:
        sign_file(signer, path, path.with_name(f"{path.name}.sig"))
