"""Every rule on files is declared once, has one spelling, and is found by any id it ever had."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import hcip_pipeline
from hcip_pipeline.intake.cclf.receipts import ArchiveReceipt
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.rules.catalog import CATALOGS, RULES, current_id, find_rule, former_id
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.rules.rendering import problem_text, render_html, render_text
from hcip_pipeline.rules.rule import Rule, by_id
from hcip_pipeline.rules.verdict import Verdict, sections_of

PACKAGE = Path(hcip_pipeline.__file__).parent
#: Packages that read received files.
READERS = ("intake", "tables", "reference", "policy")
ID = re.compile(r"[A-Z]+(-[A-Z0-9]+)*")
#: Errors of commands and of published files that the administrator downloads; they are in no receipt.
NOT_ON_RECEIVED_FILES = ("HCRIS-", "PFS-", "RECORD-DAMAGED")


def test_ids_are_words_joined_by_hyphens() -> None:
    assert all(ID.fullmatch(id_) for id_ in RULES)


def test_every_rule_states_what_is_wrong_and_what_to_do() -> None:
    for rule in RULES.values():
        assert rule.description and rule.fix, rule.id
        assert not rule.description.endswith(".") and not rule.fix.endswith("."), rule.id


def test_two_rules_cannot_share_an_id() -> None:
    rule = Rule("A-B", "WARN", (), "a", "b")
    assert by_id(rule, rule) == {"A-B": rule}
    with pytest.raises(ValueError, match="A-B"):
        by_id(rule, Rule("A-B", "ERROR", (), "a", "b"))


def _ids_in_code() -> Iterator[tuple[str, str]]:
    """Rule ids that readers raise: the first argument of a problem or edit, and ``rule=`` of an error."""
    for folder in READERS:
        for path in (PACKAGE / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if not isinstance(node, ast.Call):
                    continue
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                given = [keyword.value for keyword in node.keywords if keyword.arg == "rule"]
                if name in ("Problem", "RowRule", "Check", "Edit", "refusal", "ReadingError"):
                    given += node.args[:1]
                for value in given:
                    if isinstance(value, ast.Constant) and isinstance(value.value, str):
                        yield str(path.relative_to(PACKAGE)), value.value


def test_every_rule_that_a_reader_names_is_declared() -> None:
    named = set(_ids_in_code())
    assert len({id_ for _, id_ in named}) > 150
    judged = {(path, id_) for path, id_ in named if id_ and not id_.startswith(NOT_ON_RECEIVED_FILES)}
    undeclared = {(path, id_) for path, id_ in judged if id_ not in RULES}
    assert not undeclared


def test_every_declared_rule_is_used_somewhere() -> None:
    files = (path for path in PACKAGE.rglob("*.py") if path.relative_to(PACKAGE).parts[0] != "rules")
    code = "\n".join(path.read_text(encoding="utf-8") for path in files)
    code = code.replace("COMMITTEE-NO-{role}", "COMMITTEE-NO-CEO COMMITTEE-NO-CFO COMMITTEE-NO-CMO")
    # A rule of both tables of a submission is written once, as {sign}-ROW-SHAPE or {sign}-{habit}-FORM.
    spelled = {id_: (id_, "-" + id_.partition("-")[2], f'"{id_.partition("-")[2]}"') for id_ in RULES}
    unused = {id_ for id_, ways in spelled.items() if not any(way in code for way in ways)}
    assert not unused


def test_former_ids_lead_to_present_rules() -> None:
    formers = [former_id(rule) for rule in RULES.values() if former_id(rule)]
    assert len(formers) > 100 and all("_" in former for former in formers)
    for former in formers:
        assert find_rule(former).id == former.replace("_", "-")
    assert not any(former_id(rule) for rule in CATALOGS["hospital"].values())
    assert current_id("SOMETHING_ELSE") == "SOMETHING_ELSE"


def test_a_problem_is_read_back_from_current_and_older_receipts() -> None:
    problem = Problem("DATE-ORDER", "the end is before the start", 4, "end", file="networks.csv")
    assert Problem.from_dict(problem.as_dict()) == problem
    old = {"rule": "DATE_ORDER", "severity": "ERROR", "row": 4, "column": "end", "message": problem.message, "fix": "x"}
    assert Problem.from_dict(old) == Problem("DATE-ORDER", problem.message, 4, "end", fix="x")
    of_protocol = {"id": "WEIGHTS_NOT_100", "subject": "C1", "severity": "ERROR", "message": "95", "fix": "x"}
    assert Problem.from_dict(of_protocol) == Problem("WEIGHTS-NOT-100", "95", column="C1", fix="x")


def test_older_receipts_are_readable() -> None:
    written = ArchiveReceipt(
        "P.A1234.ACO.ZCY25.D250415.T1234567", "2025-04", "refused", rule="CCLF_COUNT", message="states 3, holds 2"
    ).as_dict()
    warning = Problem("CCLF-PLACES", "3 numbers had more places")
    archive = ArchiveReceipt.from_dict(written | {"warnings": ["CCLF_PLACES: 3 numbers had more places"]})
    assert archive.warnings == (warning,)
    assert ArchiveReceipt.from_dict(archive.as_dict()) == archive
    assert [problem.rule for problem in archive.problems] == ["CCLF-COUNT", "CCLF-PLACES"]
    assert archive.refusal == "CCLF-COUNT: states 3, holds 2"
    content = SubmissionReceipt("2025Q1/210001", "2025Q1", "210001", 1, "refused", (), (), (), "").as_dict()
    old = {"rule": "F-MISSING", "message": "no charges", "file": "charges", "row": None, "severity": "SUBMISSION"}
    content["problems"] = [old | {"fix": "put it there", "refuses": True}]
    (problem,) = SubmissionReceipt.from_dict(content).problems
    assert (problem.rule, problem.file, problem.refuses) == ("F-MISSING", "charges", True)


def test_one_verdict_looks_alike_on_a_terminal_and_on_a_page() -> None:
    problems = (
        Problem("DATE-ORDER", "the end is before the start", 4, "end"),
        Problem("FILE-WINDOWS-1252", "the file is Windows-1252 text"),
        Problem("", "<script> cannot be read", fix="write it again"),
    )
    verdict = Verdict("networks.csv, 3 rows", False, sections_of(problems))
    text, page = render_text([verdict]), render_html([verdict])
    assert text.startswith("REFUSED: networks.csv, 3 rows\n\nWhy it is refused\n")
    for words in (
        "DATE-ORDER",
        "row 4, column end: the end is before the start",
        "FILE-WINDOWS-1252",
        "write it again",
    ):
        assert words in " ".join(text.split()) and words in page
    assert "<script>" not in page and max(map(len, text.splitlines())) <= 80
    assert problem_text(problems[0]).startswith("  ERROR DATE-ORDER row 4, column end: the end is before the start\n")
