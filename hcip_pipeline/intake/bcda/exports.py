"""BCDA exports in a folder: which files belong together, and whether any are missing.

Belongs here: every rule that needs no resource. Does not belong here: the content of the files (``lines``, ``reader``).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import CLAIMS, Ceiling, read_file, sha256_of
from hcip_pipeline.intake.bcda.manifest import MAX_BYTES, Manifest, Output, parse_manifest
from hcip_pipeline.intake.bcda.names import is_data_file, is_export_file, is_manifest
from hcip_pipeline.intake.claims.deliveries import reading_fault
from hcip_pipeline.tables.file_names import shown_path

#: The resources that the intake reads, in this order: a claim needs its patient, a patient needs their coverage.
RESOURCES = ("Coverage", "Patient", "ExplanationOfBenefit")
_AGAIN = "download the job's files again"


@dataclass(frozen=True)
class DataFile:
    """One file of resources; ``count`` is their number in the manifest, if given."""

    path: Path
    resource: str
    count: int | None


@dataclass(frozen=True)
class Export:
    """The contents of one folder: an export's data files and its manifest, as received."""

    folder: Path
    paths: tuple[Path, ...]

    @property
    def label(self) -> str:
        """Its name in messages: from its manifest, else its folder."""
        try:
            return str(self.manifest().name)
        except HcipError:
            return shown_path(self.folder.name) + "/"

    def sha256(self) -> str:
        """One hash over the names and hashes of all files."""
        listing = "".join(f"{sha256_of(path, CLAIMS)}  {path.name}\n" for path in self.paths)
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of all files on disk."""
        return sum(path.stat().st_size for path in self.paths)

    def manifest(self) -> Manifest:
        """The manifest.

        Raises:
            HcipError: ``BCDA-NO-MANIFEST``, ``BCDA-MANIFEST``, ``BCDA-BUNDLE``, or one of the FILE- rules.
        """
        found = [path for path in self.paths if is_manifest(path.name)]
        if len(found) != 1:
            what = "there is no manifest" if not found else f"there are {len(found)} manifests"
            raise HcipError(
                f"{what} among the export's files, so it is not known whether all of them are there",
                fix="save the response to the job's status request as manifest.json next to its files, each export in "
                "its own folder",
                file=f"{shown_path(self.folder.name)}/", rule="BCDA-NO-MANIFEST",
            )  # fmt: skip
        return parse_manifest(read_file(found[0], Ceiling(MAX_BYTES)), found[0].name)

    def files(self, manifest: Manifest) -> list[DataFile]:
        """The data files, those of ``RESOURCES`` first and in that order; checks every rule that needs no resource.

        Raises:
            HcipError: ``BCDA-VERSION``, ``BCDA-JOB-ERRORS``, ``BCDA-FILE-MISSING``, ``BCDA-FILE-NOT-LISTED``.
        """
        if manifest.version in ("v1", "v2"):
            raise version_refusal(f"the job used BCDA {manifest.version}", manifest.file)
        data = {path.name: path for path in self.paths if is_data_file(path.name)}
        errors = [name for name, path in data.items() if "error" in name.lower() and path.stat().st_size]
        if manifest.errors or errors:
            raise HcipError(
                f"the job reports errors ({shown_path((*errors, *manifest.errors)[0])}): its data are incomplete",
                fix="start the job again, and put its files here once it reports none",
                file=manifest.file, rule="BCDA-JOB-ERRORS",
            )  # fmt: skip
        data = {name: path for name, path in data.items() if "error" not in name.lower()}
        found = _matched(manifest, data)
        return sorted(found, key=lambda file: (_place(file.resource), file.path.name))


def version_refusal(why: str, file: str, row: int | None = None) -> HcipError:
    """The refusal of resources of an older version."""
    return HcipError(
        f"{why}: versions 1 and 2 lack the claim id and the adjustment code, without which final claims cannot be "
        "determined",
        fix="export from BCDA v3 (/api/v3/)", file=file, row=row, rule="BCDA-VERSION",
    )  # fmt: skip


def _place(resource: str) -> int:
    return RESOURCES.index(resource) if resource in RESOURCES else len(RESOURCES)


def _matched(manifest: Manifest, data: dict[str, Path]) -> list[DataFile]:
    """Match every file that the manifest names with a file of the folder, by its name or else by its resource."""
    left = dict(data)
    found: list[DataFile] = []
    unnamed: list[Output] = []
    for output in manifest.outputs:
        name = next((name for name in (output.file, f"{output.file}.gz") if name in left), None)
        if name is None:
            unnamed.append(output)
        else:
            found.append(DataFile(left.pop(name), output.resource, output.count))
    for output in unnamed:
        name = next((name for name in sorted(left) if name.lower().startswith(output.resource.lower())), None)
        if name is None:
            raise HcipError(
                f"the manifest names {shown_path(output.file)} ({output.resource}), which is missing",
                fix=_AGAIN, file=manifest.file, rule="BCDA-FILE-MISSING",
            )  # fmt: skip
        of_resource = [each for each in unnamed if each.resource == output.resource]
        found.append(DataFile(left.pop(name), output.resource, output.count if len(of_resource) == 1 else None))
    if left:
        raise HcipError(
            "the manifest does not name this file, so it is not known which export it belongs to",
            fix="put each export into its own folder, with its manifest",
            file=shown_path(min(left)), rule="BCDA-FILE-NOT-LISTED",
        )  # fmt: skip
    return found


def find_exports(folder: Path) -> tuple[list[Export], list[HcipError]]:
    """Every export below a folder, oldest first, and an error for each file that cannot be opened."""
    loose: dict[Path, list[Path]] = {}
    strays: list[HcipError] = []
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()):
        if any(part.startswith((".", "__")) for part in path.relative_to(folder).parts) or not is_export_file(
            path.name
        ):
            continue
        if path.is_symlink() or not path.is_file():
            strays.append(
                HcipError(
                    "a link or special file is not accepted", fix="put the file itself here",
                    file=path.name, rule="BCDA-LINK",
                )
            )  # fmt: skip
        elif (fault := reading_fault(path)) is not None:
            strays.append(HcipError(fault.message, fix=fault.fix, file=path.name, rule="BCDA-FILE"))
        else:
            loose.setdefault(path.parent, []).append(path)
    exports = [Export(parent, tuple(sorted(paths, key=lambda path: path.name))) for parent, paths in loose.items()]
    return sorted(exports, key=_age), strays


def _age(export: Export) -> tuple[str, str]:
    try:
        name = export.manifest().name
    except HcipError:
        return ("", str(export.folder))
    return (f"{name.file_date}{name.file_time}", str(export.folder))
