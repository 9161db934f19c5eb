"""A state with faults: which submission gets which, and submissions that are faulty as a whole.

Belongs here: the plan, and file- and submission-level faults. Does not belong here: faults in rows (``defects``).
"""

from __future__ import annotations

import gzip
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcip_pipeline.errors import UsageError
from hcip_pipeline.periods import Quarter
from hcip_pipeline.synthetic.defects import TextSubmission
from hcip_pipeline.synthetic.faults import NO_HOSPITAL, REFUSED, ROW_FAULTS, WARNED, FaultPlace, RowFault
from hcip_pipeline.synthetic.files import FileFormat, as_csv, write_control_totals, write_csv, write_submission
from hcip_pipeline.synthetic.findings import SCHEMA, gaps, of_submission
from hcip_pipeline.synthetic.spoiling import rewrite_control_totals, spoil
from hcip_pipeline.synthetic.streams import Integers, stream

Key = tuple[str, str]

#: In a smaller submission, a single quarantined row could exceed the 1% above which it is refused.
_SMALLEST = 120
#: Number of stays in a refused resubmission: enough for its fault.
_REFUSED_STAYS = 150
#: Warnings about a submission with too many rows of one kind: the rows' fault, and the percentage to exceed.
_WARNED_BY_ROWS = {
    "S-NPI-MISSING": (RowFault("D-ATTENDING-NPI", "attending_npi", is_warning=True), 2),
    "S-PATIENT-ID-MISSING": (RowFault("D-PATIENT-ID-MISSING", "patient_id", is_warning=True), 1),
    "S-UNMAPPED": (next(fault for fault in ROW_FAULTS if fault.rule == "C-REVENUE-CODE-UNMAPPED"), 1),
}


@dataclass(frozen=True)
class _Resubmission:
    """A hospital's quarter sent again: version ``r<version>``, the ``number``-th that is refused."""

    quarter: Quarter
    ccn: str
    version: int
    number: int
    tables: dict[str, pl.DataFrame]
    prepared_at: str


