"""Implementation protocols: what a file may contain, and each of the program's rules for it."""

from __future__ import annotations

import copy
import datetime as dt
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hcip_pipeline.errors import HcipError
from hcip_pipeline.files.yaml_files import load_yaml, validate_yaml
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.interventions import CATALOG, CATEGORIES
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.policy.protocol import Protocol, period_number, program_year
from hcip_pipeline.policy.protocol_checks import (
    UNLOCKING,
    ProgramStart,
    check_protocol,
    conditions_changed,
    elections_in_force,
)
from hcip_pipeline.rules.protocols import RULES

EXAMPLE = Path(__file__).parents[2] / "docs" / "protocol_example.yaml"
PERIOD = PerformancePeriod(2025, 1)
POLICY = Policy(version="v1", base_year=2023)
MEETINGS = [dt.date(2025, 2, 3), dt.date(2025, 5, 5)]

Content = dict[str, Any]


@functools.cache
def read_example() -> Content:
    return load_yaml(EXAMPLE, "protocol")


@pytest.fixture
def example() -> Content:
    return copy.deepcopy(read_example())


def rules_broken(content: Content, period: PerformancePeriod = PERIOD, **given_: Any) -> list[str]:
    given_ = {"policy": POLICY, "met_on": MEETINGS} | given_
    return sorted(problem.rule for problem in check_protocol(Protocol.model_validate(content), period, **given_))


def test_the_documented_example_passes_with_no_finding() -> None:
    protocol = validate_yaml(Protocol, load_yaml(EXAMPLE, "protocol"), EXAMPLE, "protocol")
    assert check_protocol(protocol, PERIOD, POLICY, MEETINGS) == []
    assert protocol.total_weight == Decimal(100)


def test_the_catalog_has_table_2s_seven_categories() -> None:
    counts = Counter(intervention.category for intervention in CATALOG.values())
    assert list(counts) == list(CATEGORIES)
    # The source's table, plus one entry in each category for the hospital's own intervention.
    assert list(counts.values()) == [5, 3, 4, 4, 6, 5, 2]
    assert sum(intervention.is_own for intervention in CATALOG.values()) == 7


# Findings


def member(content: Content, name: str) -> Content:
    return next(m for m in content["oversight_committee"] if m["member"] == name)


def drop_member(name: str) -> Callable[[Content], None]:
    return lambda content: content["oversight_committee"].remove(member(content, name))


def put(*path: str | int, value: object) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        place: Any = content
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    ("change", "ids"),
    [
        (drop_member("Robin Castellano"), ["COMMITTEE-NO-CEO"]),
        (drop_member("Pat Lindqvist"), ["COMMITTEE-NO-CFO"]),
        (drop_member("Jo Whitfield"), ["COMMITTEE-NO-CONSUMER"]),
        (put("oversight_committee", 2, "role", value=None), ["COMMITTEE-NO-CMO"]),
        (drop_member("Kim Novak"), ["COMMITTEE-FEW-PHYSICIANS"]),
        (put("conditions_of_payment", 0, "weight", value=Decimal("25.000001")), ["WEIGHTS-NOT-100"]),
        (put("conditions_of_payment", 0, "weight", value=Decimal("24.99")), ["WEIGHTS-NOT-100"]),
        (put("conditions_of_payment", 0, "interventions", value=[]),
            ["CONDITION-NOT-TIED", "INTERVENTION-WITHOUT-CONDITION"]),
        (put("conditions_of_payment", 3, "interventions", value=["vaccination", "follow_up_appointment"]),
            ["CONDITION-NOT-TIED"]),
        (put("interventions", 1, "include", value=False), ["CONDITION-NOT-INCLUDED", "CONDITION-NOT-TIED"]),
        (put("hospital", "tin", value="123456"), ["TIN-NOT-NINE-DIGITS"]),
        (put("hospital", "tin", value=None), ["TIN-NOT-NINE-DIGITS"]),
        (put("hospital", "tin", value="52-0000001"), []),
        (put("approved_on", value=None), ["NOT-APPROVED"]),
        (put("approved_on", value=dt.date(2025, 1, 1)), ["APPROVED-AFTER-START"]),
        (put("approved_on", value=dt.date(2024, 12, 31)), []),
        (put("first_performance_period", value="2025H2"), ["NOT-STARTED"]),
        (put("first_performance_period", value="2025H1"), []),
        (put("key_personnel", value=[]), ["KEY-PERSONNEL-MISSING"]),
        (put("model_plan", "cms_data_use", value=" "), ["MODEL-PLAN-INCOMPLETE"]),
        (put("model_plan", "cms_data_use", value="word " * 201), ["MODEL-PLAN-TOO-LONG"]),
        (put("elections", value={"mpi_floor": 200, "mpi_ceiling": 100}), ["ELECTIONS-CONTRADICT"]),
        (put("elections", value={"mpi_floor": 3001}), ["ELECTIONS-CONTRADICT"]),
        (put("elections", value=None), []),
        (put("elections", value={"improvement_share": "1/2"}), []),
    ],
)  # fmt: skip
def test_each_rule_finds_its_breach_and_nothing_else(
    example: Content, change: Callable[[Content], None], ids: list[str]
) -> None:
    change(example)
    assert rules_broken(example) == ids


