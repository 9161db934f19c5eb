"""The names of the engines, and whether one is installed; this loads no engine.

Belongs here: names and requirements. Does not belong here: opening an engine (``engines``), which one a home uses
(``alerting.settings``).
"""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from hcip_pipeline.errors import UsageError

EngineName = Literal["duckdb", "spark"]
ENGINES: tuple[EngineName, ...] = get_args(EngineName)


@dataclass(frozen=True)
class EngineChoice:
    """The engine of a run, as far as it is named; an empty field falls back to the next setting."""

    name: str = ""
    #: Spark's master: ``spark://…``, ``yarn``, ``k8s://…``
    master: str = ""


#: the oldest Java that Spark 4 runs on
_JAVA = 17


def require(engine: str) -> None:
    """Check that ``engine`` is available before any work is done for it; Spark is not loaded.

    Raises:
        UsageError: no engine has that name, or its requirements are not installed.
    """
    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine}", fix=f"choose one of {', '.join(ENGINES)}")
    if engine == "duckdb":
        return
    if not (_is_installed("pyspark") and _is_installed("dbt.adapters.spark")):
        raise UsageError(
            "Spark is not installed in this environment",
            rule="ENGINE",
            fix="install the package with its extra, `pip install 'hcip-pipeline[spark]'`; in a checkout, "
            "run `make setup-spark` and use .venv-spark/bin/hcip",
        )
    found = _java_version()
    if found < _JAVA:
        raise UsageError(
            f"Spark needs Java {_JAVA} or newer, but " + (f"this is Java {found}" if found else "there is no Java"),
            rule="ENGINE",
            fix="install it (Debian: openjdk-17-jre-headless) and put java on the PATH, or set JAVA_HOME",
        )


def _is_installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:  # a package that contains it is missing
        return False


def _java_version() -> int:
    """The major version of the Java that Spark would start; 0 if none starts."""
    home = os.environ.get("JAVA_HOME")
    java = str(Path(home) / "bin" / "java") if home else shutil.which("java")
    if java is None:
        return 0
    try:
        stated = subprocess.run([java, "-version"], capture_output=True, text=True, timeout=60, check=True).stderr
    except (OSError, subprocess.SubprocessError):
        return 0
    version = re.search(r'version "(?:1\.)?([0-9]+)', stated)
    return int(version[1]) if version else 0
