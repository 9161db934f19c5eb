"""Everything a period needs besides claims: program files, protocols and exclusion lists, in order of dependency.

Belongs here: that order, and the list of files in force. Does not belong here: how any of them is judged.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hcip_pipeline.contracts.program import TABLES
from hcip_pipeline.contracts.screening import LISTS
from hcip_pipeline.home.folders import Home
from hcip_pipeline.home.records import read_record
from hcip_pipeline.intake.program.ingest import ProgramIntake, ingest_program, ingest_read_later
from hcip_pipeline.intake.program.receipts import receipt_in_force
from hcip_pipeline.intake.protocol.ingest import ProtocolFile, conditions_in_force, write_lake_protocols
from hcip_pipeline.intake.survey.ingest import survey_names
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.reference.screening import write_lake_screening


@dataclass(frozen=True)
class PeriodIntake:
    """The outcome for a period's program files and for the protocols in force in it."""

    program: ProgramIntake
    protocols: tuple[ProtocolFile, ...]

    @property
    def refused_protocols(self) -> tuple[ProtocolFile, ...]:
        """Protocols that were refused."""
        return tuple(file for file in self.protocols if file.is_refused)


def ingest_period(home: Home, period: PerformancePeriod, policy: Policy) -> PeriodIntake:
    """Put the period's program files, the protocols in force and the national lists into the lake.

    Earlier periods' program folders are read as far as the period needs them (``contracts.program.READ_LATER``).

    Raises:
        HcipError: a reference table in the inbox is refused, or so is a file of an earlier period that this one reads
            and no earlier version is in force. Refused protocols and program files of the period itself do not raise:
            see ``ProgramIntake.require_in_force`` and the finding ``PROTOCOL-REFUSED``.
    """
    conditions = conditions_in_force(home.inbox, period, policy)
    ingest_read_later(home, period)
    program = ingest_program(home, period, conditions)
    in_force = write_lake_protocols(home, period, policy)
    write_lake_screening(home, period)
    return PeriodIntake(program, tuple(in_force))


def files_in_force(home: Home, period: PerformancePeriod) -> list[dict[str, object]]:
    """Program, protocol and reference files that a build of the period reads, for the release's list of inputs.

    Returns:
        ``file`` (below the inbox, or ``shipped/…`` for a default), ``sha256`` and ``rows``, ordered by file.
    """
    lake = home.lake_program(period)
    files: list[dict[str, object]] = []
    for name in (*TABLES, *survey_names(lake)):
        if receipt := receipt_in_force(name, lake):
            file = f"program/{period}/{receipt['file']}"
            files.append({"file": file, "sha256": receipt["sha256"], "rows": receipt["rows"]})
    protocols = pl.read_parquet(lake / "protocols.parquet", columns=["hospital_ccn", "protocol_year", "sha256"])
    for ccn, year, sha256 in protocols.iter_rows():
        files.append({"file": f"protocols/{ccn}/{year}.yaml", "sha256": sha256, "rows": 1})
    for name in LISTS:
        if (listed := lake / "receipts" / f"{name}.json").is_file():
            facts = read_record(listed, "sha256", fix="run it again")
            files.append({"file": f"reference/{facts['file']}", "sha256": facts["sha256"], "rows": facts["rows"]})
    reference = read_record(home.lake_reference / "receipt.json", "tables", fix="run it again")["tables"]
    for table in reference.values():
        if table["source"] != "none":
            folder = "reference" if table["source"] == "inbox" else "shipped"
            files.append({"file": f"{folder}/{table['file']}", "sha256": table["sha256"], "rows": table["rows"]})
    return sorted(files, key=lambda file: str(file["file"]))
