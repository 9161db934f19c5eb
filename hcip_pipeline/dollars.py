"""Amounts of money as text."""

from __future__ import annotations

from decimal import Decimal


def dollars(amount: Decimal, places: int = 2, *, minus: str = "-") -> str:
    """``$1,234.50``; the minus sign of a negative amount precedes the dollar sign.

    Args:
        places: digits after the point.
        minus: ``-`` in text that may be copied into a spreadsheet, ``−`` on pages.
    """
    return f"{minus if amount < 0 else ''}${abs(amount):,.{places}f}"
