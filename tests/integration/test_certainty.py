"""How certain payments are: draws equal what the models compute, are released, and change no payment."""

from __future__ import annotations

import json
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import dagster as dg
import duckdb
import numpy as np
import openpyxl
import polars as pl
import pytest

from hcip_pipeline import cli
from hcip_pipeline.assets.assembly import build_defs
from hcip_pipeline.assets.certainty import AS_RELEASED, CERTAINTY, READINGS
from hcip_pipeline.certainty.assessment import assess, own_tables
from hcip_pipeline.certainty.attribution import TARGETS, other_readings, reading_rows
from hcip_pipeline.certainty.cases import PARTNER, in_cents, released_cases
from hcip_pipeline.certainty.draws import as_released, draw
from hcip_pipeline.certainty.ranges import STATE
from hcip_pipeline.contracts import certainty
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.policy.loader import load_policy
from hcip_pipeline.publishing.content import Content
from hcip_pipeline.publishing.files import write_files
from hcip_pipeline.release.reading import ReleaseFiles
from hcip_pipeline.reports import words
from hcip_pipeline.reports.certainty import compared
from hcip_pipeline.settlement.build_record import current_build
from hcip_pipeline.simulation.released_build import ReleasedBuild, open_build
from hcip_pipeline.warehouse.project import manifest_path
from tests import replicates_by_models as by_models
from tests.settled_home import PERIOD, REPLICATES, SettledHome

pytestmark = pytest.mark.slow

TABLES = {table.name: folder for folder, tables in certainty.TABLES.items() for table in tables}
del TABLES["grouper_cells"]  # there is no grouper bridge


@pytest.fixture(scope="module")
def opened(settled_home: SettledHome) -> Iterator[ReleasedBuild]:
    with open_build(settled_home.home, PERIOD, [by_models.TARGET, *TARGETS], None, lambda _: None) as released:
        yield released


@pytest.fixture(scope="module")
def files(settled_home: SettledHome) -> ReleaseFiles:
    return ReleaseFiles.at(settled_home.release.folder)


def test_draws_equal_what_the_models_compute_from_the_drawn_cases(opened: ReleasedBuild, files: ReleaseFiles) -> None:
    cases = released_cases(files.table, opened.policy)
    released = files.table("incentives").sort(PARTNER)
    assert np.array_equal(as_released(cases, opened.policy), in_cents(released["calculated_incentive"]))
    drawn = draw(cases, opened.policy, 3)
    by_models.prepare(opened.bench)
    for compute, found in ((by_models.shuffled, drawn.shuffled), (by_models.resampled, drawn.resampled)):
        expected = compute(opened.bench, opened.spec, 3)
        assert np.array_equal(in_cents(expected["calculated_incentive"]), found.ravel())
        assert len(np.unique(found.sum(axis=1))) == 3


