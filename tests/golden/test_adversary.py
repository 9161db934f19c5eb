"""Between two half-years somebody edits a file that a hospital or a committee supplies (methodology §15).

A half-year is released, any field of any such file is changed, the next one is settled: each payment stays, falls, or
carries a reason or a hold that names the change; and no calendar year passes its cap.
"""

from __future__ import annotations

import copy
import datetime as dt
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.errors import HcipError
from tests.half_years import CONDITIONS, FIRST, A, B, C, D, HalfYears

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("adversary")]

EDITS = int(os.environ.get("HCIP_ADVERSARY_EDITS", "12"))
SEED = int(os.environ.get("HCIP_ADVERSARY_SEED", "3"))
BEFORE, NOW = ("2024H2", "2025H1"), "2025H2"
#: reasons that name a change, and holds that do
NAMING = {reason.code for reason in PAYMENT_REASONS.values() if reason.step == "change"}
NAMING |= {"FIRST_PERIOD_CHANGED", "CONDITIONS_NOT_LOCKED", "NO_PROTOCOL"}
Payments = dict[tuple[str, str], dict[str, Any]]
Edit = Callable[[HalfYears], str]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> HalfYears:
    """A state of which two half-years are released."""
    made = HalfYears.make(tmp_path_factory.mktemp("adversary") / "home", SEED)
    for period in BEFORE:
        made.release(period)
    return made


@pytest.fixture(scope="module")
def unchanged(state: HalfYears, tmp_path_factory: pytest.TempPathFactory) -> Payments:
    payments = settled(state.copy(tmp_path_factory.mktemp("unchanged") / "home"))
    assert {row["status"] for row in payments.values()} == {"PAYABLE", "HELD", "ZERO"}
    return payments


def settled(state: HalfYears) -> Payments:
    rows = state.settle(NOW).rows(
        "select incentives.*, earlier_period_incentive, pfs_approved_amount"
        " from incentives inner join payment_inputs using (hospital_ccn, npi)"
    )
    return {(row["hospital_ccn"], row["npi"]): row for row in rows}


def hold(was: Payments, now: Payments, told: str) -> None:
    """What must be true whatever was changed."""
    for key, row in now.items():
        reasons = set(row["reasons"].split("|"))
        before = was.get(key)
        is_raised = before is None or row["final_incentive"] > before["final_incentive"]
        is_raised |= row["status"] == "PAYABLE" and (before is None or before["status"] != "PAYABLE")
        new = reasons - set(before["reasons"].split("|")) if before else reasons
        if is_raised and row["final_incentive"]:
            assert new & NAMING, (told, key, before, row)
        if row["pfs_approved_amount"] is not None and row["status"] == "PAYABLE":
            most = row["pfs_approved_amount"] * 20 / 100  # the policy's: no hospital may raise it
            assert row["final_incentive"] + row["earlier_period_incentive"] <= max(
                most, row["earlier_period_incentive"]
            ), (told, key)


def leaves(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The path of every value of a protocol."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield from leaves(value, (*path, key)) if isinstance(value, dict | list) and value else [(*path, key)]


def other(value: Any, rng: Random) -> Any:
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
    """One value of a protocol, or one value and its approval; in the same file, or in the next year's."""
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
                place[path[-1]] = other(place[path[-1]], rng)
            if is_approved_anew:
                protocol["approved_on"] = dt.date(2025, 6, 1)

        state.edit_protocol(ccn, change, year)
        return f"{ccn}/{year}.yaml: {'.'.join(map(str, path))}, approved anew: {is_approved_anew}"

    return edit


def edit_program_file(rng: Random) -> Edit:
    """One field, or one row more or less, of a program file of a half-year that was released."""
    period = rng.choice(BEFORE)
    tables = ("care_partners", "condition_results", "intervention_activity", "committee_adjustments")
    table = rng.choice([*tables, "other_program_amounts", "other_program_amounts", "pool_notices", "pfs_cap_notices"])
    kind = rng.choice(["field", "field", "field", "less", "more"])

    def edit(state: HalfYears) -> str:
        rows = copy.deepcopy(state.rows(period, table))
        at = rng.randrange(len(rows))
        column = rng.choice(list(rows[at]))
        if kind == "field":
            rows[at][column] = other(rows[at][column], rng)
        elif kind == "less":
            del rows[at]
        else:
            rows.append(rows[at] | {column: other(rows[at][column], rng)})
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
    """One field of one case of a quarter that a release counted, or a case more or less."""

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


MAKERS = (edit_protocol, edit_protocol, edit_program_file, edit_corrections, resubmit)


@pytest.mark.parametrize("number", range(EDITS))
def test_no_edit_raises_a_payment_unseen(number: int, state: HalfYears, unchanged: Payments, tmp_path: Path) -> None:
    rng = Random(f"{SEED}/{number}")
    changed = state.copy(tmp_path / "home")
    told = MAKERS[number % len(MAKERS)](rng)(changed)
    if number % 2 and rng.random() < 0.3:
        told += "; " + rng.choice(MAKERS)(rng)(changed)
    try:
        now = settled(changed)
    except HcipError as error:  # a file that is refused with nothing before it stops the run, in words
        assert error.fix, told
        return
    hold(unchanged, now, told)
