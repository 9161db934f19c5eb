"""The engine of a run: how it is chosen, what it needs, and that it is loaded only if requested."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest

from hcip_pipeline import cli
from hcip_pipeline.alerting.settings import chosen_engine
from hcip_pipeline.assets.resources import EngineResource
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.home.folders import Home
from hcip_pipeline.warehouse import engine_choice
from hcip_pipeline.warehouse.engine_choice import EngineChoice, require


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As if Spark's packages and Java 17 were installed."""
    java = tmp_path / "java" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.15\" 2025-04-15' >&2\n", encoding="utf-8")
    java.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(java.parent.parent))
    monkeypatch.setattr(engine_choice.importlib.util, "find_spec", lambda _: object())


def _home(folder: Path, settings: str = "") -> Home:
    if settings:
        (folder / "settings.yaml").write_text(settings, encoding="utf-8")
    return Home(folder)


def test_duckdb_is_the_default_engine(tmp_path: Path) -> None:
    assert chosen_engine(_home(tmp_path)) == EngineChoice("duckdb")


@pytest.mark.parametrize(
    ("settings", "variable", "named", "expected"),
    [
        ("", "", EngineChoice("spark"), EngineChoice("spark")),
        ("engine: spark", "", EngineChoice(), EngineChoice("spark")),
        ("engine: spark", "", EngineChoice("duckdb"), EngineChoice("duckdb")),
        ("{engine: spark, spark_master: yarn}", "", EngineChoice(), EngineChoice("spark", "yarn")),
        ("{engine: spark, spark_master: yarn}", "spark://b", EngineChoice(), EngineChoice("spark", "spark://b")),
        ("spark_master: yarn", "spark://b", EngineChoice("spark", "local[2]"), EngineChoice("spark", "local[2]")),
    ],
)
def test_an_option_takes_precedence_over_environment_and_settings(
    settings: str,
    variable: str,
    named: EngineChoice,
    expected: EngineChoice,
    installed: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HCIP_SPARK_MASTER", variable)
    chosen = chosen_engine(_home(tmp_path, settings), named)
    assert (chosen.name, chosen.master if chosen.name == "spark" else "") == (expected.name, expected.master)


def test_settings_with_another_engine_are_refused(tmp_path: Path) -> None:
    with pytest.raises(HcipError, match="engine"):
        chosen_engine(_home(tmp_path, "engine: abacus"))


def test_an_engine_that_does_not_exist_is_wrong_usage() -> None:
    with pytest.raises(UsageError, match="abacus"):
        require("abacus")


@pytest.mark.parametrize("command", ["run 2025H1", "backfill 2025H1 2025H2", "reproduce 2025H1"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--engine spark", "Spark is not installed in this environment"),
        ("--engine duckdb --master yarn", "--master applies to Spark"),
        ("--engine abacus", "'abacus' is not one of"),
    ],
)
def test_a_command_without_that_engine_ends_with_exit_2(
    command: str,
    options: str,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(engine_choice.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(SystemExit) as stopped:
        cli.main([*command.split(), *options.split(), "--home", str(tmp_path / "home")])
    assert stopped.value.code == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("stated", "message"),
    [('openjdk version "11.0.2"', "this is Java 11"), ("", "there is no Java"), (None, "there is no Java")],
)
def test_a_java_version_that_spark_cannot_use_is_named(
    stated: str | None, message: str, installed: None, tmp_path: Path
) -> None:
    java = tmp_path / "java" / "bin" / "java"
    if stated is None:
        java.unlink()
    else:
        java.write_text(f"#!/bin/sh\necho '{stated}' >&2\n", encoding="utf-8")
    with pytest.raises(UsageError, match=message) as refused:
        require("spark")
    assert "JAVA_HOME" in refused.value.fix


def test_an_old_java_is_recognized_by_its_old_numbering(installed: None, tmp_path: Path) -> None:
    (tmp_path / "java" / "bin" / "java").write_text(
        "#!/bin/sh\necho 'java version \"1.8.0_292\"' >&2\n", encoding="utf-8"
    )
    with pytest.raises(UsageError, match="this is Java 8"):
        require("spark")


@pytest.mark.parametrize(
    ("config", "tags", "expected"),
    [
        ({"name": "spark", "master": "yarn"}, {}, "spark yarn"),
        ({}, {"hcip/engine": "spark", "hcip/spark_master": "yarn"}, "spark yarn"),
        ({"name": "spark"}, {"hcip/engine": "duckdb", "hcip/spark_master": "yarn"}, "spark yarn"),
        ({}, {}, "duckdb "),
    ],
)
def test_a_run_opens_its_engine_once_and_closes_it_when_it_ends(
    config: dict[str, str],
    tags: dict[str, str],
    expected: str,
    installed: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As in a run from the UI, whose configuration or tags name the engine."""
    events: list[str] = []

    @contextmanager
    def opened(name: str, _home: Home, master: str) -> Iterator[None]:
        events.append(f"opened {name} {master}")
        yield None
        events.append("closed")

    def computes(name: str, *before: str) -> dg.AssetsDefinition:
        @dg.asset(name=name, deps=before)
        def compute(engine: EngineResource) -> None:
            with engine.computing(Home(tmp_path)):
                events.append(name)

        return compute

    monkeypatch.setattr("hcip_pipeline.warehouse.engines.opened", opened)
    dg.materialize(
        [computes("norms"), computes("half_year", "norms")],
        resources={"engine": EngineResource()},
        run_config={"resources": {"engine": {"config": config}}},
        tags=tags,
    )
    assert events == [f"opened {expected}", "norms", "half_year", "closed"]


def test_no_command_loads_spark_unless_requested() -> None:
    loading = (
        "import sys, hcip_pipeline.commands.run, hcip_pipeline.commands.backfill, hcip_pipeline.commands.reproduce, "
        "hcip_pipeline.definitions, hcip_pipeline.warehouse.engines as engines; "
        "from hcip_pipeline.home.folders import Home; from pathlib import Path\n"
        "with engines.computed_on('duckdb', Home(Path('home'))): pass\n"
        "print([name for name in sys.modules if name.startswith(('pyspark', 'py4j', 'dbt.adapters.spark'))])"
    )
    ran = subprocess.run([sys.executable, "-c", loading], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
