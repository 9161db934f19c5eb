"""The wording of reports: numbers, dates and codes as American health care readers expect them.

Belongs here: wording and formats. Does not belong here: which figures a report shows (the reports themselves).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal

from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.measured_conditions import MEASURES_OF_CONDITIONS

#: shown in place of a missing figure
NOTHING = "–"

_MINUS = "−"


def _grouped(value: Decimal | int, places: int, sign: str = "", unit: str = "", always_signed: bool = False) -> str:
    rounded = Decimal(value).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    mark = _MINUS if rounded < 0 else "+" if always_signed and rounded > 0 else ""
    return f"{mark}{sign}{abs(rounded):,.{places}f}{unit}"


def money(value: Decimal | None) -> str:
    """To the cent: ``$1,234.56``."""
    return NOTHING if value is None else _grouped(value, 2, "$")


def dollars(value: Decimal | None) -> str:
    """To the dollar: ``$1,235``."""
    return NOTHING if value is None else _grouped(value, 0, "$")


def signed_dollars(value: Decimal | None) -> str:
    """A difference to the dollar, with its sign."""
    return NOTHING if value is None else _grouped(value, 0, "$", always_signed=True)


def signed_money(value: Decimal | None) -> str:
    """A difference to the cent, with its sign."""
    return NOTHING if value is None else _grouped(value, 2, "$", always_signed=True)


def short_dollars(value: Decimal) -> str:
    """For a chart: ``$1.2M``, ``$340.0K``."""
    for size, unit in ((Decimal(1_000_000), "M"), (Decimal(1_000), "K")):
        if abs(value) >= size:
            return _grouped(value / size, 1, "$", unit)
    return dollars(value)


def percent(value: Decimal | None, places: int = 1) -> str:
    """A ratio as ``12.3%``."""
    return NOTHING if value is None else _grouped(Decimal(value) * 100, places, unit="%")


def signed_percent(value: Decimal | None) -> str:
    """A relative difference as ``+12.3%``."""
    return NOTHING if value is None else _grouped(Decimal(value) * 100, 1, unit="%", always_signed=True)


def against(ratio: Decimal | None) -> str:
    """A ratio of two costs as its difference from 1: ``+12.3%``."""
    return signed_percent(None if ratio is None else ratio - 1)


def number(value: Decimal | None, places: int = 2) -> str:
    """A plain number with grouped thousands: ``1,234.56``."""
    return NOTHING if value is None else _grouped(value, places)


def measured(value: Decimal | None, measure: str | None) -> str:
    """The value of a computed quality measure: a number per 1,000, or a share."""
    return number(value, 1) if (measure or "").endswith("per_1000") else percent(value)


def measure(text: str | None) -> str:
    """The name of a computed measure; any other measure as the protocol words it."""
    return MEASURES_OF_CONDITIONS.get((text or "").strip(), text or "")


def count(value: int | None) -> str:
    """A whole number with grouped thousands: ``1,234``."""
    return NOTHING if value is None else f"{value:,}"


def day(value: dt.date | None) -> str:
    """``June 30, 2025``, regardless of the machine's locale."""
    return NOTHING if value is None else f"{_MONTHS[value.month - 1]} {value.day}, {value.year}"


def span(period: PerformancePeriod) -> str:
    """``January 1 – June 30, 2025``."""
    first, last = period.start, period.end
    return f"{_MONTHS[first.month - 1]} {first.day} – {_MONTHS[last.month - 1]} {last.day}, {last.year}"


def half(period: str) -> str:
    """``first half of 2025``."""
    return f"{'first' if period.endswith('H1') else 'second'} half of {period[:4]}"


def went(before: str, after: str, unit: str = "") -> str:
    """``went from 4.20 to 3.90``, or ``stayed at 4.20`` if both look the same."""
    return f"stayed at {after}" if before == after else f"went from {before}{unit} to {after}"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def plural(quantity: int, one: str, many: str | None = None) -> str:
    """``1 case``, ``2 cases``."""
    return f"{quantity:,} {one if quantity == 1 else many or one + 's'}"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip


#: warning signs of stinting or steering that the guardrails look for
SIGNS = {
    "READMISSIONS": "More unplanned readmissions within 30 days",
    "MORTALITY": "More deaths in hospital",
    "SHORT_STAYS": "More unusually short stays",
    "TRANSFERS": "More patients transferred to other hospitals",
    "SEVERITY": "More cases coded as severe",
    "VOLUME": "Many more discharges",
}

STATUSES = {"PAYABLE": "Payable", "HELD": "Held", "ZERO": "No payment"}

STREAMS = {"all": "All cases", "medical": "Medical", "surgical": "Surgical"}
