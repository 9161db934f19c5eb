"""The files of a study: its tables as CSV and Parquet, a description as JSON, and a page.

Belongs here: writing all of them or none. Does not belong here: the page's content (``page``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import polars as pl

from hcip_pipeline.contracts.reference import RATES
from hcip_pipeline.reference.invented import is_synthetic
from hcip_pipeline.release.synthetic_mark import marked_document
from hcip_pipeline.release.tables import write_table
from hcip_pipeline.study.figures import TABLES, StudyFigures
from hcip_pipeline.study.page import render_page
from hcip_pipeline.study.plan import StudyPlan
from hcip_pipeline.study.replaced_folder import replaced_folder

PAGE = "study.html"
DESCRIPTION = "study.json"


def write_study(plan: StudyPlan, figures: StudyFigures, folder: Path) -> tuple[str, ...]:
    """Write the study's files into ``folder``, replacing an earlier run's; the same study gives the same bytes.

    Returns:
        The names of the files.

    Raises:
        HcipError: the folder cannot be written; an earlier run's files are left unchanged.
    """
    with replaced_folder(folder, "the study", "run the study again") as work:
        invented = is_synthetic(_rates(plan))
        for table in TABLES:
            write_table(figures.tables[table.name], table, work, table.name, is_synthetic=invented)
        page = render_page(plan, figures).encode()
        (work / PAGE).write_bytes(marked_document(page, "text/html") if invented else page)
        description = json.dumps(describe(plan, figures), indent=2, ensure_ascii=False)
        (work / DESCRIPTION).write_text(description + "\n", encoding="utf-8")
        return tuple(sorted(path.name for path in work.iterdir()))


def _rates(plan: StudyPlan) -> Iterator[pl.DataFrame]:
    """The rate tables among the study's sources."""
    for name in RATES:
        source = plan.spec.sources.get(name)
        if isinstance(source, pl.DataFrame):
            yield source
        else:
            yield from (pl.read_parquet(path) for path in source or ())


def describe(plan: StudyPlan, figures: StudyFigures) -> dict[str, Any]:
    """The study without the rows of its tables, for JSON; money as text."""
    window = plan.window
    return {
        "name": plan.name,
        "title": plan.title,
        "window": {"start": window.start.isoformat(), "end": window.end.isoformat()},
        "statements": list(plan.statements),
        "inputs": [asdict(each) for each in plan.inputs],
        "problems": [problem.as_dict() for problem in plan.problems],
        "totals": {
            name: value if isinstance(value, int) else str(value) for name, value in asdict(figures.totals).items()
        },
        "policy": plan.policy.model_dump(mode="json"),
    }
