"""The causes that a restatement goes through, their order, and what each replaces (no build is made here)."""

from __future__ import annotations

import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import PolicyFile
from hcip_pipeline.policy.model import Policy
from hcip_pipeline.settlement import restatement
from hcip_pipeline.settlement.kept_sources import Known, kept_file

WAS = PolicyFile(Policy(version="was", base_year=2024), "", "", Path())
BECOMES = PolicyFile(Policy(version="becomes", base_year=2024), "", "", Path())
#: one table of each cause, in the order of the causes
ONE_OF_EACH = {
    "discharges": "charges",
    "cms_adjustments": "cclf5",
    "reference_rates": "per_diem",
    "policy": "frozen_norms",
    "program_files": "care_partners",
    "earlier_releases": "earlier_incentives",
}


def steps(
    monkeypatch: pytest.MonkeyPatch,
    changed: set[str],
    *,
    policy: PolicyFile = WAS,
    attribution: bool = False,
    program: str = "same",
) -> list[tuple[str, dict[str, Any], PolicyFile]]:
    """(cause, sources that differ from the previous release's, policy) of each step."""
    before = dict.fromkeys(("discharges", *ONE_OF_EACH.values()), ("old",))
    now = {name: ("new",) if name in changed else files for name, files in before.items()}
    home = Home(Path("home"))
    monkeypatch.setattr(restatement, "keep", lambda *_: now)
    monkeypatch.setattr(restatement, "project_digest", lambda: "same")
    old = [kept_file(home, "old")]
    monkeypatch.setattr(restatement, "sources_of", lambda *_: dict.fromkeys(before, old))
    monkeypatch.setattr(restatement, "spec_of", lambda _, sources, chosen=WAS: (sources, chosen))
    known = Known(PerformancePeriod(2025, 1), WAS, program, before)
    physicians: Any = SimpleNamespace(has_changed=attribution, with_earlier_physicians=[Path("earlier physicians")])
    found: Any = restatement._steps(home, known, policy, None, physicians)  # type: ignore[arg-type]
    return [
        (step.cause, {name: files for name, files in step.spec[0].items() if files != old}, step.spec[1])
        for step in found
    ]


def test_nothing_changed_has_no_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    assert steps(monkeypatch, set()) == []


@pytest.mark.parametrize(("cause", "table"), ONE_OF_EACH.items())
def test_a_changed_table_has_its_cause(monkeypatch: pytest.MonkeyPatch, cause: str, table: str) -> None:
    ((reported, replaced, _),) = steps(monkeypatch, {table})
    assert (reported, list(replaced)) == (cause, [table])


def test_causes_add_up_step_by_step_to_the_new_sources(monkeypatch: pytest.MonkeyPatch) -> None:
    everything = {"discharges", *ONE_OF_EACH.values()}
    found = steps(monkeypatch, everything, policy=BECOMES, attribution=True, program="older")
    assert [cause for cause, *_ in found] == [
        "program_version", "discharges", "cms_adjustments", "reference_rates", "policy", "attribution",
        "program_files", "earlier_releases",
    ]  # fmt: skip
    assert found[0][1] == {}, "only the program changes"
    assert found[1][1]["discharges"] == [Path("earlier physicians")]
    assert found[5][1]["discharges"] == [kept_file(Home(Path("home")), "new")]
    assert [policy for *_, policy in found] == [WAS] * 4 + [BECOMES] * 4
    for (_, earlier, _), (_, later, _) in itertools.pairwise(found):
        assert earlier.keys() <= later.keys(), "replaced sources stay replaced"
    assert found[-1][1] == {name: [kept_file(Home(Path("home")), "new")] for name in everything}


def test_another_policy_alone_is_a_cause(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [(cause, replaced) for cause, replaced, _ in steps(monkeypatch, set(), policy=BECOMES)] == [("policy", {})]
