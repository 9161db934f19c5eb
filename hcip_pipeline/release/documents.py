"""Files of a release that are not tables: pages, workbooks, forms. Each is a pure function of what is being released.

Belongs here: what a renderer is given (``Draft``), what it gives back (``Document``), and writing that safely. Does not
belong here: the content of documents (each next to its domain, named in ``publishing.renderers``), and tables
(``tables``).
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

#: a part of a path: no separator, no control character, no leading dot, nothing a shell or Windows would read otherwise
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]{0,119}")


@dataclass(frozen=True)
class Document:
    """One file.

    Attributes:
        path: within the release, with ``/``: ``reports/210001/oversight.html``. The first folder
            determines who may receive it (``layouts.AUDIENCES``).
        content: its bytes; the same draft must give the same ones.
        mediatype: as in ``text/html``.
    """

    path: str
    content: bytes
    mediatype: str


@dataclass(frozen=True)
class WrittenDocument:
    """A document as the manifest states it."""

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
    """A release whose tables are written and whose documents are not: all that a renderer may look at.

    A renderer reads no clock, no inbox and nothing of the machine; its content must follow from this alone, because
    the same inputs and policy must give the same bytes.

    Attributes:
        home: for the lake's receipts and the releases; its inbox may have changed since and is not to be read.
        number: n of ``r<n>``.
        inputs: every file the build came from, as ``{"file", "sha256", "rows"}``.
        notes: what was missing without stopping the build.
        marts: gives a mart of the build by name, in its contract's columns; for what is not released as it is.
        lake: gives a table of the lake as the build read it, in its contract's columns: program files and protocols.
        recomputation: gives the verification of the tables, recomputed from themselves; it may have to wait.
        received: gives the receipts of a quarter as they were, where the release is one made again; None: the lake's.
        made_from: root over what the release is made from, as its manifest has it.
        signed_by: the signer's identity; None: the release is not signed.
        stamped_by: host of the time stamp service that is asked once it is written; None: none is.
        later: releases of later periods that were made without this one.
        is_synthetic: the data are invented, and every file is marked so.
        certainty: how sure the payments are, by table (``contracts.certainty``); no payment reads them.
        restatement: what changed since the release before (``contracts.audit.RESTATEMENT``); None: nothing was asked.
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
            name: of its contract, as ``incentives``.
            owner: a hospital's CMS certification number; None: all of them, or the state's.
            folder: for a table that is in two, as ``savings`` does in ``regulator``.

        Raises:
            HcipError: there is no such table.
        """
        return self.files.table(name, owner, folder)

    def has(self, name: str, owner: str | None = None, folder: str | None = None) -> bool:
        """Whether the release has the table."""
        return self.files.has(name, owner, folder)

    @property
    def superseded(self) -> tuple[ReleaseFiles, ...]:
        """The period's earlier releases, oldest first; the last one is what this release supersedes."""
        folders = releases_of(self.home, self.period)
        return tuple(each for folder in folders if (each := ReleaseFiles.at(folder)).number < self.number)

    @property
    def earlier(self) -> tuple[ReleaseFiles, ...]:
        """The releases of earlier periods that this one was made from, oldest period first."""
        return tuple(releases_among(self.home, self.inputs))


#: what makes documents; called once a release, after its tables are written
Renderer = Callable[[Draft], Iterable[Document]]


def release_path(root: Path, path: str) -> Path:
    """The place of a file of the release in ``root``.

    Raises:
        HcipError: the path points outside the release, or has a part that is not a plain file name. Names in it come
            from data (a hospital's number, an NPI) and are not trusted.
    """
    parts = path.split("/")
    is_plain = all(_PART.fullmatch(part) and not part.endswith(".") for part in parts)
    if len(parts) < 2 or parts[0] not in AUDIENCES or not is_plain:
        raise HcipError(
            f"a file of a release cannot be called {path!r}",
            rule="RELEASE-PATH",
            fix="correct the identifier in the input that this name comes from; nothing was released",
        )
    return root.joinpath(*parts)


def write_documents(documents: Iterable[Document], root: Path, taken: Iterable[str] = ()) -> list[WrittenDocument]:
    """Write documents into the release in ``root``.

    Args:
        taken: paths that the release has already.

    Returns:
        What the manifest states of each, ordered by path.

    Raises:
        HcipError: a path is none, or two files would have the same one (upper and lower case do not distinguish them).
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
