"""What-if: the payments equal, to the cent, those of a full run whose input has the change."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
import yaml

from hcip_pipeline import cli
from hcip_pipeline.certainty.what_if import what_if
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.intake.hospital.ingest import ingest_quarter
from hcip_pipeline.intake.period_intake import ingest_period
from hcip_pipeline.periods import Quarter
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.release.reading import released_frame
from hcip_pipeline.settlement.period import build_period
from hcip_pipeline.warehouse.build import compute_builds_with
from tests.rendered_builds import build_by_rendering
from tests.settled_home import PERIOD, SettledHome

pytestmark = pytest.mark.slow

Row = dict[str, Any]
Edit = Callable[[Row], Row | None]
PAYMENT = [
    "hospital_ccn", "npi", "performance_incentive", "improvement_incentive_medical", "improvement_incentive_surgical",
    "calculated_incentive", "final_incentive", "status", "reasons",
]  # fmt: skip


def edit_csv(path: Path, change: Callable[[list[Row]], list[Row]]) -> None:
    """Replace a file, which may be a hard link."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        columns, rows = list(reader.fieldnames or []), list(reader)
    path.unlink()
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(change(rows))


class FullRun:
    """The settled home before its release, with edited files accepted and payments computed anew."""

    def __init__(self, settled: SettledHome, place: Path) -> None:
        self.home = settled.copy(place)

    def forget_norms(self) -> None:
        """Delete the base year's frozen norms, so that they are made again with resubmitted data."""
        shutil.rmtree(self.home.lake / "norms")

    def resubmit(self, quarter: str, ccn: str, discharges: Edit, charges: Edit | None = None) -> None:
        """Send a second version of a submission with each row edited (None removes it)."""
        first = self.home.inbox / "hospital" / quarter / ccn
        again = first.with_name(f"{ccn}.r2")
        if not again.exists():
            again.mkdir()
            for name in ("discharges.csv", "charges.csv"):
                shutil.copyfile(first / name, again / name)
        for name, edit in (("discharges.csv", discharges), ("charges.csv", charges)):
            if edit is not None:
                edit_csv(again / name, lambda rows, edit=edit: [new for row in rows if (new := edit(row)) is not None])
        (receipt,) = [
            each
            for each in ingest_quarter(self.home, Quarter.parse(quarter), load_policy(self.home.policy).policy)
            if each.submission == f"{quarter}/{ccn}.r2"
        ]
        assert receipt.in_force, receipt

    def program(self, name: str, change: Callable[[list[Row]], list[Row]]) -> None:
        edit_csv(self.home.inbox / "program" / str(PERIOD) / f"{name}.csv", change)

    def payments(self, *, by_dbt: bool = False) -> pl.DataFrame:
        """Payments of a full recomputation; without dbt it takes a fraction of the time."""
        policy = load_policy(self.home.policy)
        ingest_period(self.home, PERIOD, policy.policy)
        with compute_builds_with(None if by_dbt else build_by_rendering):
            self.file = build_period(self.home, PERIOD, policy, select="+incentives").result.file
        with duckdb.connect(self.file, read_only=True) as connection:
            return connection.sql(f"select {', '.join(PAYMENT)} from marts.incentives order by 1, 2").pl()


@pytest.fixture
def full_run(settled_home: SettledHome, tmp_path: Path) -> FullRun:
    return FullRun(settled_home, tmp_path / "home")


@pytest.fixture(scope="module")
def build(settled_home: SettledHome) -> duckdb.DuckDBPyConnection:
    """The build of the release, to choose cases from."""
    return duckdb.connect(settled_home.home.warehouse / str(PERIOD) / "hcip.duckdb", read_only=True)


def one(build: duckdb.DuckDBPyConnection, sql: str) -> Row:
    found = build.sql(f"{sql} limit 1").pl()
    assert found.height == 1, sql
    return found.row(0, named=True)


def with_changes(home: Home, folder: Path, changes: Mapping[str, Any]) -> pl.DataFrame:
    """The release's payments with those that what-if moves replaced."""
    path = folder / "changes.yaml"
    path.write_text(yaml.safe_dump(json.loads(json.dumps(changes, default=float))), encoding="utf-8")
    moved = what_if(home, PERIOD, path).payments
    names = {"calculated": "calculated_incentive", "final": "final_incentive"}
    then = moved.select(
        "hospital_ccn", "npi",
        *(pl.col(f"{short}_then").alias(name) for short, name in names.items()),
        pl.col("status_then").alias("status"), pl.col("reasons_then").alias("reasons"),
    )  # fmt: skip
    before = released_frame(next((home.releases / str(PERIOD)).glob("r1")), "incentives")
    rest = before.select(then.columns).join(then, on=["hospital_ccn", "npi"], how="anti")
    return pl.concat([rest, then]).filter(pl.col("status").is_not_null()).sort("hospital_ccn", "npi")


