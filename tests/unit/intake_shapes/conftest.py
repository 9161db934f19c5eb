"""One judge per module, and the rows of the submission in its plain form."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hcip_pipeline.intake.hospital.folders import submission_at
from hcip_pipeline.intake.hospital.judging import Judge
from tests.intake_submissions import CCN, QUARTER, Draft, reference
from tests.unit.intake_shapes.shapes import (
    lake_rows,
)


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    with Judge(reference()) as judge:
        yield judge


@pytest.fixture(scope="module")
def plain(judge: Judge, tmp_path_factory: pytest.TempPathFactory) -> list[list[tuple[object, ...]]]:
    """The lake's rows for the submission in its plain form."""
    root = tmp_path_factory.mktemp("plain")
    assert judge.judge(submission_at(Draft().write(root / CCN), QUARTER, root)).rules == ()
    return lake_rows(judge)
