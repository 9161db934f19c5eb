"""The completed surveys in force in a period, and how they are merged with CSV files of the same tables.

Belongs here: versions, receipts, and the merge: CSV files come from the administrator, so if both report one result,
the CSV file counts and a difference is reported. Does not belong here: reading a form (``forms``).

Lake: ``history/survey_<ccn>.r<n>.<table>.parquet`` every accepted form, ``receipts/survey_<ccn>.r<n>.json`` every form.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts import survey
from hcip_pipeline.contracts.program import TABLES
from hcip_pipeline.errors import UsageError
from hcip_pipeline.files.atomic import write_json, write_parquet
from hcip_pipeline.intake.program.receipts import ProgramReceipt, numbered, receipts_of
from hcip_pipeline.intake.survey.forms import JudgedSurvey, form_cells, judge_survey
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.reference.tables import known_hospitals
from hcip_pipeline.rules.problem import Problem

#: Conflicts that a receipt lists; all are counted.
_LISTED = 20

#: program table -> the column in which a form and a CSV file can differ
_ANSWER = {form.table: form.answer for form in survey.SHEETS}


def ingest_surveys(
    inbox: Path,
    period: PerformancePeriod,
    lake: Path,
    hospitals: Collection[str],
    conditions: Collection[tuple[str, str]] | None = None,
) -> list[ProgramReceipt]:
    """Judge every form of a period and merge those in force into the lake's tables.

    Run it after the period's CSV files were ingested, because the forms are merged with their rows in ``lake``.

    Args:
        inbox: ``<inbox>/program/<period>``.
        lake: ``lake/program/period=<p>``.
    """
    receipts = []
    for ccn in sorted(_hospitals(inbox, period, lake)):
        path = inbox / survey.form_name(ccn, period)
        name = f"survey_{ccn}"
        earlier = receipts_of(name, lake)
        accepted = [old["version"] for old in earlier if old["status"] == "accepted"]
        frames: dict[str, pl.DataFrame] = {}
        if path.exists() or path.is_symlink():
            judged = judge_survey(path, period, hospitals, conditions, within=inbox.parent.parent)
            receipt = _receipt(judged, path, period)
            if not judged.is_refused:
                receipt = _with_conflicts(receipt, judged, path, lake)
            receipt = numbered(receipt, earlier)
            if not judged.is_refused:
                accepted.append(receipt.version)
                for table, frame in judged.frames.items():
                    write_parquet(frame, _history(name, receipt.version, table, lake))
        else:
            receipt = ProgramReceipt(name, str(period), path.name, "absent")
        in_force = max(accepted, default=0)
        if in_force:
            frames = {table: pl.read_parquet(_history(name, in_force, table, lake)) for table in _ANSWER}
        receipt = replace(receipt, in_force=in_force, rows_in_force=sum(frame.height for frame in frames.values()))
        if receipt.version:
            write_json(receipt.as_dict(), lake / "receipts" / f"{name}.r{receipt.version}.json")
        for table, frame in frames.items():
            _join(frame, table, lake)
        receipts.append(receipt)
    return receipts


def check_survey(path: Path, inbox: Path | None = None) -> ProgramReceipt:
    """The preflight of a completed form: the intake's rules, without a home.

    Args:
        path: the file, named as it was sent out; hospital and period are taken from its name.
        inbox: the folder whose table of hospitals replaces the shipped one.
    """
    named = survey.parse_form_name(path.name)
    if named is None or not path.is_file():
        raise UsageError("there is no such survey form", file=path, fix="name the file survey_<ccn>_<period>.xlsx")
    period = PerformancePeriod.parse(named[1])
    return _receipt(judge_survey(path, period, known_hospitals(inbox)), path, period)


def survey_names(lake: Path) -> list[str]:
    """``survey_<ccn>`` of every hospital that ever sent a form for the period."""
    files = (lake / "receipts").glob("survey_*.r*.json") if (lake / "receipts").is_dir() else iter(())
    return sorted({file.name.split(".r")[0] for file in files})


def _hospitals(inbox: Path, period: PerformancePeriod, lake: Path) -> set[str]:
    known = {name.removeprefix("survey_") for name in survey_names(lake)}
    if inbox.is_dir():
        named = (survey.parse_form_name(path.name) for path in inbox.iterdir())
        known |= {each[0] for each in named if each and each[1] == str(period)}
    return known


def _receipt(judged: JudgedSurvey, path: Path, period: PerformancePeriod) -> ProgramReceipt:
    return ProgramReceipt(
        f"survey_{judged.ccn}",
        str(period),
        path.name,
        "refused" if judged.is_refused else "accepted",
        sha256=judged.sha256,
        bytes=judged.bytes,
        rows=judged.rows,
        rules_broken=dict(sorted(judged.counts.items())),
        problems=judged.problems,
    )


def _with_conflicts(receipt: ProgramReceipt, judged: JudgedSurvey, path: Path, lake: Path) -> ProgramReceipt:
    """The receipt with a problem for every answer that a CSV file contradicts.

    An answer that was already in the form when it was sent out does not conflict with a later file.
    """
    problems: list[Problem] = []
    for form in survey.SHEETS:
        answer, key = form.answer, list(TABLES[form.table].key)
        ours = judged.frames[form.table].select(*key, answer)
        theirs = _csv_rows(form.table, lake).select(*key, pl.col(answer).alias("csv"))
        differing = ours.join(theirs, on=key).filter(pl.col(answer).is_not_null() & (pl.col(answer) != pl.col("csv")))
        stated = {
            (npi, subject): (mine, csv)
            for _, npi, subject, mine, csv in differing.iter_rows()
            if (sent := judged.sent_out.get((form.name, npi, subject))) is None or sent.answer != str(mine)
        }
        if not stated:
            continue
        place = chr(ord("A") + [column.field for column in form.columns].index(answer))
        for own, line in form_cells(form, stated.keys(), path):
            mine, csv = stated[own]
            message = f"the form has {mine} and {form.table}.csv {csv}: the CSV file counts"
            problems.append(Problem("SURVEY-CONFLICT", message, line, f"{form.name}!{place}{line}"))
    if not problems:
        return receipt
    return replace(
        receipt,
        rules_broken=dict(sorted((receipt.rules_broken | {"SURVEY-CONFLICT": len(problems)}).items())),
        problems=(*receipt.problems, *problems[:_LISTED]),
    )


def _csv_rows(table: str, lake: Path) -> pl.DataFrame:
    """The CSV file's rows that have an answer."""
    return pl.read_parquet(lake / f"{table}.parquet").filter(pl.col(_ANSWER[table]).is_not_null())


def _join(frame: pl.DataFrame, table: str, lake: Path) -> None:
    """Add a form's rows to the table's, except results that the table already has."""
    key = list(TABLES[table].key)
    before = pl.read_parquet(lake / f"{table}.parquet")
    answered = before.filter(pl.col(_ANSWER[table]).is_not_null())
    added = frame.join(answered, on=key, how="anti")
    kept = before.join(added, on=key, how="anti")
    write_parquet(pl.concat([kept, added]).sort(key), lake / f"{table}.parquet")


def _history(name: str, version: int, table: str, lake: Path) -> Path:
    return lake / "history" / f"{name}.r{version}.{table}.parquet"
