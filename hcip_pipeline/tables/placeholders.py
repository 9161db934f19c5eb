"""Words that systems write into empty cells (``NULL``, ``N/A``, ``nan``): they look like values but are not.

Belongs here: the words. Does not belong here: how such cells are read (``cell_habits``, ``hospital.placeholders``).
"""

from __future__ import annotations

#: Placeholders in any column, in lowercase.
WORDS = (
    "null", "(null)", "<null>", "#null!", "n/a", "#n/a", "n.a.", "na", "<na>", "nan", "nat", "none", "nil", "\\n",
    ".", "..", "-", "--", "---", "?", "unknown", "unk", "missing", "not available", "not applicable", "(blank)",
)  # fmt: skip
