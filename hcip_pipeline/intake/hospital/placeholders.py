"""Placeholders in a submission: ``NULL`` as a patient id would link the stays of strangers.

Belongs here: which cells are placeholders. Does not belong here: how they are treated: as empty in a column that may be
empty (``habits``), and as an error in one that may not (``edits``).
"""

from __future__ import annotations

from hcip_pipeline.tables.placeholders import WORDS

#: Words that stand for a code of the column (for sex, U).
_CODES = {"sex": ("unknown", "unk")}
#: Columns in which a zero is not a value; elsewhere it is a code or an amount.
_IDENTIFIERS = frozenset(
    ("account_no", "patient_id", "zip_code", "attending_npi", "operating_npi", "principal_diagnosis")
)


def is_placeholder(column: str) -> str:
    """SQL: the cell of the column is a placeholder."""
    words = ", ".join(f"'{word}'" for word in WORDS if word not in _CODES.get(column, ()))
    sql = f"lower({column}) in ({words})"
    if column in _IDENTIFIERS:
        sql += f" or regexp_full_match({column}, '0+(\\.0+)?')"
    if column == "patient_id":
        sql += f" or regexp_full_match({column}, '9{{9,}}')"
    return f"({sql})"
