"""A preflight of one national list: the screening's own readers, without a home.

Belongs here: what a list's file holds. Does not belong here: what it shows about anyone (``screening``), and the
verdict in words (``intake.kept_files``).
"""

from __future__ import annotations

from pathlib import Path

from hcip_pipeline.contracts.screening import LISTS
from hcip_pipeline.reference import leie, nppes, order_and_referring
from hcip_pipeline.tables.table_shapes import table_of


def list_of(path: Path) -> str | None:
    """The national list that a file is named as."""
    return table_of(path.name, LISTS)


def read_list(path: Path, name: str, within: Path | None = None) -> tuple[int, dict[str, int | str]]:
    """Rows of a list, and what was counted in it, in words.

    Args:
        name: of the list, as :func:`list_of` gives it.
        within: the folder that no link may lead out of.

    Raises:
        TableRefusedError: the intake would refuse it.
    """
    if name == leie.NAME:
        listed = leie.read_leie(path, "", within)
        return listed.columns.rows, {
            "with an NPI, matched by it": listed.individuals.height,
            "without an NPI, compared by name": listed.by_name.height,
            "without NPI and name": listed.nameless,
            "repeated, byte for byte": listed.repeated,
            "newest day": str(listed.newest or "none"),
        }
    if name == nppes.NAME:
        registry = nppes.read_nppes(path, within)
        return registry.columns.rows, {
            "organizations": int(registry.irregular.get_column("is_organization").sum()),
            "deactivated at some time": registry.irregular.get_column("deactivated_on").count(),
            "newest day": str(registry.newest or "none"),
        }
    ordering = order_and_referring.read_order_and_referring(path, within)
    return ordering.columns.rows, {"NPIs": len(ordering.npis)}
