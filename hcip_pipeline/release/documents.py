"""Files of a release that are not tables: pages, workbooks, forms. Each is a pure function of the draft.

Belongs here: a renderer's input (``Draft``) and output (``Document``), and writing documents safely. Does not belong
here: the content of documents (each next to its domain, listed in ``publishing.renderers``), and tables (``tables``).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.quality_of_data import Received
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.release.layouts import AUDIENCES, Audience
from hcip_pipeline.release.notes import Note
from hcip_pipeline.release.private_files import FILE_MODE, private_folder
from hcip_pipeline.release.reading import ReleaseFiles, releases_among, releases_of
from hcip_pipeline.release.verification import VerificationReport

if TYPE_CHECKING:
    from hcip_pipeline.release.rests_on import Named

#: a part of a path: no separator, control character or leading dot, nothing special to a shell or to Windows
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,119}")


@dataclass(frozen=True)
class Document:
    """One file.

    Attributes:
        path: within the release, with ``/``: ``reports/210001/oversight.html``. The first folder
            determines who may receive it (``layouts.AUDIENCES``).
        content: its bytes; the same draft must give the same bytes.
        mediatype: as in ``text/html``.
    """

    path: str
    content: bytes
    mediatype: str


@dataclass(frozen=True)
class WrittenDocument:
    """A document as the manifest lists it."""

    path: str
    mediatype: str
    bytes: int
    sha256: str

    @property
    def audience(self) -> Audience:
        """Who may receive the document."""
        return AUDIENCES[self.path.split("/")[0]]


def _no_table(name: str) -> pl.DataFrame:
    raise HcipError(f"the build has no table {name}")


@dataclass(frozen=True)
class Draft:
    """A release whose tables are written and whose documents are not: everything that a renderer may read.

    A renderer reads no clock, no inbox and nothing else of the machine. Its content must depend only on the draft,
    because the same inputs and policy must give the same bytes.

    Attributes:
        home: for the lake's receipts and the releases; do not read its inbox, which may have changed since.
        number: n of ``r<n>``.
        inputs: every file that the build read, as ``{"file", "sha256", "rows"}``.
        notes: what was missing without stopping the build.
        marts: returns a mart of the build by name, in its contract's columns, including those not released unchanged.
        lake: returns a table of the lake as the build read it, in its contract's columns: program files and protocols.
        recomputation: returns the verification of the tables, recomputed from the tables themselves; may block.
        received: returns a quarter's receipts as they were, if a release is being reproduced; None: the lake's.
        made_from: Merkle root over the release's inputs, as in its manifest.
        signed_by: the signer's identity; None: the release is not signed.
        stamped_by: host of the time stamp service that will stamp the manifest; None: it is not stamped.
        later: releases of later periods that were made without this one.
        is_synthetic: the data are invented, and every file is marked so.
        certainty: how certain the payments are, by table (``contracts.certainty``); no payment depends on them.
        restatement: what changed since the previous release (``contracts.audit.RESTATEMENT``); None: not determined.
    """

    home: Home
    period: PerformancePeriod
    number: int
    policy: PolicyFile
    files: ReleaseFiles
    hospitals: tuple[str, ...]
    inputs: tuple[Mapping[str, Any], ...] = ()
    notes: tuple[Note, ...] = ()
    marts: Callable[[str], pl.DataFrame] = field(default=_no_table, repr=False)
    lake: Callable[[str], pl.DataFrame] = field(default=_no_table, repr=False)
    restatement: pl.DataFrame | None = None
    made_from: str = ""
    signed_by: str | None = None
    received: Received | None = field(default=None, repr=False)
    recomputation: Callable[[], VerificationReport] | None = field(default=None, repr=False)
    later: tuple[Named, ...] = ()
    is_synthetic: bool = False
    stamped_by: str | None = None
    certainty: Mapping[str, pl.DataFrame] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """``2025H1_r1``, the end of file names."""
        return f"{self.period}_r{self.number}"

    def table(self, name: str, owner: str | None = None, folder: str | None = None) -> pl.DataFrame:
        """A table of the release that is being written, exactly as released.

        Args:
            name: the contract's, such as ``incentives``.
            owner: a hospital's CMS certification number; None: all hospitals' files together, or the state's.
            folder: for a table that is in two folders, such as ``regulator`` for ``savings``.

        Raises:
            HcipError: there is no such table.
        """
        return self.files.table(name, owner, folder)

    def has(self, name: str, owner: str | None = None, folder: str | None = None) -> bool:
        """Whether the release has the table."""
        return self.files.has(name, owner, folder)

    @property
    def superseded(self) -> tuple[ReleaseFiles, ...]:
        """The period's earlier releases, oldest first; this release supersedes the last one."""
        folders = releases_of(self.home, self.period)
        return tuple(each for folder in folders if (each := ReleaseFiles.at(folder)).number < self.number)

    @property
    def earlier(self) -> tuple[ReleaseFiles, ...]:
        """The releases of earlier periods that this one was made from, oldest period first."""
        return tuple(releases_among(self.home, self.inputs))


#: makes documents; called once per release, after its tables are written
Renderer = Callable[[Draft], Iterable[Document]]


def release_path(root: Path, path: str) -> Path:
    """Where to write a file of the release in ``root``.

    Raises:
        HcipError: the path points outside the release, or has a part that is not a plain file name. Its parts come
            from data (a hospital's number, an NPI) and are not trusted.
    """
    parts = path.split("/")
    is_plain = all(_PART.fullmatch(part) and not part.endswith(".") for part in parts)
    if len(parts) < 2 or parts[0] not in AUDIENCES or not is_plain:
        raise HcipError(
            f"a file of a release cannot be named {path!r}",
            rule="RELEASE-PATH",
            fix="correct the identifier in the input that this name comes from; nothing was released",
        )
    return root.joinpath(*parts)


def write_documents(documents: Iterable[Document], root: Path, taken: Iterable[str] = ()) -> list[WrittenDocument]:
    """Write documents into the release in ``root``.

    Args:
        taken: paths that the release has already.

    Returns:
        Their entries for the manifest, ordered by path.

    Raises:
        HcipError: a path is invalid, or two files would have the same path (letter case does not distinguish them).
    """
    seen = {path.casefold() for path in taken}
    written = []
    for document in documents:
        target = release_path(root, document.path)
        if document.path.casefold() in seen:
            raise HcipError(f"two files of the release would be named {document.path}", rule="RELEASE-PATH")
        seen.add(document.path.casefold())
        private_folder(target.parent)
        descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), FILE_MODE)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(document.content)
        sha256 = hashlib.sha256(document.content).hexdigest()
        written.append(WrittenDocument(document.path, document.mediatype, len(document.content), sha256))
    return sorted(written, key=lambda each: each.path)
