"""The wheel contains everything a settlement needs: installed in an empty environment, it settles the demo.

Building and unpacking the wheel takes two seconds and always runs. Installing it with its dependencies and settling the
demo takes minutes, so this runs only in ``make wheel`` (``HCIP_WHEEL=1``).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.certainty_example import assert_true_of, changes

ROOT = Path(__file__).parents[2]
_UV = Path(sys.executable).with_name("uv")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    options = ["--quiet", "--offline", "--wheel", "--no-build-isolation", "--python", sys.executable]
    subprocess.run([_UV, "build", *options, "--out-dir", folder, ROOT], check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_has_every_file_of_package_and_models(wheel: Path) -> None:
    committed = subprocess.run(
        ["git", "ls-files", "hcip_pipeline", "dbt_project"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout.split()
    expected = {name.replace("dbt_project/", "hcip_pipeline/dbt_project/", 1) for name in committed}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert sorted(expected - held) == []


def test_an_unpacked_wheel_uses_its_own_models(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "from hcip_pipeline.warehouse import project; print(project.PROJECT, project.project_digest())"
    found = {
        folder: _output([sys.executable, "-c", code], os.environ | {"PYTHONPATH": str(folder)}, tmp_path).split()
        for folder in (tmp_path, ROOT)
    }
    assert found[tmp_path] == [str(tmp_path / "hcip_pipeline/dbt_project"), found[ROOT][1]]


def _output(command: list[str | Path], environment: dict[str, str], folder: Path) -> str:
    done = subprocess.run(command, env=environment, cwd=folder, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _state(folder: Path) -> dict[str, tuple[int, int]]:
    return {str(path): (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.skipif(os.environ.get("HCIP_WHEEL") != "1", reason="takes minutes: make wheel")
def test_the_wheel_settles_the_demo_in_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "environment"
    subprocess.run([_UV, "venv", "--quiet", "--python", sys.executable, environment], check=True)
    python = environment / "bin/python"
    subprocess.run(
        [_UV, "pip", "install", "--quiet", "--python", python, "--constraint", ROOT / "requirements.lock", wheel],
        check=True,
    )
    clean = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ} | {
        "HOME": str(tmp_path / "user"),
        "HCIP_HOME": str(tmp_path / "home"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DO_NOT_TRACK": "1",
    }
    place = _output([python, "-c", "import hcip_pipeline; print(hcip_pipeline.__path__[0])"], clean, tmp_path)
    installed = Path(place.strip())
    assert environment in installed.parents
    before = _state(installed)

    releases = json.loads(_output([environment / "bin/hcip", "demo", "--json"], clean, tmp_path))

    assert [(each["period"], each["release"]) for each in releases] == [
        ("2025H1", "r1"),
        ("2025H1", "r2"),
        ("2025H2", "r1"),
    ]
    for period in (tmp_path / "home/releases").glob("*H[12]"):
        verified = json.loads(_output([environment / "bin/hcip", "verify", period.name, "--json"], clean, tmp_path))
        assert verified["ok"], verified
    assert _state(installed) == before
    assert_true_of(tmp_path / "home" / "releases" / "2025H1" / "r2")
    (tmp_path / "changes.yaml").write_text(changes(), encoding="utf-8")
    command = [environment / "bin/hcip", "what-if", "2025H1", tmp_path / "changes.yaml", "--json"]
    assert len(json.loads(_output(command, clean, tmp_path))["payments"]) == 6
