"""What systems write where there is nothing (``NULL``, ``N/A``, ``nan``), which looks like a value and is none.

Belongs here: the words. Does not belong here: what becomes of such a cell (``cell_habits``, ``hospital.placeholders``).
"""

from __future__ import annotations

#: Placeholders of any column, in small letters.
WORDS = (
    "null", "(null)", "<null>", "#null!", "n/a", "#n/a", "n.a.", "na", "<na>", "nan", "nat", "none", "nil", "\\n",
    ".", "..", "-", "--", "---", "?", "unknown", "unk", "missing", "not available", "not applicable", "(blank)",
)  # fmt: skip
