"""The steps of every study, from its plan to its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hcip_pipeline.home.folders import Home
from hcip_pipeline.messages import Progress
from hcip_pipeline.study.figures import MODELS, StudyFigures, read_figures
from hcip_pipeline.study.outputs import describe, write_study
from hcip_pipeline.study.plan import StudyPlan
from hcip_pipeline.warehouse.build import build


@dataclass(frozen=True)
class StudyResult:
    """A finished study: its figures, and the folder and names of its files."""

    plan: StudyPlan
    figures: StudyFigures
    folder: Path
    files: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON: everything but the rows of the tables."""
        return describe(self.plan, self.figures) | {"folder": str(self.folder), "files": list(self.files)}


def carry_out(home: Home, plan: StudyPlan, progress: Progress | None = None) -> StudyResult:
    """Build the study, read its figures and write its files to ``<home>/studies/<name>/``, replacing an earlier run's.

    Raises:
        HcipError: a model or a check of the build failed, or the files cannot be written.
    """
    report = progress or (lambda _: None)
    built = build(plan.spec, home.warehouse / "studies" / plan.name, select=MODELS, progress=progress)
    report("reading the figures")
    figures = read_figures(built.file, plan.policy)
    report("writing the files")
    folder = home.studies / plan.name
    return StudyResult(plan, figures, folder, write_study(plan, figures, folder))
