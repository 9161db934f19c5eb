"""`hcip run` on a cluster of several processes, one of which dies in the middle: the same release as DuckDB's."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pytest

pytest.importorskip("pyspark", reason="Spark has an environment of its own: make spark")

from hcip_pipeline.contracts import marts
from hcip_pipeline.errors import HcipError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.release.manifest import FILE_NAME
from hcip_pipeline.warehouse.spark_session import spark_session
from tests.spark.both_engines import PERIOD, Both, settle_on_both
from tests.spark.cluster import Cluster, spark_cluster
from tests.spark.uneven_state import CELL, uneven_state

pytestmark = pytest.mark.slow

#: an operator's settings for so small a cluster
_DEFAULTS = """
spark.executor.memory 512m
spark.driver.memory 1g
spark.driver.host 127.0.0.1
spark.ui.enabled false
spark.sql.shuffle.partitions 2
spark.default.parallelism 2
spark.sql.codegen.wholeStage false
spark.sql.codegen.factoryMode NO_CODEGEN
spark.sql.parquet.compression.codec uncompressed
"""
#: when this model of the half-year is done, much is computed and much is still to do
_KILL_AFTER = "savings"


@dataclass
class _Killer:
    """Kills a worker once, in the middle of the half-year's build."""

    cluster: Cluster
    killed_after: str = ""
    models_after: int = 0

    def __call__(self, message: str) -> None:
        if self.killed_after:
            self.models_after += 1
        elif str(PERIOD) in message and message.split()[-1] == _KILL_AFTER:
            self.cluster.kill(0)
            self.killed_after = message


@dataclass(frozen=True)
class _Outcome:
    both: Both
    killer: _Killer
    hospitals: tuple[str, str, str]
    folder: Path


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> _Outcome:
    folder = tmp_path_factory.mktemp("cluster")
    home = Home(folder / "home")
    hospitals = uneven_state(home.inbox)
    (folder / "conf").mkdir()
    (folder / "conf" / "spark-defaults.conf").write_text(_DEFAULTS, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch, spark_cluster(folder / "cluster") as cluster:
        patch.setenv("SPARK_CONF_DIR", str(folder / "conf"))
        killer = _Killer(cluster)
        both = settle_on_both(home, cluster.url, killer)
    return _Outcome(both, killer, hospitals, folder)


def test_a_worker_dies_in_the_middle_of_the_build(outcome: _Outcome) -> None:
    assert outcome.killer.killed_after
    assert outcome.killer.models_after > 20
    work = outcome.folder / "cluster"
    assert all(any((work / f"worker-{number}" / "work").rglob("stderr")) for number in (0, 1)), "both had executors"


@pytest.mark.parametrize("name", sorted(marts.TABLES))
def test_every_mart_still_has_duckdbs_rows(outcome: _Outcome, name: str) -> None:
    ours, sparks = (settled.build.result.fingerprints for settled in (outcome.both.duckdb, outcome.both.spark))
    assert ours[name] == sparks[name]


def test_the_release_has_the_same_bytes_except_for_the_name_of_the_engine(outcome: _Outcome) -> None:
    ours, sparks = outcome.both.duckdb.files(), outcome.both.spark.files()
    assert ours.keys() == sparks.keys()
    assert [path for path in ours if ours[path] != sparks[path]] == [FILE_NAME]
    assert json.loads(sparks[FILE_NAME])["engine"] == "spark"


def test_the_state_is_as_uneven_as_it_should_be(outcome: _Outcome) -> None:
    large, small, empty = outcome.hospitals
    release = outcome.both.spark.release.folder
    norms = pl.read_parquet(release / "audit" / "HCIP_STATE_norm_cases_2025H1_r1.parquet", hive_partitioning=False)
    assert norms.height > 500
    assert set(norms.select("apr_drg", "severity_of_illness").iter_rows()) == {CELL}
    paths = sorted(release.glob("incentives/HCIP_*_incentive_cases_*.parquet"))
    cases = pl.read_parquet(paths, hive_partitioning=False)
    of_hospital = dict(cases.group_by("hospital_ccn").len().iter_rows())
    assert len(paths) == 3
    assert of_hospital[large] > 20 * of_hospital[small] > 0
    assert empty not in of_hospital


def test_a_cluster_without_workers_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HCIP_SPARK_WAIT_SECONDS", "2")
    with (
        spark_cluster(tmp_path / "cluster", workers=0) as cluster,
        pytest.raises(HcipError, match="no worker") as refused,
        spark_session(tmp_path / "warehouse", cluster.url),
    ):
        pass
    assert cluster.url in refused.value.fix


def test_a_cluster_that_does_not_answer_is_named(tmp_path: Path) -> None:
    with (
        pytest.raises(HcipError, match="Spark did not start") as refused,
        spark_session(tmp_path, "nonsense://nowhere"),
    ):
        pass
    assert "nonsense://nowhere" in refused.value.fix
