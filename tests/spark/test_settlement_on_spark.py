"""The same dbt project on Apache Spark: every mart has DuckDB's rows, and a release written from them its bytes."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

pytest.importorskip("pyspark", reason="Spark has an environment of its own: make spark")

from hcip_pipeline.contracts import marts
from hcip_pipeline.publishing.writer import write_release
from tests.settled_home import digest
from tests.spark.both_engines import PERIOD, Both, same_home, settle_demo

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    """What ``hcip demo`` settles first, from its inbox on; Spark's builds pass the project's checks, too."""
    from hcip_pipeline.warehouse.spark import spark_session

    folder = tmp_path_factory.mktemp("demo")
    with spark_session(folder / "spark") as session:
        yield settle_demo(folder, session)


@pytest.mark.parametrize("name", sorted(marts.TABLES))
def test_a_mart_has_the_same_rows_on_both_engines(both: Both, name: str) -> None:
    ours, sparks = (build.fingerprints[name] for build in both.period)
    assert ours == sparks


def test_the_norm_table_has_the_same_rows_on_both_engines(both: Both) -> None:
    ours, sparks = both.norms
    assert ours.fingerprints == sparks.fingerprints
    assert int(ours.fingerprints["norms"].split(":")[0]) > 0


def test_a_release_from_sparks_tables_has_the_same_bytes(both: Both, tmp_path: Path) -> None:
    digests = set()
    for name, built in (("duckdb", both.built), ("spark", both.built_on_spark)):
        home = same_home(both.home, tmp_path / name)
        release = write_release(home, PERIOD, built.result, both.policy, built.inputs, notes=built.notes)
        digests.add(digest(release.folder))
    assert len(digests) == 1


def test_the_state_binds_every_reduction(both: Both) -> None:
    """A comparison of rows that are all zero would show nothing."""
    with duckdb.connect(both.period[1].file, read_only=True) as connection:
        paid = connection.sql("select * from marts.incentives").pl()
    assert set(paid["status"]) == {"PAYABLE", "HELD", "ZERO"}
    assert paid["final_incentive"].sum() > Decimal(1000)
    reduced = ("conditions_adjustment", "standing_adjustment", "committee_adjustment", "pfs_cap_adjustment")
    for step in (*reduced, "distribution_limit_adjustment"):
        assert paid[step].min() < 0, f"no payment is reduced by {step}"
