"""The files that a line of the ledger covers: those of an acceptance, a norm table, a release or a destruction.

Belongs here: which files these are, with their hashes from receipts and seals. Does not belong here: when a line is
written (``recording``).

Files of the inbox are covered by the hash in their receipt, files of the lake by the hash in their seal: both hashes
were computed while the file was read or written.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from hcip_pipeline.contracts import cms
from hcip_pipeline.files.hashes import file_sha256
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.lake_seals import seal_path
from hcip_pipeline.intake.cclf.receipts import receipts as archive_receipts
from hcip_pipeline.intake.hospital.ingest import receipt_path, receipts
from hcip_pipeline.ledger.lines import Entry
from hcip_pipeline.periods import Month, PerformancePeriod, Quarter
from hcip_pipeline.release.layouts import MANIFEST
from hcip_pipeline.release.reading import releases_of


def accepted_in(home: Home, partition: str) -> list[Entry]:
    """One entry per receipt of a partition: ``2025Q1``, ``2025-04``, ``reference`` or ``2025H1``."""
    if partition == "reference":
        return list(_reference(home))
    if "Q" in partition:
        return list(_submissions(home, Quarter.parse(partition)))
    if "H" in partition:
        return list(_program(home, partition))
    return list(_archives(home, Month.parse(partition)))


def partitions_of(home: Home) -> list[str]:
    """Every partition with receipts in the lake."""
    lake = home.lake
    keyed = ("hospital/receipts/quarter=*", "cms/receipts/month=*", "program/period=*")
    found = [path.name.partition("=")[2] for pattern in keyed for path in sorted(lake.glob(pattern))]
    return [*(["reference"] if (home.lake_reference / "receipt.json").is_file() else []), *found]


def _submissions(home: Home, quarter: Quarter) -> Iterator[Entry]:
    for receipt in receipts(home, quarter):
        own = receipt_path(home, quarter, receipt.stem)
        files = {_name(home, own): file_sha256(own)}
        accepted = receipt.status == "accepted"
        if receipt.ccn:
            folder = f"inbox/hospital/{quarter}/{receipt.ccn}" + (f".r{receipt.version}" if receipt.version > 1 else "")
            files |= {f"{folder}/{file.name}": file.sha256 for file in receipt.files if file.name and file.sha256}
        if accepted:
            for table in ("discharges", "charges"):
                files |= _sealed(home, [home.lake_hospital(table, quarter) / f"{receipt.stem}.parquet"])
        yield Entry("acceptance" if accepted else "refusal", f"hospital/{quarter}/{receipt.stem}", files)


def _archives(home: Home, month: Month) -> Iterator[Entry]:
    for receipt in archive_receipts(home, [month]):
        own = receipt.path(home)
        files = {_name(home, own): file_sha256(own)}
        delivered = home.inbox / "cms" / str(month) / receipt.archive
        if receipt.sha256 and delivered.suffix == ".zip":  # unpacked files have one hash for all of them
            files[_name(home, delivered)] = receipt.sha256
        if receipt.accepted:
            files |= _sealed(home, (home.lake_cms(table, month) / f"{receipt.archive}.parquet" for table in cms.TABLES))
        yield Entry("acceptance" if receipt.accepted else "refusal", f"cms/{month}/{own.stem}", files)


def _reference(home: Home) -> Iterator[Entry]:
    own = home.lake_reference / "receipt.json"
    if not own.is_file():
        return
    tables: dict[str, Any] = json.loads(own.read_text(encoding="utf-8"))["tables"]
    files = {_name(home, own): file_sha256(own)}
    files |= {
        f"inbox/reference/{table['file']}": table["sha256"] for table in tables.values() if table["source"] == "inbox"
    }
    kept = {
        _name(home, path): file_sha256(path) for path in sorted((home.lake_reference / "history").glob("*.parquet"))
    }
    files |= kept | _sealed(home, sorted(home.lake_reference.glob("*.parquet")))
    yield Entry("acceptance", "reference", files)


def _program(home: Home, period: str) -> Iterator[Entry]:
    folder = home.lake_program(period)
    own_receipts = sorted((folder / "receipts").glob("*.json"))
    own = [*own_receipts, *sorted((folder / "history").glob("*.parquet")), *sorted(folder.glob("*.parquet"))]
    if own:
        own += _protocol_versions(home, int(period[:4]))
    files = {_name(home, path): file_sha256(path) for path in own}
    found: list[dict[str, Any]] = [json.loads(path.read_text(encoding="utf-8")) for path in own_receipts]
    for receipt in sorted(found, key=lambda each: int(each.get("version") or 0)):  # the newest of a name comes last
        if receipt.get("version") == receipt.get("in_force") and receipt.get("sha256"):
            files[f"inbox/{receipt.get('folder', f'program/{period}')}/{receipt['file']}"] = receipt["sha256"]
    if files:
        yield Entry("acceptance", f"program/{period}", files)


def _protocol_versions(home: Home, year: int) -> list[Path]:
    """The accepted versions of protocols up to a year; the first ones state when programs began."""
    found = sorted((home.lake / "protocols").glob("*/????.r*.yaml"))
    return [path for path in found if path.name[:4].isdigit() and int(path.name[:4]) <= year]


def _sealed(home: Home, paths: Iterable[Path]) -> dict[str, str]:
    """The files with the hashes in their seals; a file without a seal is hashed."""
    found = {}
    for path in paths:
        seal = seal_path(home, path)
        if seal.is_file():
            found[_name(home, path)] = str(json.loads(seal.read_text(encoding="utf-8"))["sha256"])
        elif path.is_file():
            found[_name(home, path)] = file_sha256(path)
    return found


def norm_entries(home: Home) -> list[Entry]:
    """One entry per frozen norm table."""
    found = []
    for folder in sorted((home.lake / "norms").glob("[0-9]*")):
        if (folder / "manifest.json").is_file():
            own = folder / "manifest.json"
            files = {_name(home, own): file_sha256(own)} | _sealed(home, sorted(folder.glob("*.parquet")))
            found.append(Entry("norms", folder.name, files))
    return found


def release_entry(home: Home, period: PerformancePeriod, number: int, program: str = "") -> Entry:
    """A release: its manifest, which names every file and input, and the record of its sources.

    Args:
        program: digest of the models; empty if it is no longer known.
    """
    manifest = home.releases / str(period) / f"r{number}" / MANIFEST
    record = home.lake / "known" / f"{period}_r{number}.json"
    files = {_name(home, path): file_sha256(path) for path in (manifest, record) if path.is_file()}
    return Entry("release", f"{period}/r{number}", files | ({"program": program} if program else {}))


def release_entries(home: Home, periods: Iterable[str] | None = None) -> list[Entry]:
    """One entry per release in the home, of these periods or of all."""
    names = sorted(path.name for path in home.releases.glob("????H[12]")) if periods is None else list(periods)
    found = []
    for name in names:
        period = PerformancePeriod.parse(name)
        for folder in releases_of(home, period):
            if (folder / MANIFEST).is_file():
                found.append(release_entry(home, period, int(folder.name[1:])))
    return found


def destruction_entries(home: Home) -> list[Entry]:
    """One entry per record of a destruction."""
    return [
        Entry("destruction", f"{path.parent.name}/{path.name.split('.')[0]}", {_name(home, path): file_sha256(path)})
        for path in sorted(home.releases.glob("*/r*.destroyed.json"))
    ]


def _name(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()
