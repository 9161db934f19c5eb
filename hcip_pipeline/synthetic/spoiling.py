"""Submissions that are faulty as a whole: a file missing, truncated, in another encoding, with other totals.

Belongs here: spoiling the files of one folder. Does not belong here: choosing the folder (``resubmissions``).
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import polars as pl

from hcip_pipeline.synthetic.files import as_csv


def spoil(rule: str, folder: Path, tables: dict[str, pl.DataFrame]) -> list[tuple[str, str]]:
    """Spoil a submission in one way; returns the files and rules that must be found."""
    discharges, charges = folder / "discharges.csv", folder / "charges.csv"
    text = discharges.read_bytes()
    lines = text.split(b"\n")
    match rule:
        case "F-MISSING":
            charges.unlink()
            return [("", rule)]
        case "F-AMBIGUOUS":
            (folder / "charges.csv.gz").write_bytes(gzip.compress(charges.read_bytes(), mtime=0))
            return [("", rule)]
        case "F-NOT-A-FILE":
            charges.unlink()
            charges.mkdir()
            (charges / "part-1.csv").write_bytes(b"")
            return [(charges.name, rule)]
        case "F-EMPTY":
            charges.write_bytes(b"")
            return [(charges.name, rule)]
        case "F-NO-ROWS":
            charges.write_bytes(charges.read_bytes().split(b"\n")[0] + b"\n")
            return [(charges.name, rule)]
        case "F-COMPRESSION":
            packed = gzip.compress(charges.read_bytes(), mtime=0)
            charges.unlink()
            (folder / "charges.csv.gz").write_bytes(packed[: len(packed) // 2])
            return [("charges.csv.gz", rule)]
        case "F-COLUMN-TYPE" | "F-UNREADABLE":
            discharges.unlink()
            parquet = folder / "discharges.parquet"
            tables["discharges"].with_columns(pl.col("total_charges").cast(pl.Float64).cast(pl.Int64)).write_parquet(
                parquet
            )
            if rule == "F-UNREADABLE":
                parquet.write_bytes(parquet.read_bytes()[:-100])
            return [(parquet.name, rule)]
        case "F-ENCODING":
            lines[3] += b"\x81"
        case "F-NUL":
            lines[4] += b"\x00"
        case "F-LINE-ENDS":
            lines[2] += b"\r"
        case "F-HEADER":
            lines[0] = b'"' + lines[0]
        case "F-TITLE-ROW":
            lines.insert(0, b"Discharges of the quarter")
        case "F-HEADER-REPEATED":
            lines.insert(50, lines[0])
        case "F-TOTAL-ROW":
            lines.insert(-1, b"Total" + b"," * lines[0].count(b","))
        case "F-DIGITS-LOST":
            lines[9] = lines[9].replace(lines[9].split(b",")[1], b"2.5E+10")
        case "F-COLUMN-MISSING":
            discharges.write_bytes(as_csv(tables["discharges"].drop("apr_drg")))
            return [(discharges.name, rule)]
        case "F-COLUMN-REPEATED":
            lines = [line + b",M" if line else line for line in lines]
            lines[0] = lines[0].removesuffix(b",M") + b",sex"
        case "S-CONTROL-UNREADABLE":
            (folder / "control_totals.json").write_text('{"discharges": ', encoding="utf-8")
            return [("control_totals.json", rule)]
        case "S-CONTROL-DIFFERS":
            rewrite_control_totals(folder, discharges=len(tables["discharges"]) + 1)
            return [("control_totals.json", rule)]
        case "S-ERROR-RATE":
            return [(discharges.name, rule)]
        case "S-HOSPITAL-UNKNOWN":
            return [("", rule), ("", "S-COST-FACTOR-MISSING")]
        case _:
            return [("", rule)]
    discharges.write_bytes(b"\n".join(lines))
    return [(discharges.name, rule)]


def rewrite_control_totals(folder: Path, **changed: int) -> None:
    """Change or add totals, so that they no longer match the files."""
    path = folder / "control_totals.json"
    content = json.loads(path.read_text(encoding="utf-8")) | changed
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
