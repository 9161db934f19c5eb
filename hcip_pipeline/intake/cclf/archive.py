"""An archive as CMS delivers it, zipped or not; its members are read without being unpacked to disk.

Belongs here: finding deliveries in a folder and opening their members safely. Does not belong here: their content.
"""

from __future__ import annotations

import contextlib
import hashlib
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, BinaryIO, cast

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.received import ARCHIVE_DAMAGE, CLAIMS, DAMAGE, bytes_in_words, open_file, sha256_of
from hcip_pipeline.intake.bcda.names import is_export_file
from hcip_pipeline.intake.cclf.names import CclfName
from hcip_pipeline.intake.claims.deliveries import reading_fault

#: CMS's archives have eleven.
MAX_MEMBERS = 1_000
_RESEND = "ask CMS for the archive again, or transfer it again in binary mode"


@dataclass(frozen=True)
class Delivery:
    """One archive in the inbox: a zip file, or the unzipped files of one delivery."""

    name: CclfName
    paths: tuple[Path, ...]
    is_zip: bool

    @property
    def label(self) -> str:
        """Its name in messages: the archive's own, or for unzipped files the one that their archive would have."""
        return self.paths[0].name if self.is_zip else str(self.name)

    def sha256(self) -> str:
        """The archive's hash; for unzipped files, one hash over their names and hashes."""
        if self.is_zip:
            return sha256_of(self.paths[0], CLAIMS)
        listing = "".join(
            f"{sha256_of(path, CLAIMS)}  {path.name}\n" for path in sorted(self.paths, key=lambda p: p.name)
        )
        return hashlib.sha256(listing.encode()).hexdigest()

    @property
    def size(self) -> int:
        """Bytes of the archive, or of the unzipped files, on disk."""
        return sum(path.stat().st_size for path in self.paths)

    def members(self) -> list[Member]:
        """Every file of the archive, by name.

        Raises:
            HcipError: ``CCLF-ARCHIVE-CORRUPT``, ``CCLF-UNSAFE-MEMBER``, ``CCLF-ARCHIVE-ENCRYPTED``, ``CCLF-EXPANSION``.
        """
        if not self.is_zip:
            return [Member(path.name, CclfName.parse(path.name), path) for path in sorted(self.paths)]
        try:
            with open_file(self.paths[0], CLAIMS) as stream, zipfile.ZipFile(stream) as archive:
                entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            if len(entries) > MAX_MEMBERS:
                raise ValueError(f"it contains {len(entries):,} files, more than {MAX_MEMBERS:,}")
        except ARCHIVE_DAMAGE as error:
            raise self.refusal("CCLF-ARCHIVE-CORRUPT", f"the archive cannot be opened ({error})", _RESEND) from error
        return [self._checked(entry) for entry in entries]

    def _checked(self, entry: zipfile.ZipInfo) -> Member:
        path = PurePosixPath(entry.filename.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in entry.filename:
            raise self.refusal(
                "CCLF-UNSAFE-MEMBER",
                "the archive contains a file whose path points outside it",
                "do not use this archive",
            )
        if stat.S_ISLNK(entry.external_attr >> 16):
            raise self.refusal("CCLF-UNSAFE-MEMBER", "the archive contains a symbolic link", "do not use this archive")
        if entry.flag_bits & 0x1:
            raise self.refusal(
                "CCLF-ARCHIVE-ENCRYPTED", "the archive is encrypted", "decrypt it and put the archive or its files here"
            )
        if entry.file_size > CLAIMS.max_unpacked(entry.compress_size):
            raise self.refusal(
                "CCLF-EXPANSION",
                f"a file of the archive would expand to over {CLAIMS.times} times its size, or over "
                f"{bytes_in_words(CLAIMS.unpacked)}",
                "check where the archive comes from; if it is genuine, unzip it and put its files here",
            )
        return Member(path.name, CclfName.parse(path.name), self.paths[0], entry)

    def refusal(self, rule: str, message: str, fix: str, row: int | None = None) -> HcipError:
        """An error about a file of the archive."""
        return HcipError(message, fix=fix, file=self.label, row=row, rule=rule)


@dataclass(frozen=True)
class Member:
    """One file of an archive; ``name`` is None if it is not one of CMS's."""

    file: str
    name: CclfName | None
    path: Path
    entry: zipfile.ZipInfo | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """Open the member for reading; damage is found while reading and raises ``CCLF-ARCHIVE-CORRUPT``."""
        try:
            if self.entry is None:
                with open_file(self.path, CLAIMS) as stream:
                    yield stream
            else:
                with (
                    open_file(self.path, CLAIMS) as packed,
                    zipfile.ZipFile(packed) as archive,
                    _opened(archive, self.entry) as member,
                ):
                    yield cast(BinaryIO, member)
        except DAMAGE as error:
            raise HcipError(
                f"the file cannot be read to its end ({type(error).__name__})",
                fix=_RESEND, file=self.file, rule="CCLF-ARCHIVE-CORRUPT",
            ) from error  # fmt: skip


def _opened(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> IO[bytes]:
    try:
        return archive.open(entry)
    except ValueError as error:  # its offset is outside the archive
        raise zipfile.BadZipFile(str(error)) from error


def find_deliveries(folder: Path) -> tuple[list[Delivery], list[HcipError]]:
    """Every delivery below a folder, oldest first, and an error for each file that is of no delivery or BCDA export.

    Unzipped files of one series and date in the same folder are one delivery.
    """
    deliveries: list[Delivery] = []
    strays: list[HcipError] = []
    loose: dict[tuple[object, ...], list[tuple[CclfName, Path]]] = {}
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir() or path.is_symlink()):
        if any(part.startswith((".", "__")) for part in path.relative_to(folder).parts):
            continue  # created by a file manager
        name = CclfName.parse(path.name)
        if name is None and is_export_file(path.name):
            continue  # another shape, with its own rules
        if path.is_symlink() or not path.is_file():
            strays.append(
                HcipError(
                    "a link or special file is not accepted", fix="put the file itself here", file=path.name,
                    rule="CCLF-LINK",
                )
            )  # fmt: skip
        elif name is None:
            strays.append(
                HcipError(
                    "the name is not one that CMS gives its archives and files",
                    fix="keep the name as delivered, for example P.A1234.ACO.ZCY25.D250415.T1234567",
                    file=path.name, rule="CCLF-NAME",
                )
            )  # fmt: skip
        elif (fault := reading_fault(path)) is not None:
            strays.append(HcipError(fault.message, fix=fault.fix, file=path.name, rule="CCLF-FILE"))
        elif not name.file or _starts_like_zip(path):
            deliveries.append(Delivery(name, (path,), is_zip=True))
        else:
            loose.setdefault((path.parent, name.is_test, name.series, name.file_date), []).append((name, path))
    for files in loose.values():
        first = min(files, key=lambda file: (file[0].file != "0", file[0].file_time))[0]
        archive = CclfName(
            first.is_test, first.organization, "", first.is_run_out, first.performance_year, first.file_date,
            first.file_time,
        )  # fmt: skip
        deliveries.append(Delivery(archive, tuple(path for _, path in files), is_zip=False))
    deliveries.sort(key=lambda d: (d.name.file_date, d.name.file_time, d.label))
    return deliveries, strays


def _starts_like_zip(path: Path) -> bool:
    with open_file(path, CLAIMS) as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")
