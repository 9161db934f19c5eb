"""Which files of a submission are bills, and which is the grouper's output, judging only by name."""

from __future__ import annotations

#: File name endings of bills, in any letter case.
ENDINGS = tuple(f"{ending}{packed}" for ending in (".837", ".837i", ".edi", ".x12") for packed in ("", ".gz"))
GROUPING = "grouping"


def is_bill_file(name: str) -> bool:
    """Whether the file has the name of an X12 bill file, compressed or not, in printable characters."""
    return name.lower().endswith(ENDINGS) and not name.startswith(".") and name.isprintable()