def assert_same(expected: pl.DataFrame, found: pl.DataFrame, settled: SettledHome) -> None:
    before = released_frame(settled.release.folder, "incentives").select(found.columns).sort("hospital_ccn", "npi")
    assert not expected.select(found.columns).equals(before), "the change moves no payment"
    assert found.equals(expected.select(found.columns))


PARTNERS = "select hospital_ccn, npi from marts.incentives where final_incentive > 0"


def quarter_of(day: Any) -> str:
    return f"{day.year}Q{(day.month + 2) // 3}"


def case_of(build: duckdb.DuckDBPyConnection, where: str) -> Row:
    return one(
        build,
        "select c.*, i.cost, d.discharge_date from marts.incentive_cases as i join intermediate.int_cases as c"
        " using (hospital_ccn, account_no) join staging.stg_discharges as d using (hospital_ccn, account_no)"
        f" where (i.hospital_ccn, i.npi) in ({PARTNERS}) and {where} order by i.performance_incentive desc, account_no",
    )


def test_reassigned_excluded_and_repriced_cases_equal_a_full_run(
    settled_home: SettledHome, full_run: FullRun, build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    given = case_of(build, "c.stream = 'medical'")
    other = one(build, f"{PARTNERS} and hospital_ccn = '{given['hospital_ccn']}' and npi <> '{given['npi']}'")
    out = case_of(build, f"c.stream = 'surgical' and c.hospital_ccn = '{given['hospital_ccn']}'")
    dear = case_of(build, f"c.stream = 'surgical' and c.account_no not in ('{out['account_no']}')")
    assert len({each["account_no"] for each in (given, out, dear)}) == 3

    def discharges(row: Row) -> Row | None:
        if row["account_no"] == given["account_no"]:
            return row | {"attending_npi": other["npi"]}
        return None if row["account_no"] == out["account_no"] else row

    for quarter in sorted({quarter_of(given["discharge_date"]), quarter_of(out["discharge_date"])}):
        full_run.resubmit(
            quarter, given["hospital_ccn"], discharges, lambda r: None if r["account_no"] == out["account_no"] else r
        )

    def dearer(row: Row) -> Row:
        is_it = row["account_no"] == dear["account_no"]
        return row | {"charge": str(Decimal(row["charge"]) * 2)} if is_it else row

    full_run.resubmit(quarter_of(dear["discharge_date"]), dear["hospital_ccn"], doubled_total(dear), dearer)
    expected = full_run.payments()
    with duckdb.connect(full_run.file, read_only=True) as built:
        where = f"hospital_ccn = '{dear['hospital_ccn']}' and account_no = '{dear['account_no']}'"
        (cost,) = built.execute(f"select total_cost from intermediate.int_case_costs where {where}").fetchone() or (
            None,
        )
    key = {"hospital": given["hospital_ccn"]}
    cases = [
        key | {"account": given["account_no"], "npi": other["npi"]},
        key | {"account": out["account_no"], "counted": False},
        {"hospital": dear["hospital_ccn"], "account": dear["account_no"], "cost": cost},
    ]
    assert_same(expected, with_changes(settled_home.home, tmp_path, {"cases": cases}), settled_home)


def doubled_total(case: Row) -> Edit:
    def edit(row: Row) -> Row:
        is_it = row["account_no"] == case["account_no"]
        return row | {"total_charges": str(Decimal(row["total_charges"]) * 2)} if is_it else row

    return edit


def test_regrouped_and_newly_counted_cases_equal_a_full_run(
    settled_home: SettledHome, full_run: FullRun, build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    milder = case_of(build, "c.severity_of_illness = '3'")
    regrouped = case_of(build, f"c.stream = 'surgical' and c.hospital_ccn = '{milder['hospital_ccn']}'")
    cell = one(build, "select apr_drg from marts.norms join staging.stg_apr_drgs using (apr_drg)"
                    " where stream = 'surgical'"
                    f" and apr_drg <> '{regrouped['apr_drg']}' and severity_of_illness = "
                    f"'{regrouped['severity_of_illness']}' order by 1")  # fmt: skip
    left = one(
        build,
        "select w.hospital_ccn, w.account_no, d.discharge_date from intermediate.int_windowed_cases as w"
        " join staging.stg_discharges as d using (hospital_ccn, account_no) where window_name = 'performance'"
        " and exclusion_reasons in (['TRANSFERRED_OUT'], ['LEFT_AGAINST_ADVICE'])"
        f" and (w.hospital_ccn, w.npi) in ({PARTNERS}) order by 2",
    )

    def edit(row: Row) -> Row:
        account = row["account_no"]
        if account == milder["account_no"]:
            row = row | {"severity_of_illness": "2"}
        if account == regrouped["account_no"]:
            row = row | {"apr_drg": cell["apr_drg"]}
        return row | {"discharge_disposition": "01"} if account == left["account_no"] else row

    places = {(quarter_of(each["discharge_date"]), each["hospital_ccn"]) for each in (milder, regrouped, left)}
    for quarter, ccn in sorted(places):
        full_run.resubmit(quarter, ccn, edit)
    changes = [
        {"hospital": milder["hospital_ccn"], "account": milder["account_no"], "severity_of_illness": "2"},
        {"hospital": regrouped["hospital_ccn"], "account": regrouped["account_no"], "apr_drg": cell["apr_drg"]},
        {"hospital": left["hospital_ccn"], "account": left["account_no"], "counted": True},
    ]
    if milder["account_no"] == regrouped["account_no"]:
        changes[0] |= changes.pop(1)
    found = with_changes(settled_home.home, tmp_path, {"cases": changes})
    assert_same(full_run.payments(), found, settled_home)


def test_a_case_of_the_base_year_moves_payments_through_norms(
    settled_home: SettledHome, full_run: FullRun, build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    norms = duckdb.connect(next(settled_home.home.warehouse.glob("norms-*")) / "hcip.duckdb", read_only=True)
    cell = one(
        build, "select apr_drg, severity_of_illness from marts.incentive_cases group by all order by count(*) desc"
    )
    where = f"apr_drg = '{cell['apr_drg']}' and severity_of_illness = '{cell['severity_of_illness']}'"
    case = one(norms, f"select * from intermediate.int_cases where {where} and stream is not null order by account_no")
    other = one(norms, f"select npi from intermediate.int_cases where {where} and npi <> '{case['npi']}' order by npi")
    column = "operating_npi" if case["stream"] == "surgical" else "attending_npi"
    full_run.resubmit(
        quarter_of(case["discharge_date"]), case["hospital_ccn"],
        lambda row: row | {column: other["npi"]} if row["account_no"] == case["account_no"] else row,
    )  # fmt: skip
    full_run.forget_norms()
    changes = [{"hospital": case["hospital_ccn"], "account": case["account_no"], "npi": other["npi"]}]
    found = with_changes(settled_home.home, tmp_path, {"cases": changes})
    assert_same(full_run.payments(by_dbt=True), found, settled_home)


def test_a_condition_met_and_a_care_partner_certified(
    settled_home: SettledHome, full_run: FullRun, build: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    missed = one(
        build,
        "select o.* from intermediate.int_condition_outcomes as o join marts.incentives using (hospital_ccn, npi)"
        " where source = 'REPORTED' and not is_met and conditions_adjustment < 0 order by 1, 2, 3",
    )
    gone = one(build, f"{PARTNERS} order by npi desc")
    new = one(
        build,
        "select hospital_ccn, npi from intermediate.int_counted_cases"
        " anti join marts.incentives using (hospital_ccn, npi) where window_name = 'performance'"
        " group by all order by count(*) desc, npi",
    )
    day = "2024-12-31"
    certified = {"name": "(certified)", "participation_start": day, "arrangement_signed": day, "certified_on": day}
    certified |= {"hospital_ccn": new["hospital_ccn"], "npi": new["npi"], "screening_status": "cleared"}
    performed = {"intervention_id": "advance_directives", "activities": "5", "reported_on": "2025-06-30"}
    key = ("hospital_ccn", "npi", "condition_id")
    full_run.program(
        "condition_results",
        lambda rows: [row | {"met": "Y"} if all(row[k] == missed[k] for k in key) else row for row in rows],
    )
    full_run.program(
        "care_partners",
        lambda rows: (
            [row for row in rows if (row["hospital_ccn"], row["npi"]) != (gone["hospital_ccn"], gone["npi"])]
            + [certified]
        ),
    )
    full_run.program(
        "intervention_activity",
        lambda rows: [*rows, {"hospital_ccn": new["hospital_ccn"], "npi": new["npi"]} | performed],
    )
    changes = {
        "conditions": [
            {"hospital": missed["hospital_ccn"], "npi": missed["npi"], "condition": missed["condition_id"], "met": True}
        ],
        "care_partners": [
            {"hospital": gone["hospital_ccn"], "npi": gone["npi"], "certified": False},
            {"hospital": new["hospital_ccn"], "npi": new["npi"], "interventions": {"advance_directives": 5}},
        ],
    }
    found = with_changes(settled_home.home, tmp_path, changes)
    assert_same(full_run.payments(), found, settled_home)


WRONG = {
    "no such case": ('cases: [{hospital: "210001", account: "nobody", counted: false}]', "no case nobody"),
    "not in quotes": ('cases: [{hospital: 210001, account: "1", counted: false}]', "in quotes"),
    "no change": ('cases: [{hospital: "210001", account: "1"}]', "changes nothing"),
    "wrong check digit": ('cases: [{hospital: "210001", account: "1", npi: "1234567890"}]', "check digit"),
    "nothing": ("cases: []", "changes nothing"),
    "unknown key": ("case: []", "unknown key"),
    "no such hospital": (
        'care_partners: [{hospital: "999999", npi: "1234567893"}]', "no hospital 999999"
    ),
    "nobody to take off the list": (
        'care_partners: [{hospital: "{A}", npi: "1234567893", certified: false}]', "not a care partner"
    ),
    "no such intervention": (
        'care_partners: [{hospital: "{A}", npi: "1234567893", interventions: {juggling: 1}}]',
        "no intervention juggling",
    ),
    "no such condition": (
        'conditions: [{hospital: "{A}", npi: "1234567893", condition: juggling, met: true}]', "no condition juggling"
    ),
    "no such APR-DRG": ('cases: [{hospital: "{A}", account: "{case}", apr_drg: "999"}]', "no APR-DRG 999"),
    "one of many is no case": (
        'cases: [{hospital: "{A}", account: "{case}", counted: true}, {hospital: "{A}", account: "x", counted: true}]',
        "no case x",
    ),
    "twice": ('cases: [&a {hospital: "1", account: "1", counted: true}, *a]', "twice"),
}  # fmt: skip


@pytest.mark.parametrize("text, message", WRONG.values(), ids=WRONG)
def test_faulty_changes_are_refused_with_file_and_fix(
    settled_home: SettledHome, build: duckdb.DuckDBPyConnection, tmp_path: Path, text: str, message: str
) -> None:
    case = case_of(build, "true")
    path = tmp_path / "changes.yaml"
    path.write_text(text.replace("{A}", case["hospital_ccn"]).replace("{case}", case["account_no"]), encoding="utf-8")
    with pytest.raises(HcipError, match=message) as refused:
        what_if(settled_home.home, PERIOD, path)
    assert refused.value.file and refused.value.fix


def test_a_case_that_earns_nobody_anything_is_named_with_its_reason(
    settled_home: SettledHome, build: duckdb.DuckDBPyConnection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, out, regrouped = (
        case_of(build, f"c.stream = '{stream}' and c.severity_of_illness = '{severity}'")
        for stream, severity in (("medical", "2"), ("surgical", "2"), ("medical", "3"))
    )
    rare = one(
        build,
        "select apr_drg from staging.stg_apr_drgs where stream = 'medical' and grouper_version in"
        " (select grouper_version from staging.stg_discharges)"
        " and apr_drg not in (select apr_drg from marts.norms) order by apr_drg",
    )
    changes = [
        {"hospital": given["hospital_ccn"], "account": given["account_no"], "npi": "1234567893"},
        {"hospital": out["hospital_ccn"], "account": out["account_no"], "counted": False},
        {"hospital": regrouped["hospital_ccn"], "account": regrouped["account_no"], "apr_drg": rare["apr_drg"]},
    ]
    path = tmp_path / "changes.yaml"
    path.write_text(yaml.safe_dump({"cases": changes}), encoding="utf-8")
    before = {each: each.stat().st_mtime_ns for each in settled_home.home.root.rglob("*")}
    cli.main(["what-if", str(PERIOD), str(path), "--home", str(settled_home.home.root)])
    assert before == {each: each.stat().st_mtime_ns for each in settled_home.home.root.rglob("*")}, "nothing is stored"
    shown = capsys.readouterr().out
    for case, why in ((given, "is not a care partner"), (regrouped, "without a norm")):
        (line,) = (line for line in shown.splitlines() if f"case {case['account_no']} " in line)
        assert why in line
    assert f"case {out['account_no']} " not in shown, "the file itself excludes it"


def test_the_command_shows_what_moves(
    settled_home: SettledHome, build: duckdb.DuckDBPyConnection, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = case_of(build, "c.stream = 'medical'")
    path = tmp_path / "changes.yaml"
    change = f'{{hospital: "{case["hospital_ccn"]}", account: "{case["account_no"]}", counted: false}}'
    path.write_text(f"cases: [{change}]", encoding="utf-8")
    arguments = ["what-if", str(PERIOD), str(path), "--home", str(settled_home.home.root)]
    cli.main(arguments)
    shown = capsys.readouterr().out
    assert case["npi"] in shown and "named in the changes" in shown
    cli.main([*arguments, "--json"])
    moved = json.loads(capsys.readouterr().out)["payments"]
    assert [row["npi"] for row in moved if "named" in row["because"]] == [case["npi"]]
