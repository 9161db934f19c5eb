"""Which files of a submission are bills, and which is the grouper's output. Names alone."""

from __future__ import annotations

#: What a file of bills may be named, in any letter case.
ENDINGS = tuple(f"{ending}{packed}" for ending in (".837", ".837i", ".edi", ".x12") for packed in ("", ".gz"))
GROUPING = "grouping"


def is_bill_file(name: str) -> bool:
    """Whether the file is named as one of X12 bills, packed or not, in signs that can be shown."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".") and name.isprintable()