def test_no_intervention_included(example: Content) -> None:
    for chosen in example["interventions"]:
        chosen["include"] = False
    assert "NO-INTERVENTION" in rules_broken(example)


def test_no_conditions_do_not_total_100(example: Content) -> None:
    example["conditions_of_payment"] = []
    assert "WEIGHTS-NOT-100" in rules_broken(example)


def test_weights_in_thirds_total_100_only_when_they_do(example: Content) -> None:
    example["conditions_of_payment"].pop()
    for condition, weight in zip(example["conditions_of_payment"], ("33.34", "33.33", "33.33"), strict=True):
        condition["weight"] = Decimal(weight)
    assert "WEIGHTS-NOT-100" not in rules_broken(example)
    example["conditions_of_payment"][0]["weight"] = Decimal("33.33")
    assert "WEIGHTS-NOT-100" in rules_broken(example)


def test_the_sources_own_sample_earns_its_warnings(example: Content) -> None:
    """Six digits of TIN, and conditions of payment that are not among the included interventions."""
    example["hospital"]["tin"] = "123456"
    example["interventions"][3] |= {"include": False, "condition_of_payment": True}
    assert rules_broken(example) == ["CONDITION-NOT-INCLUDED", "CONDITION-NOT-TIED", "TIN-NOT-NINE-DIGITS"]
    assert {RULES[id_].severity for id_ in rules_broken(example)} == {"WARN"}


@pytest.mark.parametrize(
    ("frequency", "needed"), [("monthly", 6), ("bi-monthly", 3), ("quarterly", 2), ("bi-annually", 1)]
)
def test_the_committee_meets_as_often_as_its_protocol_requires(example: Content, frequency: str, needed: int) -> None:
    example["meeting_frequency"] = frequency
    days = [dt.date(2025, month, 1) for month in range(1, needed + 1)]
    assert rules_broken(example, met_on=days) == []
    assert rules_broken(example, met_on=days[1:]) == ["MEETINGS-TOO-FEW"]
    # The same day twice is one meeting, and a day outside the period does not count.
    assert rules_broken(example, met_on=[*days[1:], *days[1:], dt.date(2025, 7, 1)]) == ["MEETINGS-TOO-FEW"]
    assert rules_broken(example, met_on=None) == []


def test_a_member_is_a_physician_by_representation_or_by_degree(example: Content) -> None:
    member(example, "Kim Novak")["represents"] = "hospital"
    assert rules_broken(example) == []
    member(example, "Kim Novak")["credentials"] = "RN, MDiv"
    assert rules_broken(example) == ["COMMITTEE-FEW-PHYSICIANS"]
    member(example, "Kim Novak")["credentials"] = "FACP, M.D."
    assert rules_broken(example) == []


def test_the_first_performance_period_does_not_move(example: Content) -> None:
    changed = ProgramStart("2023H1", others=("2024H1",))
    assert rules_broken(example, start=changed) == ["FIRST-PERIOD-CHANGED"]
    settled = replace(changed, corrected="2024H1", filed_in="2025H1")
    assert rules_broken(example, start=settled) == []


