"""Loading the reference tables: ``<inbox>/reference/<name>.csv`` if there is one, else the shipped default.

Belongs here: which file a table comes from, and writing it to the lake. Does not belong here: what a row may contain
(``contracts.reference`` and ``rules``), and discharge dispositions (``dispositions``).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import polars as pl

from hcip_pipeline.contracts.reference import TABLES
from hcip_pipeline.contracts.screening import LISTS
from hcip_pipeline.files.atomic import write_json, write_parquet
from hcip_pipeline.reference.rules import (
    ROW_RULES,
    UNMAPPED,
    check_between_tables,
    check_whole_table,
    widen_grouper_versions,
)
from hcip_pipeline.rules.problem import Problem
from hcip_pipeline.tables.contract_columns import check_contract_table
from hcip_pipeline.tables.file_names import is_left_alone, shown_path
from hcip_pipeline.tables.table_shapes import find_table, table_of
from hcip_pipeline.tables.tabular import LINE, read_text_table

SHIPPED = Path(__file__).parent / "data"

Source = Literal["inbox", "shipped", "none"]


@dataclass(frozen=True)
class ReferenceTable:
    """A table in force, where it came from, and its warnings.

    Attributes:
        frame: the contract's columns and types, ordered by key, and ``LINE``, the line of the file.
        source: ``none`` for a table with neither an inbox file nor a default, which has no rows.
    """

    name: str
    frame: pl.DataFrame
    source: Source
    file: Path | None
    bytes: int = 0
    sha256: str = ""
    blank_rows: int = 0
    warnings: tuple[Problem, ...] = ()


def load_reference(inbox: Path | None) -> dict[str, pl.DataFrame]:
    """Every reference table by name, with its contract's types, ordered by key.

    Args:
        inbox: the inbox folder; None for the shipped defaults only.

    Raises:
        HcipError: a file in the inbox breaks a rule; the error lists every row and column.
    """
    return {name: table.frame.drop(LINE) for name, table in read_reference(inbox).items()}


def read_reference(inbox: Path | None) -> dict[str, ReferenceTable]:
    """As :func:`load_reference`, with each table's source. Raises the same errors."""
    tables = {name: _read(name, inbox) for name in TABLES}
    factors = tables["cost_factors"]
    if factors.source == "shipped":  # a region with its own hospitals needs no other region's rates
        own = tables["hospitals"].frame.get_column("ccn").to_list()
        tables["cost_factors"] = replace(factors, frame=factors.frame.filter(pl.col("hospital_ccn").is_in(own)))
    check_between_tables(
        {name: table.frame for name, table in tables.items()},
        {name: table.file or Path(f"{name}.csv") for name, table in tables.items()},
    )
    return tables


def load_tables_for_other_states(inbox: Path | None) -> dict[str, pl.DataFrame]:
    """``apr_drg``, ``rate_centers`` and ``revenue_codes`` in force, for a study of another state's hospitals.

    Its hospitals need not be in the table of hospitals, but rate centers that a table names must exist.

    Raises:
        HcipError: a file in the inbox breaks a rule.
    """
    names = ("apr_drg", "rate_centers", "revenue_codes")
    tables = {name: _read(name, inbox) for name in (*names, "cost_factors", "networks")}
    frames = {name: table.frame for name, table in tables.items()}
    frames["networks"] = frames["networks"].clear()
    frames["hospitals"] = frames["cost_factors"].select(ccn="hospital_ccn")
    check_between_tables(frames, {name: table.file or Path(f"{name}.csv") for name, table in tables.items()})
    return {name: frames[name].drop(LINE) for name in names}


def read_inbox_table(name: str, inbox: Path) -> ReferenceTable | None:
    """A region's own table, in any supported shape; None if the inbox has none. Raises HcipError as above."""
    table = _read(name, inbox)
    return table if table.source == "inbox" else None


def known_hospitals(inbox: Path | None) -> list[str]:
    """The CCNs of the table of hospitals in force, in order. Raises HcipError as :func:`load_reference`."""
    return _read("hospitals", inbox).frame.get_column("ccn").to_list()


def check_reference_file(path: Path, name: str, inbox: Path | None) -> ReferenceTable:
    """One file as the table ``name``, judged like :func:`read_reference` together with the other tables in force.

    Args:
        inbox: the folder of the other tables, which no link may lead out of.

    Raises:
        HcipError: the file breaks a rule, or does not agree with another table.
    """
    table = _read_file(name, path, "inbox", inbox)
    tables = {other: table if other == name else _read(other, inbox) for other in TABLES}
    check_between_tables(
        {other: each.frame for other, each in tables.items()},
        {other: each.file or Path(f"{other}.csv") for other, each in tables.items()},
    )
    return table


