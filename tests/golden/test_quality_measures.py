"""Quality measures by hand: expected and adjusted rates, limits, changes, comparisons (methodology §12)."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import duckdb
import polars as pl
import pytest

from hcip_pipeline.contracts.marts import TABLES as MARTS
from hcip_pipeline.contracts.quality import TABLES
from hcip_pipeline.contracts.quality_released import RELEASED
from hcip_pipeline.periods import PerformancePeriod
from hcip_pipeline.release.quality_tables import quality_tables
from hcip_pipeline.release.reading import ReleaseFiles
from tests.quality_states import A, B, C, Stay, run, stays_spec
from tests.scenario import npi, table

D = Decimal
Z = 1.959963984540054
#: base year: cell 139/2 is readmitted in 1 of 5 discharges, 301/2 in 1 of 20; the state in 60 of 400
CELLS = [
    {
        "base_year": 2023,
        "apr_drg": code,
        "severity_of_illness": "2",
        "discharges": n,
        "days": 4 * n,
        "short_stays": n // 10,
    }
    | {"deaths": n // 50, "sent_on": n // 100, "index_discharges": n, "readmissions": readmitted}
    for code, n, readmitted in (("139", 250, 50), ("301", 150, 10))
]
#: hospital -> year -> (medical discharges, surgical ones, readmitted, flags)
COUNTS = {
    A: {2024: (60, 40, 20, 12), 2025: (60, 40, 10, 6)},
    B: {2024: (80, 20, 16, 8), 2025: (50, 50, 16, 8)},
    C: {2024: (50, 50, 15, 5), 2025: (50, 50, 15, 5)},
}


def _stays() -> list[Stay]:
    made = []
    for ccn, years in COUNTS.items():
        for year, (medical, surgical, readmitted, flags) in years.items():
            for number in range(medical + surgical):
                code = "139" if number < medical else "301"
                flag = ("HAC04|HAC05" if number == 0 else "HAC04") if number < flags - 1 else ""
                patient, out = f"{ccn}-{year}-{number}", dt.date(year, 2, 1 + number % 20)
                made.append(
                    Stay(patient, ccn, dt.date(year, 1, 20), out, apr_drg=code, hac_flags=flag, physician=number % 2)
                )
                if number < readmitted:  # newborns have no index discharge: the return only counts as one
                    back = out + dt.timedelta(days=9)
                    made.append(Stay(patient, ccn, back, back + dt.timedelta(days=2), apr_drg="640"))
            made.append(Stay(f"{ccn}-{year}-end", ccn, dt.date(year, 6, 1), dt.date(year, 6, 2), apr_drg="640"))
    return made


@pytest.fixture(scope="module")
def built() -> Iterator[duckdb.DuckDBPyConnection]:
    networks = [
        {"network_id": "HIIN-1", "name": "Network", "kind": "HIIN", "hospital_ccn": A, "topic": "Readmissions"}
        | {"start": dt.date(2024, 1, 1), "recruitment_goal": 2},
        {"network_id": "LAN-1", "name": "Other", "kind": "LAN", "hospital_ccn": A, "topic": "Care coordination"}
        | {"start": dt.date(2024, 1, 1), "recruitment_goal": 1},
        {"network_id": "HEN-1", "name": "Ended", "kind": "HEN", "hospital_ccn": B, "topic": "Sepsis"}
        | {"start": dt.date(2020, 1, 1), "end": dt.date(2024, 12, 31), "recruitment_goal": 3},
    ]
    spec = stays_spec(
        _stays(), networks=table("networks", networks), frozen_quality_cells=table("frozen_quality_cells", CELLS)
    )
    with run(spec, *(table.name for table in TABLES)) as connection:
        yield connection


def one(connection: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    (row,) = connection.sql(sql).pl().to_dicts()
    return row


def scored(connection: duckdb.DuckDBPyConnection, entity: str, measure: str) -> dict[str, Any]:
    return one(connection, f"from quality_scorecard where entity_id = '{entity}' and measure = '{measure}'")


def test_observed_expected_and_adjusted(built: duckdb.DuckDBPyConnection) -> None:
    row = scored(built, A, "readmission_rate_adjusted")
    # 60 × 1/5 + 40 × 10/150 (8 places each) = 14.66666680; 10 observed; the base year's state rate is 60/400 = .15
    expected = 60 * D("0.2") + 40 * D("0.06666667")
    assert (row["numerator"], row["denominator"], row["expected"]) == (10, 100, expected)
    assert row["value"] == (10 * D("0.15") / expected).quantize(D("1e-8"))
    low = 10 * (1 - 1 / 90 - Z / (3 * math.sqrt(10))) ** 3 / float(expected) * 0.15
    high = 11 * (1 - 1 / 99 + Z / (3 * math.sqrt(11))) ** 3 / float(expected) * 0.15
    assert (float(row["lower_limit"]), float(row["upper_limit"])) == (pytest.approx(low), pytest.approx(high))


def test_an_observed_rate_with_wilsons_limits(built: duckdb.DuckDBPyConnection) -> None:
    row = scored(built, A, "readmission_rate")
    p, n = 0.1, 100
    center, half = p + Z**2 / (2 * n), Z * math.sqrt(p * (1 - p) / n + Z**2 / (4 * n * n))
    limits = [(center - half) / (1 + Z**2 / n), (center + half) / (1 + Z**2 / n)]
    assert row["value"] == D("0.1") and row["baseline_value"] == D("0.2") and row["change"] == D("-0.5")
    assert [float(row["lower_limit"]), float(row["upper_limit"])] == pytest.approx(limits, abs=1e-8)


def test_conditions_per_thousand_compared_with_baseline_and_target(built: duckdb.DuckDBPyConnection) -> None:
    row = scored(built, A, "hac_per_1000")
    # Of 100 discharges, 20 returns and the last one in 2024; 10 returns in 2025. The first flag is two.
    assert (row["baseline_numerator"], row["baseline_denominator"]) == (12, 121)
    assert (row["numerator"], row["denominator"]) == (6, 111)
    assert row["value"] == (D(6000) / 111).quantize(D("1e-8"))
    assert row["target_change"] == D("-0.2") and row["is_on_track"] is True
    assert row["target_value"] == (row["baseline_value"] * D("0.8")).quantize(D("1e-8"))
    assert row["distance"] == row["value"] - row["target_value"] < 0
    # The national path is shown next to it, labeled as another method, and nothing is compared with it.
    assert (row["reference_value"], row["reference_goal"]) == (121, 97)
    assert "Another method" in row["reference_note"]
    assert scored(built, C, "hac_per_1000")["is_on_track"] is False
    codes = built.sql(
        "select subject, numerator from quality_measures where level = 'condition_code' order by all"
    ).fetchall()
    assert [row for row in codes if row[0] == "HAC05"] == [("HAC05", 1)] * 3


def test_parts_add_up_to_the_hospital(built: duckdb.DuckDBPyConnection) -> None:
    for level, measure in (
        ("service_line", "readmission_rate"),
        ("apr_drg", "hac_per_1000"),
        ("physician", "readmission_rate"),
        ("destination", "readmission_rate"),
    ):
        wrong = built.sql(
            f"""
            select hospital_ccn from quality_measures where measure = '{measure}' group by hospital_ccn
            having
                sum(numerator * case level when '{level}' then 1 when 'hospital' then -1 end) <> 0
                or sum(denominator * case level when '{level}' then 1 when 'hospital' then -1 end) <> 0
            """
        ).fetchall()
        assert wrong == [], level


def test_a_network_against_its_peers(built: duckdb.DuckDBPyConnection) -> None:
    row = one(
        built,
        "from network_scorecard where group_id = 'HIIN-1' and measure = 'readmission_rate'",
    )
    # A: 20 to 10 of 100, −50%. B and C: 31 of 200 to 31 of 200, no change.
    assert (row["change"], row["peer_change"], row["difference"]) == (D("-0.5"), D(0), D("-0.5"))
    own = 0.5**2 * (1 / 10 + 1 / 20 - 1 / 100 - 1 / 100)
    peers = 1 / 31 + 1 / 31 - 1 / 200 - 1 / 200
    margin = Z * math.sqrt(own + peers)
    assert float(row["difference_lower"]) == pytest.approx(-0.5 - margin, abs=1e-7)
    assert float(row["difference_upper"]) == pytest.approx(-0.5 + margin, abs=1e-7)
    assert row["is_topic_measure"] and row["peer_hospitals"] == 2 and row["network_kind"] == "HIIN"


def test_networks_recruit_and_overlap(built: duckdb.DuckDBPyConnection) -> None:
    recruited = built.sql("select network_id, members, still_to_recruit from network_recruitment order by 1").fetchall()
    assert recruited == [("HEN-1", 0, 3), ("HIIN-1", 1, 1), ("LAN-1", 1, 0)]
    sets = {row["measure"]: row for row in built.sql("from reporting_sets").pl().to_dicts()}
    # Two networks on care transitions: the shared measure is reported once, for both.
    assert sets["readmission_rate_adjusted"]["network_ids"] == "HIIN-1|LAN-1"
    assert sets["readmission_share"]["network_ids"] == "LAN-1"
    assert all(row["is_overlap"] for row in sets.values())


def test_leaders_of_a_measure_are_ranked_and_peers_are_similar_hospitals(built: duckdb.DuckDBPyConnection) -> None:
    leaders = built.sql("from measure_leaders where measure = 'readmission_rate' order by place").pl().to_dicts()
    assert [row["hospital_ccn"] for row in leaders] == [A, C, B]
    assert leaders[0]["could_teach"] == (leaders[0]["upper_limit"] < leaders[0]["state_value"])
    peers = built.sql(f"select peer_ccn from hospital_peers where hospital_ccn = '{A}' order by peer_rank").fetchall()
    assert {ccn for (ccn,) in peers} == {B, C}


def test_a_physicians_own_rate(built: duckdb.DuckDBPyConnection) -> None:
    rows = built.sql(
        f"select subject, denominator from quality_measures where hospital_ccn = '{A}' and level = 'physician'"
        " and measure = 'readmission_rate' order by 1"
    ).fetchall()
    assert rows == sorted([(npi(0), 50), (npi(1), 50)])


def _published(frames: Mapping[str, pl.DataFrame], home: Path, name: str) -> ReleaseFiles:
    """A release of these tables, with which another one is compared."""
    period, _, number = name.partition("_")
    folder = home / "releases" / period / number
    (folder / "quality").mkdir(parents=True)
    (folder / "datapackage.json").write_text("{}")
    for table_name, frame in frames.items():
        frame.write_parquet(folder / "quality" / f"HCIP_STATE_{table_name}_{name}.parquet")
    return ReleaseFiles.at(folder)


def _released(
    built: duckdb.DuckDBPyConnection,
    threshold: int,
    *,
    superseded: Sequence[ReleaseFiles] = (),
    earlier: Sequence[ReleaseFiles] = (),
) -> dict[str, pl.DataFrame]:
    rules = SimpleNamespace(small_cell_threshold=threshold, baseline_window="same_half")
    draft: Any = SimpleNamespace(
        policy=SimpleNamespace(policy=rules),
        period=PerformancePeriod(2025, 1),
        superseded=superseded,
        earlier=earlier,
        marts=lambda name: built.sql(f"select {', '.join(MARTS[name].names)} from {name}").pl(),
    )
    return {derived.table.name: derived.frame for derived in quality_tables(draft)}


def test_no_small_count_is_released_nor_can_be_derived(built: duckdb.DuckDBPyConnection) -> None:
    shown = _released(built, 10)
    people = ("numerator", "denominator", "discharges", "readmissions", "conditions", "returns", "acute", "days")
    for name, frame in shown.items():
        assert tuple(frame.columns) == RELEASED[name].names
        for column in (c for c, t in frame.schema.items() if t == pl.Int64 and c.endswith(people)):
            assert frame.filter(pl.col(column).is_between(1, 10)).is_empty(), (name, column)
    card = shown["quality_scorecard"]
    own = card.filter((pl.col("entity_id") == A) & (pl.col("measure") == "hac_per_1000")).row(0, named=True)
    # A's six flags are hidden with their rate and change, but nothing else in the row.
    assert (own["numerator"], own["value"], own["change"], own["denominator"]) == (None, None, None, 111)
    assert "numerator" in own["suppressed"].split("|")
    # Only A has ten readmissions or fewer; another hospital's must be hidden, too, because the state's total is shown.
    rates = card.filter((pl.col("entity_kind") != "community") & (pl.col("measure") == "readmission_rate"))
    kept = {row["entity_id"]: row["numerator"] for row in rates.to_dicts()}
    assert kept["STATE"] == 41 and kept[A] is None and None in (kept[B], kept[C])


def test_without_a_threshold_every_count_is_released(built: duckdb.DuckDBPyConnection) -> None:
    shown = _released(built, 0)
    assert all(frame.filter(pl.col("suppressed") != "").is_empty() for frame in shown.values())
    states = shown["readmissions"].filter(pl.col("hospital_ccn") == "STATE")
    assert set(states["apr_drg"]) == {"ALL", "139", "301"}


def _cells(frames: dict[str, pl.DataFrame]) -> dict[tuple[Any, ...], int | None]:
    """Every nonzero count of every table; None if it was hidden."""
    found: dict[tuple[Any, ...], int | None] = {}
    for name, frame in frames.items():
        key = [column for column in RELEASED[name].key if column != "period"]
        for row in frame.iter_rows(named=True):
            for column in (c for c, t in frame.schema.items() if t == pl.Int64 and c not in key):
                if row[column] is not None or column in row["suppressed"].split("|"):
                    found[name, *(row[k] for k in key), column] = row[column]
    return found


def test_no_later_release_shows_what_an_earlier_one_hides(built: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Even under a policy that hides nothing: the two releases could be compared."""
    first = _released(built, 10)
    hidden = {cell for cell, value in _cells(first).items() if value is None}
    second = _cells(_released(built, 0, superseded=[_published(first, tmp_path, "2025H1_r1")]))
    assert hidden and {cell for cell, value in second.items() if value is None} >= hidden
    assert any(value is not None for value in second.values())