def test_every_rule_has_a_severity_and_a_way_out() -> None:
    assert {rule.severity for rule in RULES.values()} == {"ERROR", "WARN"}
    assert all(rule.fix and rule.description for rule in RULES.values())
    assert {RULES[id_].severity for id_ in UNLOCKING} == {"ERROR"}


# Elections


def test_the_split_may_change_from_the_third_period_on(example: Content) -> None:
    example["elections"] = {"improvement_share": "1/2"}
    for first, number, is_in_force in (("2025H1", 1, False), ("2024H2", 2, False), ("2024H1", 3, True)):
        example["first_performance_period"] = first
        protocol = Protocol.model_validate(example)
        assert ProgramStart(first).period_number(PERIOD) == number
        elections, problems = elections_in_force(protocol, PERIOD, POLICY)
        assert ("improvement_share" in elections.model_fields_set) is is_in_force
        assert [problem.rule for problem in problems] == ([] if is_in_force else ["SPLIT-CHANGED-EARLY"])
        assert elections.over(POLICY).improvement_share == (Decimal("0.5") if is_in_force else Decimal("0.66666667"))


def test_the_split_depends_on_the_program_not_on_the_protocols_first_period(example: Content) -> None:
    example |= {"elections": {"improvement_share": "1/2"}, "first_performance_period": "2020H1"}
    _, problems = elections_in_force(Protocol.model_validate(example), PERIOD, POLICY, ProgramStart("2025H1"))
    assert [problem.rule for problem in problems] == ["SPLIT-CHANGED-EARLY"]


@pytest.mark.parametrize(("elected", "cap", "reported"), [(25, 20, ["CAP-ABOVE-POLICY"]), (20, 20, []), (5, 5, [])])
def test_the_smaller_of_two_caps_counts(example: Content, elected: int, cap: int, reported: list[str]) -> None:
    policy = POLICY.model_copy(update={"physician_cap_percent": Decimal(20)})
    example["elections"] = {"physician_cap_percent": elected}
    elections, problems = elections_in_force(Protocol.model_validate(example), PERIOD, policy)
    assert elections.over(policy).physician_cap_percent == cap
    assert [problem.rule for problem in problems] == reported


def test_electing_the_policys_own_split_is_no_change(example: Content) -> None:
    example |= {"elections": {"improvement_share": "2/3"}, "first_performance_period": "2025H1"}
    assert rules_broken(example) == []


def test_null_removes_a_bound_and_elects_nothing_else(example: Content) -> None:
    example["elections"] = {"mpi_floor": None, "mpi_ceiling": None, "improvement_share": None}
    elections, problems = elections_in_force(Protocol.model_validate(example), PERIOD, POLICY)
    effective = elections.over(POLICY)
    assert problems == []
    assert (effective.mpi_floor, effective.mpi_ceiling) == (None, None)
    assert effective.improvement_share == POLICY.improvement_share


def test_contradicting_elections_leave_the_policy_in_force(example: Content) -> None:
    example["elections"] = {"mpi_floor": 500, "mpi_ceiling": 400, "physician_cap_percent": 10}
    elections, _ = elections_in_force(Protocol.model_validate(example), PERIOD, POLICY)
    assert elections.over(POLICY) == POLICY


# Changes behind the committee's back


def test_changed_conditions_need_a_new_approval(example: Content) -> None:
    before = Protocol.model_validate(example)
    example["conditions_of_payment"][0]["weight"] = 20
    example["conditions_of_payment"][1]["weight"] = 30
    after = Protocol.model_validate(example)
    assert [problem.rule for problem in conditions_changed(after, before)] == ["CONDITIONS-CHANGED"]
    example["approved_on"] = dt.date(2024, 12, 20)
    assert conditions_changed(Protocol.model_validate(example), before) == []


def test_other_words_for_the_same_conditions_are_no_change(example: Content) -> None:
    before = Protocol.model_validate(example)
    example["conditions_of_payment"][0]["description"] = "Fewer complications"
    example["conditions_of_payment"].reverse()
    assert conditions_changed(Protocol.model_validate(example), before) == []


