"""The findings that the intake must make in a submission, row by row: planted faults, their consequences, and gaps.

Belongs here: ``truth/defects.csv``. Does not belong here: planting (``defects``).
"""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

#: ``origin``: planted on purpose; a consequence of that; or one of the few cells missing in any hospital's abstracts.
PLANTED, CONSEQUENCE, GAP = "planted", "consequence", "gap"

SCHEMA = {
    "submission": pl.String,
    "file": pl.String,
    "source_row": pl.Int64,
    "column": pl.String,
    "rule": pl.String,
    "origin": pl.String,
}

#: Missing cells that the intake counts on accepted discharges.
_GAPS = (
    ("D-ATTENDING-NPI", "attending_npi", False),
    ("D-OPERATING-NPI-MISSING", "operating_npi", True),
    ("D-PATIENT-ID-MISSING", "patient_id", False),
)


def gaps(submission: str, file: str, discharges: pl.DataFrame, surgical: Iterable[str]) -> pl.DataFrame:
    """The missing cells of a file.

    Args:
        discharges: the rows of the file, in order, typed or as text.
        surgical: the procedural APR-DRGs: only they must have an operating physician.
    """
    numbered = discharges.with_row_index("source_row", offset=2)
    is_surgical = pl.col("apr_drg").is_in(list(surgical))
    found = []
    for rule, column, only_surgical in _GAPS:
        rows = numbered.filter(pl.col(column).is_null() & (is_surgical if only_surgical else pl.lit(True)))
        found.append(finding_rows(rows, submission, file, column, rule, GAP))
    return pl.concat(found)


def finding_rows(rows: pl.DataFrame, submission: str, file: str, column: str, rule: str, origin: str) -> pl.DataFrame:
    """One finding per row; ``rows`` has ``source_row``."""
    return rows.select(
        submission=pl.lit(submission),
        file=pl.lit(file),
        source_row=pl.col("source_row").cast(pl.Int64),
        column=pl.lit(column),
        rule=pl.lit(rule),
        origin=pl.lit(origin),
    )


def of_submission(submission: str, file: str, rule: str) -> pl.DataFrame:
    """A finding about a whole submission, or about one of its files."""
    return pl.DataFrame([(submission, file, None, "", rule, PLANTED)], schema=SCHEMA, orient="row")