def test_the_release_has_every_table_and_the_command_computes_the_same(
    settled_home: SettledHome, files: ReleaseFiles, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = ["--home", str(settled_home.home.root)]
    cli.main(["certainty", str(PERIOD), *home, "--out", str(tmp_path / "a"), "--json"])
    shown = json.loads(capsys.readouterr().out)
    cli.main(["certainty", str(PERIOD), *home, "--out", str(tmp_path / "b"), "--threads", "1"])
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()
    assert {path.stem for path in (tmp_path / "a").iterdir()} == set(TABLES)
    assert shown["replicates"] == REPLICATES and not shown["warnings"]
    computed = assess(settled_home.home, PERIOD).tables
    for name, folder in TABLES.items():
        released = files.table(name, folder=folder)
        mine = computed[name]
        key = [
            column for column in released.columns if column in ("hospital_ccn", "npi", "reading", "stream", "measure")
        ]
        if name == "certainty_streams":  # the released table has a column for hidden counts
            released, mine = released.drop("suppressed"), mine.filter(pl.lit(True))
        if name == "physician_figures":
            key = ["stream", "physician_number"]
        if name == "grouper_cases":
            key = ["window_name", "grouper_version"]
        assert released.sort(key).equals(mine.select(released.columns).sort(key)), name


def test_the_state_is_the_sum_of_hospitals(files: ReleaseFiles) -> None:
    for name in ("certainty_hospitals", "certainty_readings"):
        table = files.table(name, folder="regulator")
        of_state = pl.col("hospital_ccn") == STATE
        columns = ["care_partners", "calculated_incentive"]
        columns += (
            ["above_chance"] if name == "certainty_hospitals" else ["calculated_then", "dollars_moved", "now_paid"]
        )
        for _, own in table.group_by("reading") if "reading" in table.columns else [((), table)]:
            for column in columns:
                assert own.filter(of_state)[column].item() == own.filter(~of_state)[column].sum(), (name, column)


def test_other_readings_keep_every_case(opened: ReleasedBuild, settled_home: SettledHome) -> None:
    found = other_readings(settled_home.home, opened)
    count = "select count(*) from {}"
    place = opened.bench.place("intermediate", "int_windowed_cases")
    before, after = (
        opened.bench.connection.execute(count.format(each)).fetchone()
        for each in ("hcip.intermediate.int_windowed_cases", place)
    )
    assert before == after
    moved = dict(
        reading_rows(found.partners).filter(pl.col("hospital_ccn") == STATE).select("reading", "dollars_moved").rows()
    )
    assert moved["attending"] > 0 and moved["undisputed"] > 0
    undisputed = found.partners.filter(pl.col("reading") == "undisputed")
    assert (undisputed["cases_gained"] == 0).all() and undisputed["cases_lost"].sum() > 0
    assert (
        found.partners["cases_then"]
        == pl.select(
            found.partners["cases"] + found.partners["cases_gained"] - found.partners["cases_lost"]
        ).to_series()
    ).all()
    attending = found.partners.filter(pl.col("reading") == "attending")
    assert attending["cases_gained"].sum() > 0 and attending["cases_lost"].sum() > 0


def test_physician_pages_show_ranges_and_what_chance_explains(files: ReleaseFiles) -> None:
    ranges = files.table("payment_ranges").to_dicts()
    shown = 0
    for row in ranges:
        page = files.folder / "reports" / row["hospital_ccn"] / "physicians" / f"{row['npi']}.html"
        text = page.read_text(encoding="utf-8")
        is_tested = compared(row) != "untested"
        names = ("interval_low", "interval_high", *(("chance_mean",) if is_tested else ()))
        has = "With these cases, " in text
        assert has == bool(row["interval_high"] or row["chance_high"] or row["calculated_incentive"])
        assert ("by chance alone, a typical physician would have earned" in text) == (has and is_tested)
        assert ("Chance cannot be tested" in text) == (has and not is_tested)
        shown += has
        assert not has or all(words.money(row[name]) in text for name in names)
        assert "chance" not in text.partition('id="sure"')[2].lower(), "the other question uses another word"
    assert 10 < shown < len(ranges)
    state, *_ = (row for row in files.table("certainty_hospitals").to_dicts() if row["hospital_ccn"] == STATE)
    for page in (files.folder / "audit" / "statewide.html", *files.folder.glob("reports/*/oversight.html")):
        text = page.read_text(encoding="utf-8")
        assert "How certain these payments are" in text and "Another responsible physician" in text
        assert "below chance" not in text and "within chance" not in text
        assert (words.money(state["chance_mean"]) in text) == (page.name == "statewide.html"), "a hospital sees its own"


def test_the_workbook_has_the_pages_figures(files: ReleaseFiles) -> None:
    ranges, partners = files.table("payment_ranges"), files.table("attribution")
    reliability = files.table("reliability")
    for (ccn,), own in ranges.group_by("hospital_ccn"):
        book = openpyxl.load_workbook(files.folder / "reports" / str(ccn) / "oversight.xlsx", read_only=True)
        head, *rows = list(book["Certainty"].iter_rows(min_row=4, values_only=True))
        assert head[:3] == ("NPI", "Care partner", "Calculated") and len(rows) == own.height
        found = [(row[0], *(Decimal(str(value)).quantize(Decimal("0.01")) for value in row[2:8])) for row in rows]
        assert (
            found
            == own.sort("npi")
            .select(
                "npi",
                "calculated_incentive",
                "interval_low",
                "interval_high",
                "chance_mean",
                "chance_low",
                "chance_high",
            )
            .rows()
        )
        at = head.index("Surgical: reliability of days")
        surgical = reliability.filter(
            (pl.col("hospital_ccn") == ccn) & (pl.col("stream") == "surgical") & (pl.col("measure") == "days")
        )
        known = {row[0]: Decimal(str(row[at])).quantize(Decimal("0.0001")) for row in rows if row[at] is not None}
        expected = dict(surgical.select("npi", "reliability").rows())
        assert known == {npi: value.quantize(Decimal("0.0001")) for npi, value in expected.items()} and known
        _, *readings = list(book["Other readings"].iter_rows(min_row=4, values_only=True))
        moved = partners.filter(pl.col("hospital_ccn") == ccn)
        assert sum(row[6] for row in readings) == moved["cases_then"].sum()


def test_no_payment_depends_on_certainty(settled_home: SettledHome, files: ReleaseFiles, tmp_path: Path) -> None:
    """Without it, only its own tables, the manifest and the pages differ: every other table has the same bytes."""
    home = settled_home.home
    policy = load_policy(home.policy)
    built = current_build(home, PERIOD, policy)
    content = Content(policy, built.inputs, built.notes, certainty={}, renderers={}, must_verify=False)
    manifest = write_files(home, PERIOD, 1, built.result, content, tmp_path / "without")
    without = {each["path"]: each["hash"] for each in manifest["resources"]}
    released = {each["path"]: each["hash"] for each in files.manifest["resources"] if "schema" in each}
    own = {path for path in released if any(f"_{name}_{PERIOD}" in path for name in TABLES)}
    findings = {path for path in without if "_audit_findings_" in path}  # two grouper versions are a finding
    assert {path: released[path] for path in released.keys() - own - findings} == {
        path: without[path] for path in without.keys() - findings
    }
    assert {path.split("/")[0] for path in own} == {"certainty", "audit", "regulator"}


def test_only_the_release_depends_on_certainty() -> None:
    graph = build_defs().resolve_asset_graph()
    assert graph.get(CERTAINTY).child_keys == {dg.AssetKey("release")}
    models = json.loads(manifest_path().read_bytes())["nodes"].values()
    assert not [node["name"] for node in models if "certainty" in node["raw_code"]]


def test_the_asset_reports_its_results(settled_home: SettledHome) -> None:
    instance = settled_home.instance()
    event = instance.get_latest_materialization_event(CERTAINTY)
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.metadata["care partners"].value == 44
    for name in (AS_RELEASED, READINGS):
        key = dg.AssetCheckKey(CERTAINTY, name)
        record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
        assert record.status.value == "SUCCEEDED"


def test_a_minimum_reliability_only_marks_figures(settled_home: SettledHome) -> None:
    least = Decimal("0.7")
    policy = load_policy(settled_home.home.policy).policy.model_copy(update={"min_reliability": least})
    file = settled_home.home.warehouse / str(PERIOD) / "hcip.duckdb"
    with duckdb.connect(file, read_only=True) as connection:
        marked = own_tables(connection, str(PERIOD), policy, replicates=20)["reliability"]
    assert marked["is_comparable"].to_list() == [each >= least for each in marked["reliability"]]
    assert set(marked["is_comparable"]) == {True, False}


def test_a_period_that_is_not_released_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HcipError, match="not released"):
        assess(Home(tmp_path), PerformancePeriod.parse("2025H1"))
