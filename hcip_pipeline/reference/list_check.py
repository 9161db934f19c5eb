"""The preflight of one national list, by the screening's own readers, without a home.

Belongs here: counting the rows of a list. Does not belong here: what it shows about anyone (``screening``), and the
verdict (``intake.kept_files``).
"""

from __future__ import annotations

from pathlib import Path

from hcip_pipeline.contracts.screening import LISTS
from hcip_pipeline.reference import leie, nppes, order_and_referring
from hcip_pipeline.tables.table_shapes import table_of


def list_of(path: Path) -> str | None:
    """The national list that a file is, by its name."""
    return table_of(path.name, LISTS)


def read_list(path: Path, name: str, within: Path | None = None) -> tuple[int, dict[str, int | str]]:
    """The number of rows of a list, and further counts by description.

    Args:
        name: of the list, from :func:`list_of`.
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
