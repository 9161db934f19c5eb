"""``control_totals.json``: the submitter's counts, compared with the counts of what was read.

Belongs here: reading the file and comparing. Does not belong here: counting (``counting``).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from hcip_pipeline.files.received import CONTROL_TOTALS as CEILING
from hcip_pipeline.files.received import NotReceivedError, read_file
from hcip_pipeline.intake.hospital.folders import CONTROL_TOTALS
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.file_names import shown

_COUNTS = ("discharges", "charge_lines")
_MONEY = re.compile(r"-?[0-9]{1,16}(\.[0-9]{1,2})?", re.ASCII)
#: The time at which the submitter says the files were made; free text, kept as given.
STATED_TIME = "prepared_at"


@dataclass(frozen=True)
class ControlTotals:
    """The totals in the file; None for those it does not have."""

    discharges: int | None = None
    charge_lines: int | None = None
    total_charges: Decimal | None = None
    stated_time: str | None = None


def read_control_totals(path: Path | None) -> tuple[ControlTotals | None, tuple[Problem, ...]]:
    """The totals, and the file's problems; without a file there are no totals and no problems."""
    if path is None:
        return None, ()
    try:
        content = json.loads(
            read_file(path, CEILING).decode("utf-8-sig"),
            parse_float=Decimal,
            parse_constant=_no_number,
            object_pairs_hook=_mapping,
        )
        if not isinstance(content, dict):
            raise ValueError("is not a mapping of names to totals")
        totals = ControlTotals(
            **{name: _count(name, content[name]) for name in _COUNTS if content.get(name) is not None},
            total_charges=_money(content.get("total_charges")),
            stated_time=shown(str(content[STATED_TIME]))[:40] if isinstance(content.get(STATED_TIME), str) else None,
        )
        if all(v is None for v in (totals.discharges, totals.charge_lines, totals.total_charges)):
            raise ValueError("has none of discharges, charge_lines and total_charges")
    except UnicodeDecodeError:
        return None, (Problem("S-CONTROL-UNREADABLE", "is not UTF-8 text", file=CONTROL_TOTALS),)
    except json.JSONDecodeError as error:
        return None, (
            Problem("S-CONTROL-UNREADABLE", f"is not JSON ({error.msg})", file=CONTROL_TOTALS, row=error.lineno),
        )
    except RecursionError:
        return None, (Problem("S-CONTROL-UNREADABLE", "is nested too deeply", file=CONTROL_TOTALS),)
    except (ValueError, ArithmeticError) as error:
        return None, (Problem("S-CONTROL-UNREADABLE", str(error)[:120], file=CONTROL_TOTALS),)
    except NotReceivedError as error:
        return None, (Problem("S-CONTROL-UNREADABLE", error.reason, file=CONTROL_TOTALS),)
    unknown = [name for name in content if name not in (*_COUNTS, "total_charges", STATED_TIME)]
    stated = tuple(
        Problem("S-CONTROL-KEY-UNKNOWN", f"'{shown(name)}' is unknown and ignored", file=CONTROL_TOTALS)
        for name in unknown[:20]
    )
    return totals, stated


def differences(
    totals: ControlTotals, discharges: int | None, charge_lines: int | None, total_charges: Decimal | None
) -> tuple[Problem, ...]:
    """One problem for each total that differs; counts that are None are not compared."""
    compared = (
        ("discharges", totals.discharges, discharges),
        ("charge_lines", totals.charge_lines, charge_lines),
        ("total_charges", totals.total_charges, total_charges),
    )
    return tuple(
        Problem("S-CONTROL-DIFFERS", f"{name}: {stated} stated, {read} read", file=CONTROL_TOTALS)
        for name, stated, read in compared
        if stated is not None and read is not None and stated != read
    )


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        raise ValueError("contains a key twice")
    return mapping


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is not a number")


def _count(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ValueError(f"{name} is not a whole number")
    return value


def _money(value: object) -> Decimal | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal) or not _MONEY.fullmatch(str(value)):
        raise ValueError('total_charges is not an amount such as "89012.34"')
    return Decimal(str(value))