def unknown_reference_files(inbox: Path) -> list[str]:
    """Names in ``<inbox>/reference/`` that are not reference tables, safe to show in messages; without hidden files."""
    folder = inbox / "reference"
    if not folder.is_dir():
        return []
    known = (*TABLES, *LISTS)
    names = [path.name for path in folder.iterdir() if not is_left_alone(path.name)]
    return sorted(_shown(name) for name in names if table_of(name, known) is None)


#: How the publishers' file names begin -> the name under which the list is read.
_PUBLISHED_AS = {
    "updated": "leie", "leie": "leie", "npidata": "nppes", "nppes": "nppes", "order": "order_and_referring",
}  # fmt: skip


def _shown(name: str) -> str:
    """A name as a message may show it, with the list that it may be."""
    meant = next((mine for start, mine in _PUBLISHED_AS.items() if name.lower().startswith(start)), None)
    return f"{shown_path(name)} (perhaps {meant}.csv?)" if meant else shown_path(name)


def write_lake_reference(inbox: Path | None, lake_reference: Path) -> dict[str, object]:
    """Write every table to ``<lake_reference>/<name>.parquet`` and return the receipt, also written there.

    Every version that was ever in force stays in ``history/``. If a file is refused, nothing is written and the tables
    in force stay.

    Raises:
        HcipError: as :func:`load_reference`.
    """
    tables = read_reference(inbox)
    lines: dict[str, object] = {}
    for name, table in tables.items():
        frame = table.frame.drop(LINE)
        if table.sha256:
            kept = lake_reference / "history" / f"{name}-{table.sha256[:16]}.parquet"
            if not kept.exists():
                write_parquet(frame, kept)
        write_parquet(frame, lake_reference / f"{name}.parquet")
        lines[name] = {
            "source": table.source,
            "file": table.file.name if table.file else None,
            "bytes": table.bytes,
            "sha256": table.sha256,
            "rows": frame.height,
            "blank_rows": table.blank_rows,
            "warnings": [problem.as_dict() for problem in table.warnings],
        }
    receipt: dict[str, object] = {
        "tables": lines,
        "unknown_files": unknown_reference_files(inbox) if inbox else [],
    }
    write_json(receipt, lake_reference / "receipt.json")
    return receipt


def _read(name: str, inbox: Path | None) -> ReferenceTable:
    path = find_table(inbox / "reference", name) if inbox else None
    if path is not None and (path.exists() or path.is_symlink()):
        return _read_stamped(name, path, file_stamp(path), inbox)
    return _read_shipped(name)


def file_stamp(path: Path) -> tuple[int, ...]:
    """Values that change when a file is written or replaced; empty if they cannot be read."""
    try:
        stat = path.stat()
    except OSError:
        return ()
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns


@functools.lru_cache(maxsize=64)  # every quarter, month and half-year of a run reads these tables
def _read_stamped(name: str, path: Path, stamp: tuple[int, ...], within: Path | None) -> ReferenceTable:
    return _read_file(name, path, "inbox", within)


@functools.cache  # shipped files do not change while the program runs
def _read_shipped(name: str) -> ReferenceTable:
    path = SHIPPED / f"{name}.csv"
    if path.exists():
        return _read_file(name, path, "shipped")
    return ReferenceTable(name, pl.DataFrame(schema=TABLES[name].schema | {LINE: pl.Int64}), "none", None)


def _read_file(name: str, path: Path, source: Source, within: Path | None = None) -> ReferenceTable:
    table = TABLES[name]
    text = read_text_table(path, within)
    if name == "apr_drg":
        text = widen_grouper_versions(text, path)
    checked = check_contract_table(text, path, table, ROW_RULES.get(name, ()))
    check_whole_table(name, checked.frame, path)
    frame = _with_unmapped(checked.frame) if name == "rate_centers" else checked.frame
    return ReferenceTable(
        name, frame.sort(table.key), source, path, text.bytes, text.sha256, text.blank_rows, checked.warnings
    )


def _with_unmapped(rate_centers: pl.DataFrame) -> pl.DataFrame:
    """The rate centers with UNMAPPED, which exists even if a file does not name it: codes without one belong to it."""
    if UNMAPPED in rate_centers.get_column("rate_center").to_list():
        return rate_centers
    row = {"rate_center": UNMAPPED, "name": "No rate center known", "group": "Unmapped", "component": "core", LINE: 0}
    return pl.concat([rate_centers, pl.DataFrame([row], schema=rate_centers.schema)])
