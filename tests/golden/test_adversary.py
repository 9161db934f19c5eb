"""Between two half-years, somebody edits a file that a hospital or a committee supplies (methodology §15).

A half-year is released, any field of any such file is changed, the next one is settled: each payment stays, falls, or
has a reason or a hold that names the change; and no calendar year exceeds its cap.
"""

from __future__ import annotations

import copy
import datetime as dt
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
import yaml

from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.errors import HcipError
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.reading import ReleaseFiles, releases_of
from tests.half_years import CONDITIONS, FIRST, HALVES, PARTNERS, A, B, C, D, HalfYears

pytestmark = pytest.mark.slow

EDITS = int(os.environ.get("HCIP_ADVERSARY_EDITS", "12"))
SEED = int(os.environ.get("HCIP_ADVERSARY_SEED", "3"))
BEFORE, NOW = ("2024H2", "2025H1"), "2025H2"
#: reasons and holds that name a change
NAMING = {reason.code for reason in PAYMENT_REASONS.values() if reason.step == "change"}
NAMING |= {"FIRST_PERIOD_CHANGED", "CONDITIONS_NOT_LOCKED", "NO_PROTOCOL"}
Payments = dict[tuple[str, str], dict[str, Any]]
Edit = Callable[[HalfYears], str]


def caps_bind(state: HalfYears) -> None:
    for period in HALVES:
        notices = [row | {"approved_amount": "900.55"} for row in state.rows(period, "pfs_cap_notices")]
        state.write(period, "pfs_cap_notices", notices)
        state.write(period, "other_program_amounts", [])


def by_claims_and_surveys(state: HalfYears) -> None:
    """No notices, and hospital A reports with its survey."""
    state.estimates = [(ccn, physician, year, Decimal(1200)) for ccn, physician in PARTNERS for year in (2024, 2025)]
    for period in HALVES:
        state.write(period, "pfs_cap_notices", [])
        own = {table: state.rows(period, table) for table in ("condition_results", "intervention_activity")}
        state.survey(period, A, *([row for row in rows if row["hospital_ccn"] == A] for rows in own.values()))
        for table, rows in own.items():
            state.write(period, table, [row for row in rows if row["hospital_ccn"] != A])


def somebody_excluded(state: HalfYears) -> None:
    reference = state.home.inbox / "reference"
    reference.mkdir(exist_ok=True)
    rows = "".join(f"{physician},OIG,2023-01-01,\n" for _, physician in PARTNERS[1:3])
    header = "npi,source,effective_date,reinstated_date\n"
    (reference / "excluded_individuals.csv").write_text(header + rows, encoding="utf-8")


def lose_all(state: HalfYears) -> None:
    text = state.home.policy.read_text(encoding="utf-8")
    state.home.policy.write_text(f"{text}condition_failure: lose_all\nlimit_scope: all\n", encoding="utf-8")


#: variants of the state, in addition to its seed
SHAPES: tuple[Callable[[HalfYears], None], ...] = (
    lambda _: None, caps_bind, by_claims_and_surveys, somebody_excluded, lose_all,
)  # fmt: skip


@dataclass(frozen=True)
class Before:
    """A state with two released half-years, and the next one's payments if nothing changes."""

    state: HalfYears
    unchanged: Payments


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Before]:
    """Returns the state of a shape, made once."""

    @cache
    def make(shape: int) -> Before:
        place = tmp_path_factory.mktemp("adversary")
        state = HalfYears.make(place / "home", SEED + shape, has_reports=False)
        SHAPES[shape](state)
        for period in BEFORE:
            state.release(period)
        payments = settled(state.copy(place / "unchanged"))
        assert {row["status"] for row in payments.values()} & {"PAYABLE", "HELD"}
        return Before(state, payments)

    return make


def settled(state: HalfYears) -> Payments:
    rows = state.settle(NOW).rows(
        "select incentives.*, earlier_period_incentive, pfs_approved_amount"
        " from incentives inner join payment_inputs using (hospital_ccn, npi)"
    )
    return {(row["hospital_ccn"], row["npi"]): row for row in rows}


