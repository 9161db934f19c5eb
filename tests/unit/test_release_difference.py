"""`hcip diff`: each figure has its own count of changes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.release import difference as module
from hcip_pipeline.release.difference import difference, lines

D = Decimal
PAYMENT = {"hospital_ccn": "210001", "name": "A", "calculated_incentive": D("100.00"), "final_incentive": D("80.00")}
SAVINGS = {"hospital_ccn": "210001", "scope": "all", "internal_savings": D("5.00"), "potential_savings": D("9.00")}


def releases(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tables: dict[int, dict[str, pl.DataFrame]]
) -> tuple[Path, Path]:
    """Two releases with these tables."""
    for number in tables:
        (folder / "2025H1" / f"r{number}").mkdir(parents=True)
        (folder / "2025H1" / f"r{number}" / "datapackage.json").write_text("{}")
    empty = pl.DataFrame(schema=["hospital_ccn", "npi", "cause", "payable_difference"])
    monkeypatch.setattr(
        module.ReleaseFiles, "table", lambda self, name: tables[self.number].get(name, empty), raising=True
    )
    return folder / "2025H1" / "r1", folder / "2025H1" / "r2"


def tables(*payments: dict[str, object], **savings: object) -> dict[str, pl.DataFrame]:
    rows = [PAYMENT | {"npi": str(number), "status": "PAYABLE"} | each for number, each in enumerate(payments)]
    return {"incentives": pl.DataFrame(rows), "savings": pl.DataFrame([SAVINGS | savings])}


def test_calculated_may_change_while_every_payment_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """All payments are at their caps: nobody is paid a different amount, yet the releases differ."""
    before = tables({}, {})
    after = tables({"calculated_incentive": D("2394.21")}, {})
    compared = difference(*releases(monkeypatch, tmp_path, {1: before, 2: after}))
    assert {name: (m.changed, m.difference) for name, m in compared.moved.items()} == {
        "calculated": (1, D("2294.21")),
        "final": (0, D(0)),
        "payable": (0, D(0)),
        "internal savings": (0, D(0)),
        "potential savings": (0, D(0)),
    }
    text = "\n".join(lines(compared))
    assert "no payment" not in text and "+2,294.21" in text


def test_a_hold_changes_only_the_payable_amount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    after = tables({"status": "HELD"}, {"status": "ZERO", "final_incentive": D(0)}, {"calculated_incentive": D("1.00")})
    compared = difference(*releases(monkeypatch, tmp_path, {1: tables({}, {}, {}), 2: after}))
    changed = {name: moved.changed for name, moved in compared.moved.items()}
    assert changed == {"calculated": 1, "final": 1, "payable": 2, "internal savings": 0, "potential savings": 0}


def test_savings_are_summed_over_all_physicians(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Participating physicians are part of all: their savings are listed, and not added a second time."""
    both = [SAVINGS, SAVINGS | {"scope": "participating"}]
    changed = [each | {"internal_savings": each["internal_savings"] + D("1.00")} for each in both]
    before, after = tables({}), tables({})
    before["savings"], after["savings"] = pl.DataFrame(both), pl.DataFrame(changed)
    compared = difference(*releases(monkeypatch, tmp_path, {1: before, 2: after}))
    assert (compared.moved["internal savings"].changed, compared.moved["internal savings"].difference) == (1, D(1))
    assert {each.scope for each in compared.savings} == {"all", "participating"}


def test_only_savings_may_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    compared = difference(*releases(monkeypatch, tmp_path, {1: tables({}), 2: tables({}, internal_savings=D("-2.00"))}))
    assert (compared.moved["internal savings"].changed, compared.moved["internal savings"].difference) == (1, D(-7))
    text = "\n".join(lines(compared))
    assert "no payment changed" in text and "-7.00" in text
    same = difference(*releases(monkeypatch, tmp_path / "same", {1: tables({}), 2: tables({})}))
    assert lines(same) == ["2025H1: r1 → r2: no payment and no savings changed"]
