"""The policy file (methodology §13): defaults, bounds, and refusals."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

from hcip_pipeline.errors import HcipError
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.policy.model import Elections, Policy

BARE = "version: '1'\nbase_year: 2023\n"


def write(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_defaults_are_those_of_the_methodology(tmp_path: Path) -> None:
    policy = load_policy(write(tmp_path, BARE)).policy
    assert policy.norm_method == "physician_percentile"
    assert policy.improvement_share == Decimal("0.66666667")
    assert (policy.mpi_floor, policy.mpi_ceiling) == (Decimal(100), Decimal(3000))
    assert (policy.min_cases_per_physician, policy.min_physicians_per_cell, policy.min_cases_per_cell) == (2, 5, 20)
    assert "HOSPICE" not in policy.exclusions
    assert "COST_OUTLIER" in policy.exclusions
    assert policy.require_complete == "hospitals"


def test_there_is_no_default_base_year(tmp_path: Path) -> None:
    with pytest.raises(HcipError, match="base_year: missing"):
        load_policy(write(tmp_path, "version: '1'\n"))


@pytest.mark.parametrize(
    ("line", "stated"),
    [
        ("norm_methd: case_percentile", "norm_methd: unknown key"),
        ("norm_method: median", "norm_method"),
        ("incentive_rate: 1.01", "incentive_rate"),
        ("improvement_share: -1/3", "improvement_share"),
        ("improvement_share: 2/0", "improvement_share"),
        ("outlier_sd: 0", "outlier_sd"),
        ("outlier_sd: 2.125", "outlier_sd"),
        ("physician_cap_percent: 26", "physician_cap_percent"),
        ("mpi_floor: 4000", "mpi_floor is above mpi_ceiling"),
        ("mpi_floor: 100.005", "mpi_floor"),
        ("exclusions: [NEWBORN, NEWBORNS]", "NEWBORNS"),
        ("min_cases_per_cell: 0", "min_cases_per_cell"),
        ("performance_exponent: 0", "performance_exponent"),
        ("best_practice_percentile: 0.123456789", "best_practice_percentile"),
        ("base_year: 2024", "appears twice"),
        ("require_complete: yes", "require_complete"),
        ("small_cell_threshold: .nan", "not valid YAML"),
        ("incentive_rate: true", "incentive_rate"),
    ],
)
def test_an_error_names_the_key(tmp_path: Path, line: str, stated: str) -> None:
    with pytest.raises(HcipError) as refused:
        load_policy(write(tmp_path, BARE + line + "\n"))
    assert stated in str(refused.value)
    assert "policy.yaml" in str(refused.value)


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "a: [", "\x00", "just text"])
def test_a_file_that_is_not_a_policy_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(HcipError):
        load_policy(write(tmp_path, text))


def test_a_policy_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_bytes(b"version: caf\xe9\nbase_year: 2023\n")
    with pytest.raises(HcipError, match="UTF-8"):
        load_policy(path)


def test_numbers_are_read_exactly(tmp_path: Path) -> None:
    policy = load_policy(
        write(tmp_path, BARE + "incentive_rate: 0.1\nimprovement_share: 2/3\noutlier_sd: 2.5\n")
    ).policy
    assert policy.incentive_rate == Decimal("0.1")
    assert policy.improvement_share == Decimal("0.66666667")
    assert policy.outlier_sd == Decimal("2.5")


def test_exclusions_keep_the_order_of_the_methodology(tmp_path: Path) -> None:
    policy = load_policy(write(tmp_path, BARE + "exclusions: [DIED, NEWBORN]\n")).policy
    assert policy.exclusions == ("NEWBORN", "DIED")


def test_elections_override_within_bounds() -> None:
    policy = Policy(version="1", base_year=2023)
    assert Elections().over(policy) == policy
    elected = Elections(mpi_ceiling=None, improvement_share="1/3", physician_cap_percent=20).over(policy)
    assert elected.mpi_ceiling is None
    assert elected.mpi_floor == Decimal(100)
    assert elected.improvement_share == Decimal("0.33333333")
    assert elected.physician_cap_percent == 20
    with pytest.raises(ValueError, match="less than or equal to 25"):
        Elections(physician_cap_percent=26)


@pytest.mark.parametrize(
    ("line", "row", "reported"),
    [
        ("a: !!timestamp x", 4, "'x' is not a date"),
        ("a: !!bool x", 4, "'x' is not true or false"),
        ("a: !!int x", 4, "'x' is not a whole number"),
        ("a: !!float snan", 4, "'snan' is not a number"),
        ("a: 1e999999999", None, "unknown key"),
        ("a: 1.0e+999999999", 4, "is not a number"),
        ("? [a, b]\n: 1", 4, "a key is a list or a mapping"),
        ("? {a: b}\n: 1", 4, "a key is a list or a mapping"),
        ("a: !!python/name:os.system", 4, "could not determine a constructor"),
        ("a: \x01", 4, "control character"),
        ("a: &a [*a]", None, "unknown key"),
        ("mpi_ceiling: 1.0e+30", None, "mpi_ceiling"),
        ("retention_years: 8000", None, "retention_years"),
        ("incentive_rate: '٠.٥'", None, "incentive_rate"),
        ("improvement_share: '٢/٣'", None, "improvement_share"),
    ],
)
def test_invalid_yaml_is_reported_by_line(tmp_path: Path, line: str, row: int | None, reported: str) -> None:
    path = write(tmp_path, "version: '1'\n\nbase_year: 2023\n" + line + "\n")
    with pytest.raises(HcipError, match=re.escape(reported)) as caught:
        load_policy(path)
    assert caught.value.row == row and caught.value.fix and "\n" not in caught.value.message
