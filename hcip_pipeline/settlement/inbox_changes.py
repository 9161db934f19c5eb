"""Compares the inbox with what was accepted: files not ingested yet, and files changed after they were accepted.

Belongs here: comparing the inbox's files with the receipts of hospitals and CMS. Does not belong here: listing the
inbox (``inbox_contents``), and judging a file.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.bcda.exports import find_exports
from hcip_pipeline.intake.cclf.archive import find_deliveries
from hcip_pipeline.intake.cclf.receipts import receipts as archive_receipts
from hcip_pipeline.intake.hospital.folders import submission_at, table_of
from hcip_pipeline.intake.hospital.ingest import receipts
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Quarter
from hcip_pipeline.tables.file_names import shown_path

RULE = "CHANGED_SINCE_TAKEN_IN"


@dataclass(frozen=True)
class Changed:
    """A file of the inbox that changed after it was accepted; the lake keeps the accepted version.

    Attributes:
        file: path below the inbox, as a log may show it.
        what: ``changed``, ``is gone`` or ``was added``.
    """

    file: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"inbox/{self.file} {self.what} after it was ingested; the ingested version still counts"

    def as_dict(self) -> dict[str, str]:
        """For JSON."""
        return asdict(self) | {"rule": RULE, "message": str(self)}


def changed_files(home: Home, contents: Mapping[str, str]) -> list[Changed]:
    """Files of submissions and archives that differ from what was accepted under their name, in order of path.

    Args:
        contents: the inbox's contents (``inbox_contents``).

    Raises:
        HcipError: a receipt cannot be read, or an archive of the inbox cannot be opened.
    """
    return sorted([*_of_hospitals(home, contents), *_of_cms(home, contents)], key=lambda each: each.file)


def not_ingested(home: Home, contents: Mapping[str, str]) -> list[str]:
    """Submissions and archives of the inbox that were not ingested yet, as paths below it.

    Raises:
        HcipError: as ``changed_files``.
    """
    known = _receipts(home, contents)
    found = [path for path in _submissions(contents) if path not in known]
    ingested = {(receipt.month, receipt.sha256) for receipt in archive_receipts(home)}
    return found + [sent.path for sent in _archives(home, contents) if (sent.month, sent.sha256) not in ingested]


def _of_hospitals(home: Home, contents: Mapping[str, str]) -> Iterator[Changed]:
    for folder, receipt in _receipts(home, contents).items():
        if not receipt.ccn:
            continue
        fix = f"leave it unchanged and put the correction next to it as {_next(folder, contents)}/"
        sent = {file.name: file.sha256 for file in receipt.files if file.sha256}
        here = {path.removeprefix(f"{folder}/"): _sha256(contents[path]) for path in _files_below(contents, folder)}
        for name in sorted(sent.keys() | here.keys()):
            if name not in here:
                yield Changed(shown_path(f"{folder}/{name}"), "is gone", fix)
            elif name in sent and here[name] != sent[name]:
                yield Changed(shown_path(f"{folder}/{name}"), "changed", fix)
            elif name not in sent and name not in receipt.entries and table_of(name) is not None:
                yield Changed(shown_path(f"{folder}/{name}"), "was added", fix)


def _of_cms(home: Home, contents: Mapping[str, str]) -> Iterator[Changed]:
    known: dict[tuple[str, str], set[str]] = {}
    for receipt in archive_receipts(home):
        if receipt.accepted:
            known.setdefault((receipt.month, receipt.archive), set()).add(receipt.sha256)
    for sent in _archives(home, contents):
        hashes = known.get((sent.month, sent.name))
        if hashes and sent.sha256 not in hashes:
            fix = "put it back as CMS delivered it; a correction by CMS has a later date"
            yield Changed(shown_path(sent.path), "changed", fix)


@dataclass(frozen=True)
class _Archive:
    """A delivery of CMS in the inbox; ``path`` is that of the archive, or of the first of its unzipped files."""

    path: str
    month: str
    name: str
    sha256: str


def _archives(home: Home, contents: Mapping[str, str]) -> Iterator[_Archive]:
    for month in sorted({path.split("/")[1] for path in contents if path.startswith("cms/") and path.count("/") > 1}):
        for delivery in find_deliveries(home.inbox / "cms" / month)[0]:
            paths = [path.relative_to(home.inbox).as_posix() for path in delivery.paths]
            content = contents.get(paths[0], "") if delivery.is_zip else ""
            yield _Archive(paths[0], month, str(delivery.name), _sha256(content) if content else delivery.sha256())
        for export in find_exports(home.inbox / "cms" / month)[0]:
            path = export.paths[0].relative_to(home.inbox).as_posix()
            yield _Archive(path, month, export.label, export.sha256())


def _receipts(home: Home, contents: Mapping[str, str]) -> dict[str, SubmissionReceipt]:
    """Path of a submission's folder -> its receipt, for ingested submissions."""
    by_quarter: dict[str, dict[str, SubmissionReceipt]] = {}
    found = {}
    for folder in _submissions(contents):
        _, quarter, name = folder.split("/")
        parsed = Quarter.parse(quarter)
        if quarter not in by_quarter:
            by_quarter[quarter] = {receipt.stem: receipt for receipt in receipts(home, parsed)}
        stem = submission_at(Path(name), parsed, Path()).stem
        if stem in by_quarter[quarter]:
            found[folder] = by_quarter[quarter][stem]
    return found


def _submissions(contents: Mapping[str, str]) -> list[str]:
    """Paths of submission folders: ``hospital/2025Q1/210012``."""
    found = {"/".join(path.split("/")[:3]) for path in contents if path.startswith("hospital/") and path.count("/") > 1}
    return sorted(path for path in found if not path.split("/")[2].startswith(".") and _is_quarter(path.split("/")[1]))


def _is_quarter(name: str) -> bool:
    try:
        Quarter.parse(name)
    except HcipError:
        return False  # nothing in it is ingested
    return True


def _files_below(contents: Mapping[str, str], folder: str) -> list[str]:
    paths = (path for path in contents if path.startswith(f"{folder}/"))
    return sorted(path for path in paths if not contents[path].endswith("folder"))


def _sha256(content: str) -> str:
    return content.rpartition(" ")[2]


def _next(folder: str, contents: Mapping[str, str]) -> str:
    """Name of the folder for a correction: the first version that does not exist yet."""
    place, _, name = folder.rpartition("/")
    ccn = name.split(".")[0]
    there = {path for path in _submissions(contents) if path.startswith(f"{place}/{ccn}")}
    number = 2
    while f"{place}/{ccn}.r{number}" in there:
        number += 1
    return f"{ccn}.r{number}"
