"""Two extremes in a small state: an account with 5 million charge lines, and a physician with 200,000 cases.

    .venv/bin/python benchmarks/extremes.py [--lines 5000000] [--cases 200000] [--work FOLDER]

Settles the same half-year four times and prints processor seconds and peak memory of each run: as generated; with one
more charge line on one account; with the same amount in many lines; and with many copies of one care partner's case.
The changed account is that of the case that earns the most. Exits with 1 if the many lines give any hospital a
different payment file than the one line, or if a copy of a case earns a different amount than its original.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import duckdb

if __package__ in (None, ""):
    sys.path.insert(0, str(Path(__file__).parents[1]))
from benchmarks.endurance import PERIOD, fresh, hcip

QUARTER = "2025Q1"


def measured_run(home: Path) -> str:
    """Settle the half-year; returns the time and memory used."""
    run = hcip(home, "run", PERIOD)
    _, status, usage = os.wait4(run.pid, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code == 0, f"a run ended with {code}:\n{(home / 'output.txt').read_text()[-3000:]}"
    return f"{usage.ru_utime + usage.ru_stime:.1f} processor seconds, {usage.ru_maxrss / 1024:.0f} MB at most"


class Submission:
    """One hospital's quarter in a home's inbox, for editing."""

    def __init__(self, home: Path, ccn: str) -> None:
        self._folder = home / "inbox" / "hospital" / QUARTER / ccn
        self.tables = duckdb.connect()
        for table in ("discharges", "charges"):
            path = self._folder / f"{table}.csv"
            self.tables.execute(f"create table {table} as from read_csv('{path}', all_varchar=true)")

    def write(self) -> None:
        for table in ("discharges", "charges"):
            self.tables.execute(f"copy {table} to '{self._folder / f'{table}.csv'}' (header)")
        names = ("discharges", "charge_lines", "total_charges")
        totals = self.tables.execute(
            "select count(*), (select count(*) from charges), sum(total_charges::decimal(18, 2))::varchar"
            " from discharges"
        ).fetchall()[0]
        control = dict(zip(names, totals, strict=True))
        (self._folder / "control_totals.json").write_text(json.dumps(control), encoding="utf-8")

    def add_lines(self, account: str, lines: int, each: Decimal) -> None:
        self.tables.execute(
            "insert into charges select hospital_ccn, account_no, '0250', service_date, '1', ?"
            " from (from charges where account_no = ? limit 1), range(?)",
            [str(each), account, lines],
        )
        self.tables.execute(
            "update discharges set total_charges = (total_charges::decimal(18, 2) + ?::decimal(18, 2))::varchar"
            " where account_no = ?",
            [str(each * lines), account],
        )

    def copy_case(self, account: str, copies: int) -> None:
        for table, names in (
            ("discharges", "'M' || i as account_no, 'Q' || i as patient_id"),
            ("charges", "'M' || i as account_no"),
        ):
            self.tables.execute(
                f"insert into {table} select x.* replace ({names})"
                f" from (from {table} where account_no = ?) x, range(?) copies(i)",
                [account, copies],
            )


def cases_that_earn(home: Path, ccn: str) -> str:
    """The released table of a hospital's counted cases."""
    return str(home / "releases" / PERIOD / "r1" / "incentives" / f"HCIP_{ccn}_incentive_cases_{PERIOD}_r1.parquet")


def earning_case(home: Path, ccn: str) -> tuple[str, str]:
    """NPI and account of the highest-earning case of the quarter to be changed."""
    submitted = home / "inbox" / "hospital" / QUARTER / ccn / "discharges.csv"
    return duckdb.execute(  # type: ignore[return-value]
        f"""
        select npi, account_no from read_parquet(?)
        where account_no in (select account_no from read_csv('{submitted}', all_varchar=true))
        order by performance_incentive desc, account_no limit 1
        """,
        [cases_that_earn(home, ccn)],
    ).fetchall()[0]


def payment_files(home: Path) -> dict[str, bytes]:
    """Name and bytes of every file with payments of hospitals or savings."""
    release = home / "releases" / PERIOD / "r1"
    files = [path for folder in ("incentives", "savings") for path in (release / folder).glob("*.csv")]
    return {path.name: path.read_bytes() for path in files}


def extremes(work: Path, lines: int, cases: int) -> None:
    state = work / "state"
    shutil.rmtree(state, ignore_errors=True)
    state.mkdir(parents=True)
    scale = ("--hospitals", "4", "--discharges-per-year", "8000", "--start", "2024Q1", "--end", "2025Q2", "--seed", "5")
    code = hcip(state, "synth", str(state / "inbox"), *scale).wait()
    assert code == 0, (state / "output.txt").read_text()
    ccn = min(path.name for path in (state / "inbox" / "protocols").iterdir())
    cent = Decimal("0.01")
    as_generated = fresh(state, work / "as_generated")
    print(f"as generated: {measured_run(as_generated)}", flush=True)
    npi, account = earning_case(as_generated, ccn)
    for name, number, each in (("one_line", 1, cent * lines), ("many_lines", lines, cent)):
        home = fresh(state, work / name)
        changed = Submission(home, ccn)
        changed.add_lines(account, number, each)
        changed.write()
        print(f"{number:,} more charge line{'s' * (number > 1)} on one account: {measured_run(home)}", flush=True)
    one, many = payment_files(work / "one_line"), payment_files(work / "many_lines")
    assert one and one == many, f"different payments: {[name for name in one if one[name] != many.get(name)]}"

    home = fresh(state, work / "many_cases")
    changed = Submission(home, ccn)
    changed.copy_case(account, cases)
    changed.write()
    print(f"{cases:,} more cases of one physician: {measured_run(home)}", flush=True)
    figures = "stream, apr_drg, severity_of_illness, cost, best_practice_norm, mpi_performance, performance_incentive"
    counted, kinds = duckdb.execute(
        f"select count(*), count(distinct ({figures})) from read_parquet(?)"
        " where npi = ? and (account_no = ? or account_no like 'M%')",
        [cases_that_earn(home, ccn), npi, account],
    ).fetchall()[0]
    assert (counted, kinds) == (cases + 1, 1), f"{counted:,} cases of {cases + 1:,} are counted, in {kinds} ways"
    print("many lines give the same payments as one; every copy of a case earns the same amount")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lines", type=int, default=5_000_000)
    parser.add_argument("--cases", type=int, default=200_000)
    parser.add_argument("--work", type=Path, help="keep the homes here")
    asked = parser.parse_args()
    with contextlib.nullcontext(asked.work) if asked.work else tempfile.TemporaryDirectory() as folder:
        extremes(Path(folder), asked.lines, asked.cases)


if __name__ == "__main__":
    main()
