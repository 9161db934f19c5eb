"""Small hospital submissions as text tables, for tests to change and write."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import zipfile
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import openpyxl
import polars as pl

from hcip_pipeline.contracts.hospital import CHARGES, DISCHARGES
from hcip_pipeline.contracts.reference import TABLES
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.folders import submission_at
from hcip_pipeline.intake.hospital.judging import Judge
from hcip_pipeline.intake.hospital.receipts import SubmissionReceipt
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.model import Policy

CCN = "210001"
OTHER_CCN = "210002"
QUARTER = Quarter(2025, 1)
POLICY = Policy(version="test", base_year=2024)

#: Columns of a submission by default (reported_cost is optional).
COLUMNS = tuple(name for name in DISCHARGES.names if name != "reported_cost")


def reference(*, ccns: tuple[str, ...] = (CCN, OTHER_CCN), factors: bool = True) -> dict[str, pl.DataFrame]:
    """Reference tables with two grouped APR-DRGs (one of each type) and three rate centers."""
    rows: dict[str, list[dict[str, object]]] = {
        "hospitals": [{"ccn": ccn, "name": f"Hospital {ccn}", "acute": "Y"} for ccn in ccns],
        "apr_drg": [
            {"grouper_version": "41", "apr_drg": "045", "label": "Stroke", "mdc": "01", "type": "M"},
            {"grouper_version": "41", "apr_drg": "302", "label": "Knee", "mdc": "08", "type": "P"},
        ],
        "revenue_codes": [
            {"revenue_code_from": "0100", "revenue_code_to": "0219", "rate_center": "MSG"},
            {"revenue_code_from": "0200", "revenue_code_to": "0209", "rate_center": "MIS"},
            {"revenue_code_from": "0250", "revenue_code_to": "0259", "rate_center": "CDS"},
        ],
        "cost_factors": [
            {
                "hospital_ccn": ccn,
                "rate_center": "ALL",
                "rate_year": year,
                "markup": Decimal("1.25"),
                "cost_to_charge": Decimal("0.8"),
                "labor_market": Decimal(1),
                "ime": Decimal(0),
                "dsh": Decimal(0),
            }
            for ccn in ccns
            for year in (2024, 2025)
            if factors
        ],
    }
    return {name: pl.DataFrame(rows.get(name, []), schema=table.schema) for name, table in TABLES.items()}


@dataclass
class Draft:
    """A submission as text, valid unless changed: ``count`` discharges of three charge lines each, $600 in total."""

    ccn: str = CCN
    quarter: Quarter = QUARTER
    count: int = 120
    discharges: pl.DataFrame = field(init=False)
    charges: pl.DataFrame = field(init=False)

    def __post_init__(self) -> None:
        numbers = range(self.count)
        start = self.quarter.start
        admitted = [start + dt.timedelta(days=n % 80) for n in numbers]
        cells: dict[str, object] = {
            "hospital_ccn": self.ccn,
            "account_no": [f"A1{n:04d}" for n in numbers],
            "patient_id": [f"P1{n % 97:04d}" for n in numbers],
            "birth_date": "1956-03-02",
            "sex": ["F" if n % 2 else "M" for n in numbers],
            "zip_code": "21201",
            "admit_date": [str(day) for day in admitted],
            "discharge_date": [str(day + dt.timedelta(days=3)) for day in admitted],
            "nature_of_admission": "3",
            "source_of_admission": "01",
            "discharge_disposition": "01",
            "primary_payer": "01",
            "attending_npi": "1234567893",
            "operating_npi": ["" if n % 2 else "1234567893" for n in numbers],
            "principal_diagnosis": "I639",
            "diagnoses": "I10:Y|E119:N",
            "procedures": "0SRC0J9:2025-01-02",
            "grouper_version": "41",
            "apr_drg": ["045" if n % 2 else "302" for n in numbers],
            "severity_of_illness": [str(n % 4 + 1) for n in numbers],
            "risk_of_mortality": "2",
            "hac_flags": "",
            "total_charges": "600.00",
        }
        self.discharges = pl.DataFrame({name: _column(cells[name], self.count) for name in COLUMNS})
        lines = [(n, code, charge) for n in numbers for code, charge in (("0120", 300), ("0200", 200), ("0250", 100))]
        self.charges = pl.DataFrame(
            {
                "hospital_ccn": [self.ccn] * len(lines),
                "account_no": [f"A1{n:04d}" for n, _, _ in lines],
                "revenue_code": [code for _, code, _ in lines],
                "service_date": [str(admitted[n]) for n, _, _ in lines],
                "units": ["1"] * len(lines),
                "charge": [f"{charge}.00" for _, _, charge in lines],
            }
        ).select(CHARGES.names)

    def set(self, table: str, row: int, column: str, value: str) -> Draft:
        """Change one cell; ``row`` counts from 0, so its line in the file is ``row + 2``."""
        frame: pl.DataFrame = getattr(self, table)
        here = pl.int_range(pl.len()) == row
        changed = frame.with_columns(pl.when(here).then(pl.lit(value)).otherwise(column).alias(column))
        setattr(self, table, changed)
        return self

    def write(self, folder: Path, ending: str = ".csv", *, control: dict[str, object] | None = None) -> Path:
        """Write both files, and control totals if given, into a new folder."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("discharges", "charges"):
            write_table(getattr(self, name), folder / f"{name}{ending}")
        if control is not None:
            (folder / "control_totals.json").write_text(json.dumps(control))
        return folder

    def send(self, home: Home, version: int = 1, **options: object) -> Path:
        """Write it into the home's inbox."""
        name = self.ccn + (f".r{version}" if version > 1 else "")
        return self.write(home.inbox / "hospital" / str(self.quarter) / name, **options)  # type: ignore[arg-type]


def _column(cells: object, count: int) -> list[object]:
    return cells if isinstance(cells, list) else [cells] * count


def csv_bytes(frame: pl.DataFrame) -> bytes:
    """CSV as most systems export it, without quotes around empty cells."""
    return frame.with_columns(pl.all().replace("", None)).write_csv().encode()


def write_table(frame: pl.DataFrame, path: Path) -> None:
    if path.name.endswith(".parquet"):
        frame.write_parquet(path)
    elif path.name.endswith(".gz"):
        path.write_bytes(gzip.compress(csv_bytes(frame), mtime=0))
    elif path.name.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(path.name.removesuffix(".zip"), csv_bytes(frame))
    elif path.name.endswith(".xlsx"):
        book = openpyxl.Workbook()
        for row in (frame.columns, *frame.iter_rows()):
            book.active.append(row)
        book.save(path)
    else:
        path.write_bytes(csv_bytes(frame))


def judged(judge: Judge, folder: Path) -> SubmissionReceipt:
    return judge.judge(submission_at(folder, QUARTER, folder.parent))


def rules(receipt: SubmissionReceipt) -> set[str]:
    return {problem.rule for problem in receipt.problems}
