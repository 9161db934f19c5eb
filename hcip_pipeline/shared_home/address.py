"""Files in object storage (``s3://bucket/prefix``), or at another address that fsspec supports.

Belongs here: opening an address, reading, writing without overwriting, and plain messages for storage errors. Does not
belong here: the meaning of the files.
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
#: by default, s3fs requests a file's size before reading it: two requests for each of many small files
_IN_ONE_REQUEST = {"s3": {"max_concurrency": 1}, "s3a": {"max_concurrency": 1}}


def is_address(text: str) -> bool:
    """Whether a text is an address rather than a folder's path."""
    return _ADDRESS.fullmatch(text) is not None


@dataclass(frozen=True)
class Storage:
    """Files below one address."""

    system: fsspec.AbstractFileSystem
    root: str
    #: whether a file is stored completely or not at all
    has_objects: bool
    #: whether it is a folder in this machine's file systems
    is_local: bool = False
    #: fsspec options for reading a file
    reading: Mapping[str, int] = field(default_factory=dict)

    def address_of(self, path: str) -> str:
        """The address of one file, for messages."""
        return str(self.system.unstrip_protocol(f"{self.root}/{path}"))

    def read(self, path: str) -> bytes | None:
        """A file's bytes; None if it does not exist."""
        try:
            content = self.system.cat_file(f"{self.root}/{path}", **self.reading)
        except FileNotFoundError:
            return None
        assert isinstance(content, bytes)
        return content

    def create(self, path: str, content: bytes) -> bool:
        """Write a file if it does not exist, by the storage's own condition (``If-None-Match``).

        Returns:
            Whether it was written now. If not, a file exists: perhaps this one, if an earlier response was lost.
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
        """The sorted names of the files in a folder; empty if there is no such folder."""
        try:
            found = self.system.ls(f"{self.root}/{folder}", detail=False)
        except FileNotFoundError:
            return []
        names = (str(path).rstrip("/").rpartition("/")[2] for path in found)
        return sorted(name for name in names if name and not name.startswith("."))

    def check_bucket(self) -> None:
        """Make sure that the bucket exists: a misspelled one looks like an empty one.

        Raises:
            FileNotFoundError: it does not exist.
        """
        bucket = self.root.partition("/")[0]
        if self.has_objects and not self.system.exists(bucket):
            raise FileNotFoundError(f"there is no bucket {bucket}")

    def size(self, path: str) -> int | None:
        """A file's size in bytes; None if it does not exist."""
        try:
            return int(self.system.info(f"{self.root}/{path}")["size"])
        except FileNotFoundError:
            return None

    def remove(self, path: str) -> None:
        """Remove a file if it exists."""
        try:
            self.system.rm_file(f"{self.root}/{path}")
        except FileNotFoundError:
            return


def _create_local(place: Path, content: bytes) -> bool:
    """:meth:`Storage.create` for a folder: completely or not at all, even if the process is killed."""
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
        UsageError: the address is invalid, or support for its kind of storage is not installed.
        HcipError: a storage operation in the ``with`` block failed.
    """
    named = _ADDRESS.fullmatch(address)
    if named is None:
        raise UsageError(
            f"{address} is not an address", fix="give one such as s3://bucket/prefix or file:///mnt/releases"
        )
    try:
        local = {"auto_mkdir": True} if named[1] in _LOCAL else {}
        system, root = fsspec.url_to_fs(address.rstrip("/"), **local, use_listings_cache=False)
    except ImportError as error:
        raise UsageError(
            f"the package that reads {named[1]}:// is not installed",
            rule="STORAGE",
            fix="for s3://, run `pip install 'hcip-pipeline[s3]'`; for Google Cloud, install gcsfs; for Azure, adlfs",
        ) from error
    except ValueError as error:
        raise UsageError(f"{named[1]}:// is not a supported kind of storage: {error}", fix="use s3://") from error
    try:
        reading = _IN_ONE_REQUEST.get(named[1], {})
        yield Storage(system, root.rstrip("/"), named[1] in _OF_OBJECTS, named[1] in _LOCAL, reading)
    except HcipError:
        raise
    except Exception as error:  # each kind of storage has its own exceptions
        reason = " ".join(str(error).split())[:400] or type(error).__name__
        raise HcipError(
            f"the storage refused the request or cannot be reached: {reason}",
            file=address,
            rule="STORAGE",
            fix="check the address, the credentials (from the environment or the machine's role) and the network, and "
            "run this again: unfinished work does not count",
        ) from error
