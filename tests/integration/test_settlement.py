"""A half-year end to end, from an inbox to a release, and the errors for a faulty inbox."""

from __future__ import annotations

import csv
import hashlib
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from hcip_pipeline.assets.execution import settle
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.release.explained_release import explain
from hcip_pipeline.release.reading import released_frame, releases_of
from hcip_pipeline.release.verification import verify_release
from hcip_pipeline.warehouse.build import compute_builds_with
from tests.rendered_builds import build_by_rendering
from tests.settled_home import PERIOD, SettledHome

pytestmark = pytest.mark.slow

#: DuckDB threads, compared with those of the settled home; HCIP_SHUFFLES="1 2 8" tries more
THREADS = [int(number) for number in os.environ.get("HCIP_SHUFFLES", "8").split()]


def rewrite(path: Path, change: Callable[[list[list[str]]], list[list[str]]]) -> None:
    """Change a CSV file, after breaking the hard link to the original."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    path.unlink()
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(change(rows))


def replace_text(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.unlink()
    path.write_text(text.replace(old, new), encoding="utf-8")


def submissions(home: Home, quarter: str) -> list[Path]:
    return sorted((home.inbox / "hospital" / quarter).iterdir())


def forget(home: Home, quarter: str) -> None:
    """Delete a quarter from the lake, so that it is accepted again."""
    for folder in (home.lake / "hospital").glob(f"*/quarter={quarter}"):
        shutil.rmtree(folder)


def data_files(folder: Path) -> dict[str, str]:
    """Every table, page and workbook of a release with its hash, except those that show hashes of inputs."""
    of_inputs = {"datapackage.json", "keep_this.txt", "audit_report.html"}
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in of_inputs
    }


def test_the_release_has_every_table(settled_home: SettledHome) -> None:
    home, release = settled_home.home, settled_home.release
    assert release.is_new
    assert release.folder == home.releases / "2025H1" / "r1"
    for table in ("incentives", "incentive_cases", "norms", "exclusions", "conservation", "savings"):
        frame = released_frame(release.folder, table)
        assert frame.height > 0, table
    norms = released_frame(release.folder, "norms")
    assert set(norms["norm_method"]) == {"physician_percentile", "case_percentile", "mean_below_threshold"}
    assert (norms["cases"] >= 20).all()


def test_small_cells_are_counted_as_no_norm(settled_home: SettledHome) -> None:
    exclusions = released_frame(settled_home.release.folder, "exclusions")
    none = exclusions.filter((pl.col("exclusion_reason") == "NO_NORM") & (pl.col("window_name") == "performance"))
    ledger = released_frame(settled_home.release.folder, "conservation").filter(
        (pl.col("stage") == "5 norms") & (pl.col("window_name") == "performance")
    )
    assert none["cases"].sum() == ledger["cases_excluded"].sum() > 0


def test_cases_and_cents_are_conserved(settled_home: SettledHome) -> None:
    ledger = released_frame(settled_home.release.folder, "conservation")
    assert (ledger["cases_in"] == ledger["cases_kept"] + ledger["cases_excluded"]).all()
    assert (ledger["amount_in"] == ledger["amount_kept"] + ledger["amount_excluded"]).all()
    assert ledger["stage"].n_unique() == 8


def test_the_release_is_recomputed_from_its_own_files(settled_home: SettledHome) -> None:
    report = verify_release(settled_home.release.folder)
    assert report.ok, report.text()


def test_a_payment_is_explained_down_to_the_source_lines_of_its_cases(settled_home: SettledHome) -> None:
    home, release = settled_home.home, settled_home.release
    paid = released_frame(release.folder, "incentives").sort("surgical_cases", "medical_cases").row(-1, named=True)
    payment = explain(home, PERIOD, paid["npi"], paid["hospital_ccn"])
    cases = [case for cell in payment.cells for case in cell.cases]
    assert len(cases) == paid["surgical_cases"] + paid["medical_cases"]
    with (release.folder / payment.case_file).open(encoding="utf-8", newline="") as file:
        released = list(csv.DictReader(file))
    for case in cases:
        assert case.source is not None
        account = released[case.row - 2]["account_no"]
        for name, row in ((case.source.file, case.source.row), (case.source.charge_file, case.source.first_charge_row)):
            with (home.inbox / name).open(encoding="utf-8", newline="") as file:
                sent = list(csv.DictReader(file))
            assert row is not None
            assert sent[row - 2]["account_no"] == account
            own = [number for number, line in enumerate(sent, start=2) if line["account_no"] == account]
        assert (len(own), own[-1]) == (case.source.charge_lines, case.source.last_charge_row)


def test_a_stock_reader_validates_the_package(settled_home: SettledHome) -> None:
    from frictionless import Package

    report = Package(str(settled_home.release.folder / "datapackage.json")).validate()
    assert report.valid, report.to_summary()


@pytest.mark.parametrize("threads", THREADS)
def test_shuffled_rows_and_other_threads_give_the_same_bytes(
    settled_home: SettledHome, editable_home: Home, threads: int
) -> None:
    rng = random.Random(threads)

    def shuffled(rows: list[list[str]]) -> list[list[str]]:
        return [rows[0], *rng.sample(rows[1:], len(rows) - 1)]

    shutil.rmtree(editable_home.lake)
    for path in (editable_home.inbox / "hospital").rglob("*.csv"):
        rewrite(path, shuffled)
    with compute_builds_with(build_by_rendering):  # its SQL is the same as dbt's, which made the files for comparison
        release = settle(editable_home, PERIOD, threads=threads)
    assert data_files(release.folder) == data_files(settled_home.release.folder)


def refused(home: Home) -> str:
    with pytest.raises(HcipError) as error:
        settle(home, PERIOD)
    assert not releases_of(home, PERIOD)
    return str(error.value)


def test_a_home_without_a_policy_is_refused(tmp_path: Path) -> None:
    assert "there is no policy here" in refused(Home(tmp_path))


def test_a_misspelled_key_of_the_policy_is_refused(editable_home: Home) -> None:
    replace_text(editable_home.policy, "base_year", "base_yaer")
    message = refused(editable_home)
    assert "base_yaer: unknown key" in message
    assert "base_year: missing" in message


def test_a_base_year_without_data_is_refused(editable_home: Home) -> None:
    replace_text(editable_home.policy, "base_year: 2024", "base_year: 2020")
    assert "base year 2020" in refused(editable_home)


def test_a_header_only_submission_stops_the_period(editable_home: Home) -> None:
    forget(editable_home, "2025Q2")
    victim = submissions(editable_home, "2025Q2")[0]
    rewrite(victim / "discharges.csv", lambda rows: rows[:1])
    message = refused(editable_home)
    assert f"{victim.name}: 2025Q2" in message
    assert "hcip check" in message


def test_a_missing_column_stops_the_period(editable_home: Home) -> None:
    forget(editable_home, "2025Q1")
    victim = submissions(editable_home, "2025Q1")[1]

    def without_severity(rows: list[list[str]]) -> list[list[str]]:
        at = rows[0].index("severity_of_illness")
        return [row[:at] + row[at + 1 :] for row in rows]

    rewrite(victim / "discharges.csv", without_severity)
    assert f"{victim.name}: 2025Q1" in refused(editable_home)


def test_an_incomplete_period_continues_where_the_policy_allows_it(editable_home: Home) -> None:
    forget(editable_home, "2025Q2")
    victim = submissions(editable_home, "2025Q2")[0]
    shutil.rmtree(victim)
    assert f"{victim.name}: 2025Q2" in refused(editable_home)
    replace_text(editable_home.policy, "require_complete: hospitals", "require_complete: none")
    with compute_builds_with(build_by_rendering):
        assert settle(editable_home, PERIOD).is_new


def test_a_hospital_without_a_cost_factor_is_refused(editable_home: Home) -> None:
    shutil.rmtree(editable_home.lake)
    victim = submissions(editable_home, "2025Q1")[0].name
    rewrite(
        editable_home.inbox / "reference" / "cost_factors.csv",
        lambda rows: [rows[0], *(row for row in rows[1:] if row[rows[0].index("hospital_ccn")] != victim)],
    )
    assert victim in refused(editable_home)


def test_a_missing_list_of_care_partners_is_refused(editable_home: Home) -> None:
    (editable_home.inbox / "program" / "2025H1" / "care_partners.csv").unlink()
    shutil.rmtree(editable_home.lake / "program")
    assert "care_partners" in refused(editable_home)
