"""What a run notes about a half-year without stopping; the audit report lists each note as a finding of its rule.

Belongs here: notes and their rules. Does not belong here: when a note is made (``settlement``), and what to do about
it (``audit.finding_rules``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from hcip_pipeline.release.reading import ReleaseFiles


class NoteRule(StrEnum):
    """What a note is about; its audit finding has the same rule."""

    DATA_MISSING = "DATA_MISSING"
    RESTATEMENT_DUE = "RESTATEMENT_DUE"
    SAVINGS_MISSING = "SAVINGS_MISSING"


@dataclass(frozen=True)
class Note:
    """One note.

    Attributes:
        hospital_ccn: the hospital that the finding is filed under; None: the whole state.
    """

    text: str
    rule: NoteRule = NoteRule.DATA_MISSING
    hospital_ccn: str | None = None

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Note:
        """The inverse of :meth:`as_dict`."""
        return cls(content["text"], NoteRule(content["rule"]), content["hospital_ccn"])

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    def __str__(self) -> str:
        return f"{self.hospital_ccn}: {self.text}" if self.hospital_ccn else self.text


def released_notes(release: ReleaseFiles) -> tuple[Note, ...]:
    """The notes of a release: their text and order from its manifest, their rules from its audit findings."""
    rules = set(NoteRule)
    findings = release.table("audit_findings").iter_rows(named=True) if release.has("audit_findings") else ()
    noted = (
        Note(row["finding"], NoteRule(row["rule"]), row["hospital_ccn"]) for row in findings if row["rule"] in rules
    )
    by_text = {str(note): note for note in noted}
    return tuple(by_text.get(text, Note(text)) for text in release.manifest.get("notes", ()))
