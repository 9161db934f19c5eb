"""Files at an address of object storage (``s3://bucket/prefix``), or any other that fsspec knows.

Belongs here: opening an address, reading, writing where there is nothing, and errors of the storage in plain words.
Does not belong here: what the files mean.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import fsspec

from hcip_pipeline.errors import HcipError, UsageError

_ADDRESS = re.compile(r"([a-z][a-z0-9+.-]*)://(.+)", re.DOTALL)
_OF_OBJECTS = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"})
_LOCAL = frozenset({"file", "local"})
#: as s3fs reads a file otherwise, it asks for its size first: two requests for each of many small files
_IN_ONE_REQUEST = {"s3": {"max_concurrency": 1}, "s3a": {"max_concurrency": 1}}


def is_address(text: str) -> bool:
    """Whether a text is an address rather than the path of a folder."""
    return _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True)
class Storage:
    """Files below one address."""

    system: fsspec.AbstractFileSystem
    root: str
    #: whether a file is there whole or not at all
    has_objects: bool
    #: whether it is a folder of this machine's file systems
    is_local: bool = False
    #: options of the file system's own for reading a file
    reading: Mapping[str, int] = field(default_factory=dict)

    def address_of(self, path: str) -> str:
        """The address of one file, for messages."""
        return str(self.system.unstrip_protocol(f"{self.root}/{path}"))

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None where there is none."""
        try:
            content = self.system.cat_file(f"{self.root}/{path}", **self.reading)
        except FileNotFoundError:
            return None
        assert isinstance(content, bytes)
        return content

    def create(self, path: str, content: bytes) -> bool:
        """Write a file where there is none, by the storage's own condition (``If-None-Match``).

        Returns:
            Whether it was written now. Where it was not, a file is there: perhaps this very one, which an answer that
            got lost had stored.
        """
        place = f"{self.root}/{path}"
        if self.is_local:
            return _create_local(Path(place), content)
        try:
            self.system.pipe_file(place, content, mode="create")
        except FileExistsError:
            return False
        return True

    def names(self, folder: str) -> list[str]:
        """The names of the files in a folder, in order; none where there is no such folder."""
        try:
            found = self.system.ls(f"{self.root}/{folder}", detail=False)
        except FileNotFoundError:
            return []
        names = (str(path).rstrip("/").rpartition("/")[2] for path in found)
        return sorted(name for name in names if name and not name.startswith("."))

    def check_bucket(self) -> None:
        """Make sure that there is a bucket: a misspelled one looks like an empty one.

        Raises:
            FileNotFoundError: there is none.
        """
        bucket = self.root.partition("/")[0]
        if self.has_objects and not self.system.exists(bucket):
            raise FileNotFoundError(f"there is no bucket {bucket}")

    def size(self, path: str) -> int | None:
        """A file's size in bytes; None where there is none."""
        try:
            return int(self.system.info(f"{self.root}/{path}")["size"])
        except FileNotFoundError:
            return None

    def remove(self, path: str) -> None:
        """Remove a file that may be there."""
        try:
            self.system.rm_file(f"{self.root}/{path}")
        except FileNotFoundError:
            return


def _create_local(place: Path, content: bytes) -> bool:
    """As :meth:`Storage.create` in a folder: whole or not at all, also when the process is killed."""
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = place.with_name(f".{place.name}.{uuid.uuid4().hex}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        place.hardlink_to(temporary)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    return True


@contextmanager
def open_storage(address: str) -> Iterator[Storage]:
    """The storage at an address.

    Raises:
        UsageError: the address is none, or its kind of storage is not installed.
        HcipError: what is done in the ``with`` block could not be done there.
    """
    named = _ADDRESS.fullmatch(address)
    if named is None:
        raise UsageError(
            f"{address} is not an address", fix="name one such as s3://bucket/prefix or file:///mnt/releases"
        )
    try:
        local = {"auto_mkdir": True} if named[1] in _LOCAL else {}
        system, root = fsspec.url_to_fs(address.rstrip("/"), **local, use_listings_cache=False)
    except ImportError as error:
        raise UsageError(
            f"the package that reads {named[1]}:// is not installed",
            rule="STORAGE",
            fix="for s3:// install the package with its extra, `pip install 'hcip-pipeline[s3]'`; for Google Cloud "
            "gcsfs, for Azure adlfs",
        ) from error
    except ValueError as error:
        raise UsageError(f"{named[1]}:// is not a kind of storage: {error}", fix="name one such as s3://") from error
    try:
        reading = _IN_ONE_REQUEST.get(named[1], {})
        yield Storage(system, root.rstrip("/"), named[1] in _OF_OBJECTS, named[1] in _LOCAL, reading)
    except HcipError:
        raise
    except Exception as error:  # every storage has its own
        raise HcipError(
            f"the storage refused or cannot be reached: {' '.join(str(error).split())[:400] or type(error).__name__}",
            file=address,
            rule="STORAGE",
            fix="check the address, the credentials (the environment or the machine's role) and the network, and do it "
            "again: what was not finished does not count",
        ) from error