# The calendar of a hospital


@given(st.integers(2020, 2030), st.sampled_from([1, 2]), st.integers(0, 20))
def test_a_program_year_has_two_periods(year: int, half: int, steps: int) -> None:
    first = period = PerformancePeriod(year, half)
    for _ in range(steps):
        period = period.next()
    assert period_number(first, period) == steps + 1
    assert program_year(first, period) == steps // 2 + 1


def test_there_is_no_program_year_before_the_first_period() -> None:
    first, before = PerformancePeriod(2024, 1), PerformancePeriod(2023, 2)
    assert (period_number(first, before), program_year(first, before)) == (0, None)


# What a file may contain


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("meeting_frequency", value="weekly"), "meeting_frequency"),
        (put("meeting_frequencies", value="weekly"), "meeting_frequencies: unknown key"),
        (put("hospital", "ccn", value=210043), "write it in quotes"),
        (put("hospital", "tin", value=520000001), "write it in quotes"),
        (put("hospital", "ccn", value="21-0043"), "hospital.ccn"),
        (put("hospital", "contact", value=None), "hospital.contact"),
        (put("approved_on", value=20241212), "not a date"),
        (put("approved_on", value="12/12/2024"), "approved_on"),
        (put("first_performance_period", value="2025H3"), "not a performance period"),
        (put("interventions", 0, "id", value="handwashing"), "not in the catalog"),
        (put("interventions", 0, "include", value="perhaps"), "interventions.0.include"),
        (put("interventions", 1, "id", value="readmission_risk_transition"), "appears twice"),
        (put("conditions_of_payment", 1, "id", value="complications"), "appears twice"),
        (put("conditions_of_payment", 0, "interventions", value=["handwashing"]), "not in the catalog"),
        (put("conditions_of_payment", 0, "weight", value=0), "greater than 0"),
        (put("conditions_of_payment", 0, "weight", value=101), "less than or equal to 100"),
        (put("conditions_of_payment", 0, "weight", value="1/3"), "6 decimal places"),
        (put("conditions_of_payment", 0, "weight", value="25%"), "weight"),
        (put("conditions_of_payment", 0, "weight", value=True), "needs a number"),
        (put("conditions_of_payment", 0, "weight", value="NaN"), "is not a number"),
        (put("elections", value={"physician_cap_percent": 26}), "less than or equal to 25"),
        (put("elections", value={"mpi_floor": -1}), "greater than or equal to 0"),
        (put("elections", value={"improvement_share": 1.5}), "less than or equal to 1"),
        (put("elections", value={"base_year": 2020}), "elections.base_year: unknown key"),
        (put("oversight_committee", 0, "represents", value="shareholders"), "represents"),
        (put("oversight_committee", 0, "role", value="COO"), "role"),
        (put("oversight_committee", 1, "member", value="Robin Castellano"), "appears twice"),
        (put("key_personnel", 0, "percent_of_time", value=125), "percent_of_time"),
        (put("model_plan", "budget", value="x"), "unknown budget"),
    ],
)  # fmt: skip
def test_an_impossible_value_is_refused_with_its_key(
    example: Content, change: Callable[[Content], None], message: str
) -> None:
    change(example)
    with pytest.raises(HcipError) as caught:
        validate_yaml(Protocol, example, EXAMPLE, "protocol")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "key", ["hospital", "oversight_committee", "meeting_frequency", "interventions", "conditions_of_payment",
            "first_performance_period"]
)  # fmt: skip
def test_a_section_that_is_missing_is_named(example: Content, key: str) -> None:
    del example[key]
    with pytest.raises(HcipError, match=f"{key}: missing"):
        validate_yaml(Protocol, example, EXAMPLE, "protocol")


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.decimals(allow_nan=True),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(Protocol.model_fields)), JUNK)
def test_no_value_of_any_section_crashes(key: str, junk: object) -> None:
    content = read_example() | {key: junk}
    try:
        protocol = Protocol.model_validate(content)
    except ValidationError:
        return
    check_protocol(protocol, PERIOD, POLICY, MEETINGS)
