"""Notes of a run keep their rule on the way to a release and back, whatever their text."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest

from hcip_pipeline.audit.finding_rules import RULES
from hcip_pipeline.release.notes import Note, NoteRule, released_notes

NOTES = (
    Note("no accepted data from 210043: 2025Q1"),
    Note("2025H1: program/2025H1/care_partners.csv changed since r1", NoteRule.RESTATEMENT_DUE),
    Note("no release of 2024H2; its savings count as zero", NoteRule.SAVINGS_MISSING, "210043"),
    Note("no accepted CMS archive for 2025-03"),
)


def release(findings: pl.DataFrame | None, notes: list[str]) -> Any:
    return SimpleNamespace(has=lambda _: findings is not None, table=lambda _: findings, manifest={"notes": notes})


def findings_of(*notes: Note) -> pl.DataFrame:
    """``audit_findings`` of these notes and of another rule, in the order of a release: by rule."""
    rows = [(note.rule.value, note.hospital_ccn, note.text) for note in notes]
    rows.append(("CAP_BOUND", "210043", "the fee-schedule cap of $1.00 took $1.00"))
    return pl.DataFrame(sorted(rows, key=str), schema=["rule", "hospital_ccn", "finding"], orient="row")


@pytest.mark.parametrize("note", NOTES, ids=str)
def test_a_note_in_a_build_record_is_read_back_unchanged(note: Note) -> None:
    assert Note.from_dict(note.as_dict()) == note


def test_notes_of_a_release_have_their_rules_and_order() -> None:
    assert released_notes(release(findings_of(*NOTES), [str(note) for note in NOTES])) == NOTES


def test_notes_of_a_release_without_an_audit_report_missing_data() -> None:
    assert released_notes(release(None, ["a restatement is due"])) == (Note("a restatement is due"),)


@pytest.mark.parametrize("rule", NoteRule)
def test_every_note_rule_is_an_audit_rule(rule: NoteRule) -> None:
    assert rule in RULES