def test_a_few_late_discharges_do_not_follow_from_two_releases(
    built: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    """B had three fewer discharges in the previous release: the count is hidden, with anything that would reveal it."""
    first = _released(built, 10)
    late = {
        "quality_scorecard": ("entity_id", "denominator"),
        "hospital_acquired_conditions": ("hospital_ccn", "discharges"),
        "hospital_peers": ("hospital_ccn", "discharges"),
    }
    was = dict(first)
    for name, (whose, column) in late.items():
        is_b = pl.col(whose) == B
        if name == "quality_scorecard":
            is_b &= pl.col("measure") == "hac_per_1000"
        was[name] = first[name].with_columns(pl.col(column) - pl.when(is_b).then(3).otherwise(0))
    peer = was["hospital_peers"]["peer_ccn"] == B
    was["hospital_peers"] = was["hospital_peers"].with_columns(
        pl.col("peer_discharges") - pl.when(peer).then(3).otherwise(0)
    )

    def discharges(frames: dict[str, pl.DataFrame]) -> dict[str, int | None]:
        return {
            key[1]: value
            for (name, *key, column), value in _cells(frames).items()
            if (name, key[0], key[-1], column) in
            [("quality_scorecard", kind, "hac_per_1000", "denominator") for kind in ("hospital", "state")]
        }  # fmt: skip

    assert None not in discharges(first).values()
    again = _released(built, 10, superseded=[_published(was, tmp_path, "2025H1_r1")])
    shown = discharges(again)
    assert shown[B] is None and None in (shown["STATE"], shown[A], shown[C])
    for name, (whose, column) in late.items():
        frame = again[name].filter(pl.col(whose) == B)
        if name == "quality_scorecard":
            frame = frame.filter(pl.col("measure") == "hac_per_1000")
        assert frame.height and frame[column].null_count() == frame.height, name
    assert B not in again["hospital_peers"]["peer_ccn"].to_list(), "its peers would reveal its size"


def test_a_baseline_hides_what_the_previous_year_hid(built: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """Its counts were that year's own, in which other counts may have been chosen to hide the small ones."""
    of_b = (pl.col("entity_id") == B) & (pl.col("measure") == "readmission_rate")

    def baseline(frames: dict[str, pl.DataFrame]) -> int | None:
        found: int | None = frames["quality_scorecard"].filter(of_b)["baseline_numerator"].item()
        return found

    alone = _released(built, 10)
    assert baseline(alone) == 16
    then = {name: frame.clear() for name, frame in alone.items()}
    row = alone["quality_scorecard"].filter(of_b).with_columns(
        pl.col("baseline_denominator").alias("denominator"),
        pl.lit(None, pl.Int64).alias("numerator"),
        pl.lit("numerator|value").alias("suppressed"),
    )  # fmt: skip
    then["quality_scorecard"] = row
    with_earlier = _released(built, 10, earlier=[_published(then, tmp_path, "2024H1_r1")])
    assert baseline(with_earlier) is None