@dataclass
class Submitter:
    """Writes submissions, and records the findings that the intake must make in each."""

    inbox: Path
    file_format: FileFormat
    surgical: tuple[str, ...]
    seed: int
    row_faults: dict[Key, list[RowFault]] = field(default_factory=lambda: defaultdict(list))
    planted: dict[Key, list[str]] = field(default_factory=lambda: defaultdict(list))
    refused: dict[Key, list[str]] = field(default_factory=lambda: defaultdict(list))
    other_ccn: dict[str, str] = field(default_factory=dict)
    without_factors: str = ""
    findings: list[pl.DataFrame] = field(default_factory=list)
    submissions: int = 0

    def plan_defects(
        self, ccns: tuple[str, ...], quarters: list[Quarter], volumes: Integers, all_hospitals: list[str]
    ) -> None:
        """Spread every fault over the submissions.

        Raises:
            UsageError: the state is too small or too short for all of them.
        """
        large = [
            (quarter, ccn, int(count))
            for quarter, counts in zip(quarters, volumes, strict=True)
            for ccn, count in zip(ccns, counts, strict=True)
            if count >= _SMALLEST
        ]
        later = [n for n, (quarter, _, _) in enumerate(large) if quarter.year_before() >= quarters[0]]
        if len(later) < 2:
            raise UsageError(
                "a state with fewer than five quarters, or with only small hospitals, has no room for every fault",
                fix=f"cover more than a year, with {_SMALLEST} discharges or more for a hospital in a quarter",
            )
        keys = [(str(quarter), ccn) for quarter, ccn, _ in large]
        apart = {"S-VOLUME": keys[later[-1]], "S-REPEATED": keys[later[-2]]}
        rest = [n for n, key in enumerate(keys) if key not in apart.values()]
        for number, rule in enumerate(WARNED):
            self.planted[apart.get(rule) or keys[rest[-1 - number % len(rest)]]].append(rule)
        room = Counter({n: large[n][2] // _SMALLEST for n in rest})
        turn = 0
        for fault in ROW_FAULTS:
            counted = fault.table == "discharges" and not fault.is_warning
            turn = next((t for t in range(turn, turn + len(rest)) if not counted or room[rest[t % len(rest)]] > 0), -1)
            if turn < 0:
                raise UsageError(
                    "the state is too small for every fault", fix="ask for more discharges, hospitals or quarters"
                )
            place = rest[turn % len(rest)]
            room[place] -= counted
            self.row_faults[keys[place]].append(fault)
            turn += 1
        for number, rule in enumerate(REFUSED):
            self.refused[keys[number * 7 % len(keys)]].append(rule)
        self.other_ccn = {ccn: next(other for other in all_hospitals if other != ccn) for ccn in ccns}
        self.without_factors = next(other for other in all_hospitals if other not in ccns)

    def submit(self, quarter: Quarter, ccn: str, tables: dict[str, pl.DataFrame]) -> Decimal:
        """Write a hospital's quarter, with the faults planned for it. Returns its total charges."""
        key = (str(quarter), ccn)
        folder = self.inbox / "hospital" / key[0] / ccn
        prepared_at = f"{quarter.next().start.isoformat()}T06:00:00"
        name = f"{quarter}/{ccn}"
        if key in self.row_faults or key in self.planted:
            total = self._submit_faulty(folder, quarter, ccn, tables, prepared_at)
        else:
            total = write_submission(folder, tables, self.file_format, prepared_at)
            if self.file_format != "x12":  # whose rows are segments
                self._find(gaps(name, f"discharges.{self.file_format}", tables["discharges"], self.surgical))
            self.submissions += 1
        for number, rule in enumerate(self.refused.get(key, ())):
            version = 2 + number + ("S-REPEATED" in self.planted.get(key, ()))
            sent = _Resubmission(quarter, ccn, version, number, tables, prepared_at)
            self._refuse(rule, folder, sent)
        return total

    def write_truth(self, truth: Path) -> int:
        """Write ``defects.csv``, every finding that the intake must make. Returns how many."""
        frame = pl.concat([pl.DataFrame(schema=SCHEMA), *self.findings])
        write_csv(truth / "defects.csv", frame.sort("submission", "file", "source_row", "rule", "column"))
        return len(frame)

    def _find(self, findings: pl.DataFrame) -> None:
        self.findings.append(findings)

    def _submit_faulty(
        self, folder: Path, quarter: Quarter, ccn: str, tables: dict[str, pl.DataFrame], prepared_at: str
    ) -> Decimal:
        key = (str(quarter), ccn)
        name = f"{quarter}/{ccn}"
        files = {table: f"{table}.{self.file_format}" for table in tables}
        faulty = TextSubmission(name, files, tables, self.surgical, stream(self.seed, "defects", name))
        planted = self.planted.get(key, [])
        place = FaultPlace(quarter, self.other_ccn[ccn])
        for fault in self.row_faults.get(key, ()):
            faulty.plant(fault, place)
        if "S-VOLUME" in planted:
            faulty.drop(0.35)
        for rule in planted:
            if rule in _WARNED_BY_ROWS:
                fault, percent = _WARNED_BY_ROWS[rule]
                faulty.plant_many(fault, len(tables[fault.table]) * (percent + 1) // 100 + 1, place)
        written = faulty.written()
        unknown = {
            "discharges": [pl.lit("reviewed").alias("comment")] if "F-COLUMN-UNKNOWN" in planted else [],
            "charges": [],
        }
        folder.mkdir(parents=True)
        for table, frame in written.items():
            text = _with_extra_cells(as_csv(frame.with_columns(unknown[table])), faulty.shaped_rows(table))
            (folder / files[table]).write_bytes(_packed(text, self.file_format))
        total = _total(written["discharges"])
        write_control_totals(folder, len(written["discharges"]), len(written["charges"]), total, prepared_at)
        if "S-CONTROL-KEY-UNKNOWN" in planted:
            rewrite_control_totals(folder, version=2)
        if "S-FILE-UNKNOWN" in planted:
            (folder / "notes.txt").write_text("Sent by the finance department.\n", encoding="utf-8")
        self._find(faulty.findings())
        self.submissions += 1
        where = {"F-COLUMN-UNKNOWN": files["discharges"], "S-CONTROL-KEY-UNKNOWN": "control_totals.json"}
        for rule in planted:
            if rule == "S-REPEATED":
                again = folder.with_name(f"{folder.name}.r2")
                again.mkdir()
                for path in sorted(folder.iterdir()):
                    (again / path.name).write_bytes(path.read_bytes())
                self._find(faulty.findings().with_columns(pl.lit(f"{name}.r2").alias("submission")))
                self._find(of_submission(f"{name}.r2", "", rule))
                self.submissions += 1
            else:
                self._find(of_submission(name, where.get(rule, ""), rule))
        return total

    def _refuse(self, rule: str, folder: Path, sent: _Resubmission) -> None:
        """Write a small resubmission without gaps, spoiled in one way.

        Args:
            folder: folder of the hospital's first submission.
        """
        quarter, ccn, tables = sent.quarter, sent.ccn, sent.tables
        names = {
            "S-HOSPITAL-UNKNOWN": NO_HOSPITAL,
            "S-COST-FACTOR-MISSING": self.without_factors,
            "S-FOLDER-NAME": f"{ccn}-final",
        }
        folder = folder.with_name(names.get(rule, f"{ccn}.r{sent.version}"))
        as_ccn = names[rule] if rule in ("S-HOSPITAL-UNKNOWN", "S-COST-FACTOR-MISSING") else ccn
        whole = pl.all_horizontal(pl.col("attending_npi", "patient_id").is_not_null()) & (
            pl.col("operating_npi").is_not_null() | ~pl.col("apr_drg").is_in(list(self.surgical))
        )
        stays = tables["discharges"].filter(whole)
        stays = stays[5 * (sent.number + 1) :][:_REFUSED_STAYS]
        lines = tables["charges"].join(stays, on="account_no", how="semi", maintain_order="left")
        copy = {
            name: frame.with_columns(pl.lit(as_ccn).alias("hospital_ccn"))
            for name, frame in (("discharges", stays), ("charges", lines))
        }
        write_submission(folder, copy, "csv", sent.prepared_at)
        name = f"{quarter}/{folder.name}"
        for file, broken in spoil(rule, folder, copy):
            self._find(of_submission(name, file, broken))
        if rule == "S-ERROR-RATE":
            faulty = TextSubmission(
                name, {t: f"{t}.csv" for t in copy}, copy, self.surgical, stream(self.seed, "defects", name)
            )
            severity = next(fault for fault in ROW_FAULTS if fault.rule == "D-SEVERITY-INVALID")
            for _ in range(len(stays) * 3 // 100 + 1):
                faulty.plant(severity, FaultPlace(quarter, self.other_ccn[ccn]))
            (folder / "discharges.csv").write_bytes(as_csv(faulty.written()["discharges"]))
            self._find(faulty.findings())
        self.submissions += 1


def _with_extra_cells(text: bytes, rows: list[int]) -> bytes:
    if not rows:
        return text
    lines = text.split(b"\n")
    for row in rows:
        lines[row - 1] += b",x"
    return b"\n".join(lines)


def _packed(text: bytes, file_format: FileFormat) -> bytes:
    return gzip.compress(text, compresslevel=5, mtime=0) if file_format == "csv.gz" else text


def _total(discharges: pl.DataFrame) -> Decimal:
    """Σ total_charges over the cells that are amounts."""
    amounts = discharges.get_column("total_charges").drop_nulls().str.strip_prefix("$")
    amounts = amounts.filter(amounts.str.contains(r"^\d+\.\d\d$"))
    return Decimal(amounts.cast(pl.Decimal(18, 2)).sum() or 0)
