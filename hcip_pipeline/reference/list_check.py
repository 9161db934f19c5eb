"""A preflight of one national list: the screening's own readers, without a home.

Belongs here: the verdict on a list's file. Does not belong here: what it holds against anybody (``screening``).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from hcip_pipeline.contracts.screening import LISTS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.reference import leie, nppes, order_and_referring
from hcip_pipeline.tables.problems import TableRefusedError
from hcip_pipeline.tables.table_shapes import table_of


@dataclass(frozen=True)
class ListCheck:
    """What the intake would say of a list.

    Attributes:
        facts: what was counted, in words -> number or day.
        problems: the first ones of each rule and column.
    """

    list_name: str
    file: str
    status: Literal["accepted", "refused"]
    rows: int = 0
    facts: Mapping[str, int | str] = field(default_factory=dict)
    rules_broken: Mapping[str, int] = field(default_factory=dict)
    problems: tuple[Mapping[str, Any], ...] = ()

    @property
    def accepted(self) -> bool:
        return self.status == "accepted"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def details(self) -> str:
        """The verdict, what was counted, and each problem with its place and its way out."""
        lines = [f"{self.file}: {self.status}, {self.rows:,} rows"]
        lines += [
            f"  {name}: {value:,}" if isinstance(value, int) else f"  {name}: {value}"
            for name, value in self.facts.items()
        ]
        for problem in self.problems:
            row = f"row {problem['row']}, " if problem["row"] else ""
            where = f"{row}column {problem['column']}: " if problem["column"] else row
            lines.append(f"  {problem['severity']} {problem['rule']} {where}{problem['message']}")
            lines.append(f"    What to do: {problem['fix']}")
        return "\n".join(lines)


def is_national_list(path: Path) -> bool:
    """Whether a file is named as a national list."""
    return table_of(path.name, LISTS) is not None


def check_list(path: Path) -> ListCheck:
    """Judge one list as the intake would.

    Raises:
        HcipError: the file's name is no list's.
    """
    name = table_of(path.name, LISTS)
    if name is None:
        raise HcipError("is no national list", file=path, fix=f"name it {', '.join(f'{each}.csv' for each in LISTS)}")
    try:
        rows, facts = _facts(name, path)
    except TableRefusedError as error:
        problems = tuple(problem.as_dict() for problem in error.problems)
        return ListCheck(name, path.name, "refused", 0, {}, dict(sorted(error.counts.items())), problems)
    return ListCheck(name, path.name, "accepted", rows, facts)


def _facts(name: str, path: Path) -> tuple[int, dict[str, int | str]]:
    if name == leie.NAME:
        listed = leie.read_leie(path, "")
        facts: dict[str, int | str] = {
            "with an NPI, matched by it": listed.individuals.height,
            "without an NPI, compared by name": listed.by_name.height,
            "without NPI and name, nobody's": listed.nameless,
            "repeated, byte for byte": listed.repeated,
            "newest day": str(listed.newest or "none"),
        }
        return listed.columns.rows, facts
    if name == nppes.NAME:
        registry = nppes.read_nppes(path)
        kinds = registry.irregular
        return registry.columns.rows, {
            "organizations": int(kinds.get_column("is_organization").sum()),
            "deactivated at some time": kinds.get_column("deactivated_on").count(),
            "newest day": str(registry.newest or "none"),
        }
    ordering = order_and_referring.read_order_and_referring(path)
    return ordering.columns.rows, {"NPIs": len(ordering.npis)}
