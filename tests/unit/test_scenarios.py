"""A file of scenarios: the parameters it may change, and errors for the others."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.policy.model import Elections, Policy
from hcip_pipeline.simulation.scenarios import AS_IS, read_scenarios

POLICY = Policy(version="v", base_year=2023)


def read(tmp_path: Path, text: str) -> dict[str, Policy]:
    path = tmp_path / "scenarios.yaml"
    path.write_text(text, encoding="utf-8")
    return {scenario.name: scenario.policy for scenario in read_scenarios(path, POLICY)}


def test_the_release_comes_first_and_the_others_in_their_order(tmp_path: Path) -> None:
    found = read(tmp_path, "b: {incentive_rate: 0.2}\nas is:\na: {improvement_share: 1/2, mpi_floor: null}\n")
    assert list(found) == [AS_IS, "b", "a"]
    assert found[AS_IS] == POLICY
    assert found["b"] == POLICY.model_copy(update={"incentive_rate": Decimal("0.2")})
    assert (found["a"].improvement_share, found["a"].mpi_floor) == (Decimal("0.5"), None)


@pytest.mark.parametrize(
    ("text", "stated"),
    [
        ("x: {incentive_rate: 2}", "incentive_rate"),
        ("x: {incentiv_rate: 0.2}", "changes incentiv_rate, which a simulation cannot change"),
        ("x: {base_year: 2022}", "changes base_year, which a simulation cannot change"),
        ("x: {mpi_floor: 500, mpi_ceiling: 400}", "mpi_floor is above mpi_ceiling"),
        ("x: twice", "not a mapping of policy keys"),
        ("as is: {incentive_rate: 0.2}", "is the release itself"),
        ("- a\n- b", "a mapping of keys to values is expected"),
    ],
)
def test_a_faulty_scenario_is_reported(tmp_path: Path, text: str, stated: str) -> None:
    with pytest.raises(HcipError, match=stated):
        read(tmp_path, text)


def test_a_scenario_overrides_only_the_elections_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "scenarios.yaml"
    path.write_text("x: {improvement_share: 1/2}\ny: {improvement_share: 1/2, keep_elections: true}\n")
    elected = {"210001": Elections(improvement_share=Decimal("0.6"), mpi_floor=None)}
    _, named, kept = read_scenarios(path, POLICY)
    assert named.elections(elected) == {"210001": Elections(mpi_floor=None)}
    assert named.elections(elected)["210001"].model_fields_set == {"mpi_floor"}
    assert kept.elections(elected) == elected
