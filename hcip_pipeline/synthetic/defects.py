"""Planting faults in the rows of a submission, and the findings that must follow.

Belongs here: choosing rows, changing them, and the consequences that the intake's rules report. Does not belong here:
the faults (``faults``), and submissions that are faulty as a whole (``resubmissions``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import polars as pl

from hcip_pipeline.synthetic.faults import ODD_REVENUE_CODE, FaultPlace, RowFault
from hcip_pipeline.synthetic.findings import CONSEQUENCE, PLANTED, SCHEMA, finding_rows, gaps

_ID, _ORDER, _ACCOUNT = "row id", "row order", "account as it was"


@dataclass
class TextSubmission:
    """A submission's two tables as text, with every fault planted so far.

    Args:
        tables: ``discharges`` and ``charges``, typed.
        surgical: the procedural APR-DRGs.
    """

    name: str
    files: dict[str, str]
    tables: dict[str, pl.DataFrame]
    surgical: tuple[str, ...]
    rng: np.random.Generator
    _planted: list[tuple[str, int, RowFault]] = field(default_factory=list)
    _shapes: list[tuple[str, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.tables = {
            name: frame.with_columns(pl.all().cast(pl.String)).with_columns(
                pl.int_range(pl.len()).alias(_ID),
                pl.int_range(pl.len()).cast(pl.Float64).alias(_ORDER),
                pl.col("account_no").alias(_ACCOUNT),
            )
            for name, frame in self.tables.items()
        }
        stays = self.tables["discharges"]
        is_adult = (pl.col("admit_date").str.to_date() - pl.col("birth_date").str.to_date()).dt.total_days() > 20 * 366
        is_complete = pl.all_horizontal(pl.col("attending_npi", "patient_id").is_not_null())
        medical = ~pl.col("apr_drg").is_in(list(self.surgical))
        surgical = ~medical & pl.col("operating_npi").is_not_null()
        lines = self.tables["charges"].group_by(_ACCOUNT).len().filter(pl.col("len") >= 4).get_column(_ACCOUNT)
        suitable = stays.filter(is_adult & is_complete & (surgical | medical) & pl.col(_ACCOUNT).is_in(lines.to_list()))
        suitable = suitable[self.rng.permutation(len(suitable))]
        self._medical = suitable.filter(medical).get_column(_ACCOUNT).to_list()
        self._surgical = suitable.filter(surgical).get_column(_ACCOUNT).to_list()

    def plant(self, fault: RowFault, place: FaultPlace) -> None:
        """Plant one fault in a stay that has none yet."""
        account = self._take(fault.surgical)
        table = self.tables[fault.table]
        ids = table.filter(pl.col(_ACCOUNT) == account).get_column(_ID).to_list()
        row = ids[0] if fault.table == "discharges" else ids[2]
        here = pl.col(_ID) == row
        match fault.how:
            case "shape":
                self._shapes.append((fault.table, row))
            case "repeat" | "insert":
                if fault.how == "repeat":
                    self._planted.append((fault.table, row, fault))  # neither of the two is accepted
                row = len(table) + 10**7
                copy = table.filter(here).with_columns(pl.lit(row).cast(pl.Int64).alias(_ID), pl.col(_ORDER) + 0.5)
                if fault.table == "discharges":  # an identical row would be read once
                    copy = copy.with_columns(pl.lit("99999").alias("zip_code"))
                if fault.how == "insert":
                    copy = copy.with_columns(fault.edit(place).alias(fault.written_to))
                self.tables[fault.table] = table.vstack(copy)
            case "odd charges":
                odd = pl.when(pl.col(_ACCOUNT) == account).then(pl.lit(ODD_REVENUE_CODE))
                charges = self.tables["charges"]
                self.tables["charges"] = charges.with_columns(odd.otherwise("revenue_code").alias("revenue_code"))
            case _:
                cell = fault.written_to
                self.tables[fault.table] = table.with_columns(
                    pl.when(here).then(fault.edit(place)).otherwise(cell).alias(cell)
                )
        self._planted.append((fault.table, row, fault))

    def plant_many(self, fault: RowFault, count: int, place: FaultPlace) -> None:
        """Plant a warning in at least this many rows of stays that have no fault yet."""
        accounts: list[str] = []
        while len(rows := self._rows_of(fault.table, accounts)) < count:
            accounts.append(self._take(fault.surgical))
        cell, table = fault.written_to, self.tables[fault.table]
        here = pl.col(_ID).is_in(rows)
        self.tables[fault.table] = table.with_columns(pl.when(here).then(fault.edit(place)).otherwise(cell).alias(cell))
        self._planted += [(fault.table, row, fault) for row in rows]

    def drop(self, share: float) -> None:
        """Remove a share of the stays, with their lines."""
        stays = self.tables["discharges"]
        kept = np.sort(self.rng.permutation(len(stays))[: int(len(stays) * (1 - share))])
        accounts = stays[kept].get_column(_ACCOUNT).to_list()
        self.tables = {name: frame.filter(pl.col(_ACCOUNT).is_in(accounts)) for name, frame in self.tables.items()}

    def written(self) -> dict[str, pl.DataFrame]:
        """The tables to be written (``shaped_rows`` still lack their extra cell)."""
        return {
            name: frame.sort(_ORDER).drop(_ID, _ORDER, _ACCOUNT).with_columns(pl.all().replace("", None))
            for name, frame in self.tables.items()
        }

    def shaped_rows(self, table: str) -> list[int]:
        """Lines of a file that get an extra cell."""
        rows = self._numbered(table)
        return [
            rows.filter(pl.col(_ID) == row).get_column("source_row").item()
            for name, row in self._shapes
            if name == table
        ]

    def findings(self) -> pl.DataFrame:
        """Exactly the findings that the intake must make."""
        found = [pl.DataFrame(schema=SCHEMA)]
        quarantined: dict[str, set[int]] = {"discharges": set(), "charges": set()}
        for table, row, fault in self._planted:
            rows = self._numbered(table).filter(pl.col(_ID) == row)
            found.append(finding_rows(rows, self.name, self.files[table], fault.column, fault.rule, PLANTED))
            if not fault.is_warning:
                quarantined[table].add(row)
        found += self._consequences(quarantined)
        missing = gaps(self.name, self.files["discharges"], self.written()["discharges"], self.surgical)
        planted = pl.concat(found)
        return pl.concat(
            [planted, missing.join(planted, on=["file", "source_row", "rule"], how="anti").select(planted.columns)]
        )

    def _consequences(self, quarantined: dict[str, set[int]]) -> list[pl.DataFrame]:
        """Findings on the rows that belong to quarantined ones."""
        stays, lines = self._numbered("discharges"), self._numbered("charges")
        bad_stay, bad_line = (pl.col(_ID).is_in(list(quarantined[name])) for name in ("discharges", "charges"))
        filled = pl.col("account_no") != ""
        known = stays.filter(filled).get_column("account_no").unique().to_list()
        orphans = lines.filter(filled & ~pl.col("account_no").is_in(known) & ~bad_line)
        of_bad_line = lines.filter(bad_line & pl.col("account_no").is_in(known)).get_column("account_no").to_list()
        lost = stays.filter(filled & (bad_stay | pl.col("account_no").is_in(of_bad_line)))
        lost_lines = lines.filter(pl.col("account_no").is_in(lost.get_column("account_no").to_list()) & ~bad_line)
        stays_of_bad_lines = stays.filter(pl.col("account_no").is_in(of_bad_line))
        file = self.files
        empty = stays.filter(bad_stay & (pl.col("grouper_version") == ""))
        return [
            finding_rows(orphans, self.name, file["charges"], "account_no", "C-NO-DISCHARGE", CONSEQUENCE),
            finding_rows(lost_lines, self.name, file["charges"], "", "C-DISCHARGE-QUARANTINED", CONSEQUENCE),
            finding_rows(stays_of_bad_lines, self.name, file["discharges"], "", "D-LINE-QUARANTINED", CONSEQUENCE),
            # Without a version, an APR-DRG is in no version's table.
            finding_rows(empty, self.name, file["discharges"], "apr_drg", "D-APR-DRG-UNKNOWN", CONSEQUENCE),
        ]

    def _numbered(self, table: str) -> pl.DataFrame:
        return self.tables[table].sort(_ORDER).with_row_index("source_row", offset=2)

    def _rows_of(self, table: str, accounts: Sequence[str]) -> list[int]:
        return self.tables[table].filter(pl.col(_ACCOUNT).is_in(list(accounts))).get_column(_ID).to_list()

    def _take(self, surgical: bool) -> str:
        return (self._surgical if surgical or not self._medical else self._medical).pop()