def check_the_cap(now: Payments, messages: str) -> None:
    """Nobody is paid above the cap of the year, whatever was changed and when."""
    for key, row in now.items():
        assert row["final_incentive"] <= row["calculated_incentive"], (messages, key)
        if row["pfs_approved_amount"] is not None and row["status"] == "PAYABLE":
            most = row["pfs_approved_amount"] * 20 / 100  # the policy's: no hospital may raise it
            paid = row["final_incentive"] + row["earlier_period_incentive"]
            assert paid <= max(most, row["earlier_period_incentive"]), (messages, key)


def check_payments(was: Payments, now: Payments, messages: str) -> None:
    """A payment rises only with a reason that names the change, if a file outside the half-year's own was changed."""
    check_the_cap(now, messages)
    for key, row in now.items():
        reasons = set(row["reasons"].split("|"))
        before = was.get(key)
        is_raised = before is None or row["final_incentive"] > before["final_incentive"]
        is_raised |= row["status"] == "PAYABLE" and (before is None or before["status"] != "PAYABLE")
        new = reasons - set(before["reasons"].split("|")) if before else reasons
        if is_raised and row["final_incentive"]:
            assert new & NAMING, (messages, key, before, row)


def leaves(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of a protocol."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key)) if isinstance(value, dict | list) and value else [(*path, key)]


def another_value(value: Any, rng: Random) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return rng.choice([0, 1, value + 5, max(0, value - 5), 3 * value + 1])
    if isinstance(value, dt.date):
        return value + dt.timedelta(days=rng.choice([-400, -1, 1, 200, 600]))
    text = str(value)
    if len(text) == 6 and text[4] == "H":
        return rng.choice(["2023H1", "2024H1", "2024H2", "2025H1", "2025H2", "2026H1"])
    if len(text) == 10 and text[4] == "-":
        return str(dt.date.fromisoformat(text) + dt.timedelta(days=rng.choice([-700, -1, 1, 400])))
    if text in ("Y", "N"):
        return "N" if text == "Y" else "Y"
    try:
        return str(Decimal(text) * rng.choice([0, 2, -1]) + rng.choice([0, 1]))
    except ArithmeticError:
        return rng.choice(["", "other", *CONDITIONS, "patient_flow", "cleared", "failed"])


def edit_protocol(rng: Random) -> Edit:
    """Change one value of a protocol, or one value and its approval; in the same file, or in the next year's."""
    ccn, year = rng.choice([A, A, B, B, D]), rng.choice([2024, 2024, 2025])

    def edit(state: HalfYears) -> str:
        content = yaml.safe_load(state.protocol(ccn).read_text(encoding="utf-8"))
        paths = [path for path in leaves(content) if path[0] not in ("model_plan", "key_personnel", "submitted_on")]
        weighty = [path for path in paths if path[0] in ("elections", "conditions_of_payment", "approved_on")]
        weighty += [("first_performance_period",)] * 5
        path = rng.choice(rng.choice([paths, weighty]))
        is_removed = rng.random() < 0.15
        is_approved_anew = rng.random() < 0.3

        def change(protocol: dict[str, Any]) -> None:
            place = protocol
            for key in path[:-1]:
                place = place[key]
            if is_removed:
                del place[path[-1]]
            else:
                place[path[-1]] = another_value(place[path[-1]], rng)
            if is_approved_anew:
                protocol["approved_on"] = dt.date(2025, 6, 1)

        state.edit_protocol(ccn, change, year)
        return f"{ccn}/{year}.yaml: {'.'.join(map(str, path))}, approved anew: {is_approved_anew}"

    return edit


def edit_program_file(rng: Random) -> Edit:
    """Change one field of a program file of a released half-year, or add or remove a row."""
    period = rng.choice(BEFORE)
    tables = ("care_partners", "condition_results", "intervention_activity", "committee_adjustments")
    table = rng.choice([*tables, "other_program_amounts", "other_program_amounts", "pool_notices", "pfs_cap_notices"])
    kind = rng.choice(["field", "field", "field", "less", "more"])

    def edit(state: HalfYears) -> str:
        rows = copy.deepcopy(state.rows(period, table))
        if not rows:
            return f"{period}/{table}.csv: as it is"
        at = rng.randrange(len(rows))
        column = rng.choice(list(rows[at]))
        if kind == "field":
            rows[at][column] = another_value(rows[at][column], rng)
        elif kind == "less":
            del rows[at]
        else:
            rows.append(rows[at] | {column: another_value(rows[at][column], rng)})
        state.write(period, table, rows)
        return f"{period}/{table}.csv, row {at + 1}: {kind} {column}"

    return edit


def edit_corrections(rng: Random) -> Edit:
    period, ccn = rng.choice([*BEFORE, NOW]), rng.choice([*FIRST, C])
    first = rng.choice(["2023H1", "2024H1", "2024H2", "2025H1", "2025H2", "2026H1"])

    def edit(state: HalfYears) -> str:
        state.correct(period, ccn, first)
        return f"{period}: the first period of {ccn} is corrected to {first}"

    return edit


def resubmit(rng: Random) -> Edit:
    """Change one field of one case of a quarter that a release counted, or add or remove a case."""

    def edit(state: HalfYears) -> str:
        known = [at for at, case in enumerate(state.cases) if dt.date(2024, 7, 1) <= case.day <= dt.date(2025, 6, 30)]
        at = rng.choice(known)
        case = state.cases[at]
        changes: dict[str, Any] = {
            "cost": Decimal(case.cost) * rng.choice([2, 3, Decimal("0.5")]),
            "days": case.days + rng.choice([-1, 5]),
            "severity": rng.choice(["1", "2", "3"]),
            "disposition": rng.choice(["20", "07"]),
            "physician": rng.choice([row.physician for row in state.cases]),
        }
        name = rng.choice([*changes, "less", "more"])
        if name == "less":
            del state.cases[at]
        elif name == "more":
            state.cases.append(replace(case, cost=Decimal(case.cost) * 2))
        else:
            state.cases[at] = replace(case, **{name: changes[name]})
        return f"resubmitted: {name} of a case of {case.hospital} on {case.day}"

    return edit


def edit_survey(rng: Random) -> Edit:
    """Replace the survey of a released half-year, or add one."""
    period = rng.choice(BEFORE)

    def edit(state: HalfYears) -> str:
        physicians = [physician for ccn, physician in PARTNERS if ccn == A]
        each = [{"npi": physician, "condition_id": name} for physician in physicians for name in CONDITIONS]
        met = [row | {"met": rng.choice("YYN")} for row in each if rng.random() < 0.9]
        performed = [{"npi": physician, "intervention_id": "patient_flow"} for physician in physicians]
        state.survey(period, A, met, [row | {"activities": str(rng.randrange(3))} for row in performed])
        return f"{period}: another survey of {A}"

    return edit


def edit_exclusions(rng: Random) -> Edit:
    """Put one row into the list of excluded individuals, or empty it."""
    physician = rng.choice(PARTNERS)[1]
    row = rng.choice([f"{physician},OIG,2024-01-01,\n", f"{physician},OIG,2023-01-01,2025-01-01\n", ""])

    def edit(state: HalfYears) -> str:
        reference = state.home.inbox / "reference"
        reference.mkdir(exist_ok=True)
        header = "npi,source,effective_date,reinstated_date\n"
        (reference / "excluded_individuals.csv").write_text(header + row, encoding="utf-8")
        return f"excluded individuals: {row.strip() or 'nobody'}"

    return edit


def edit_own_files(rng: Random) -> Edit:
    """Change a field of the next half-year's own files, from which nothing has been released."""
    table = rng.choice(["care_partners", "condition_results", "intervention_activity", "pfs_cap_notices"])

    def edit(state: HalfYears) -> str:
        rows = copy.deepcopy(state.rows(NOW, table))
        if not rows:
            return f"{NOW}/{table}.csv: as it is"
        at = rng.randrange(len(rows))
        column = rng.choice([name for name in rows[at] if rows[at][name]])
        rows[at][column] = another_value(rows[at][column], rng)
        state.write(NOW, table, rows)
        return f"{NOW}/{table}.csv, row {at + 1}: {column}"

    return edit


MAKERS = (edit_protocol, edit_program_file, edit_corrections, resubmit, edit_protocol, edit_survey, edit_exclusions)


def shape_of(number: int) -> int:
    """The shape of an example; few shapes for few examples, because a shape takes as long as four examples."""
    shapes = min(len(SHAPES), max(2, EDITS // len(SHAPES)))
    return number % shapes


def edited(number: int, before: Callable[[int], Before], place: Path) -> tuple[Random, HalfYears, Before, str]:
    """A copy of the example's state after one or two edits."""
    rng = Random(f"{SEED}/{number}")
    made = before(shape_of(number))
    changed = made.state.copy(place)
    reported = MAKERS[number % len(MAKERS)](rng)(changed)
    if number % 2 and rng.random() < 0.3:
        reported += "; " + rng.choice(MAKERS)(rng)(changed)
    return rng, changed, made, reported


@pytest.mark.parametrize("number", range(EDITS))
def test_no_edit_raises_a_payment_unnoticed(number: int, before: Callable[[int], Before], tmp_path: Path) -> None:
    rng, changed, made, reported = edited(number, before, tmp_path / "home")
    try:
        if rng.random() < 0.25:
            changed.release(BEFORE[1])
            reported += f"; {BEFORE[1]} restated"
        now = settled(changed)
    except HcipError as error:  # a refused file that has no earlier version stops the run, with a message
        assert error.fix, reported
        return
    check_payments(made.unchanged, now, reported)


@pytest.mark.parametrize("number", range(EDITS // 6))
def test_no_order_pays_a_year_twice(number: int, before: Callable[[int], Before], tmp_path: Path) -> None:
    """Several times, a file is edited (even the next half-year's own), and one of the year's half-years released."""
    made = before(1 if number % 2 == 0 else shape_of(number))
    rng = Random(f"order/{SEED}/{number}")
    state = made.state.copy(tmp_path / "home")
    reported = []
    try:
        for _ in range(rng.randint(2, 3)):
            reported.append(rng.choice([*MAKERS, edit_own_files, edit_own_files])(rng)(state))
            period = rng.choice([BEFORE[1], NOW])
            reported.append(f"{period} released")
            state.release(period)
            check_the_year(state, "; ".join(reported))
    except HcipError as error:
        assert error.fix, reported


def check_the_year(state: HalfYears, messages: str) -> None:
    """The payable total of the year's newest releases is within a cap known to one of them, or reported as over it."""
    paid: dict[tuple[str, str], Decimal] = {}
    caps: dict[tuple[str, str], Decimal] = {}
    over: set[tuple[str, str]] = set()
    for period in (BEFORE[1], NOW):
        folders = releases_of(state.home, PerformancePeriod.parse(period))
        if not folders:
            continue
        release = ReleaseFiles.at(folders[-1])
        rows = release.table("incentives").join(release.table("payment_inputs"), on=["hospital_ccn", "npi"])
        for row in rows.filter(pl.col("status") == "PAYABLE").iter_rows(named=True):
            key = row["hospital_ccn"], row["npi"]
            paid[key] = paid.get(key, Decimal(0)) + row["final_incentive"]
            cap = round(row["pfs_approved_amount"] * row["physician_cap_percent"] / 100, 2)
            caps[key] = max(caps.get(key, Decimal(0)), cap)
        findings = release.table("audit_findings").filter(rule="YEAR_OVER_CAP")
        over |= set(findings.select("hospital_ccn", "npi").rows())
    assert {key for key in paid if paid[key] > caps[key]} <= over, messages
