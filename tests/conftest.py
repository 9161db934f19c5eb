"""Fixtures that several test modules share, built once per test session, however many workers there are.

Belongs here: states that take seconds to build and that no test changes. Does not belong here: fixtures of one module.

How to reuse: use :func:`settled_home` to *read* a home with a released period (files, lake, warehouse, Dagster
instance, release); use :func:`editable_home` for a copy of its inbox and lake, not yet released, that a test may
change and settle. If a test is about the steps after a build, use :func:`rendered_builds`, which builds without dbt.
Never write into ``settled_home.home``: other workers are reading it. Build a new state that other modules could use
with :func:`tests.shared_state.built_once`.
"""

from __future__ import annotations

import functools
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.shared_state import built_once

if TYPE_CHECKING:  # fixtures import what they build: the process that distributes tests need not import the product
    from hcip_pipeline.home.folders import Home
    from tests.made_pages import InterimReport, SparcsStudy, TexasStudy
    from tests.settled_home import SettledHome

gc.set_threshold(50_000, 20, 20)  # as the command line does (background.relax_gc)
# The workers keep all cores busy and the states are small, so more threads would only wait for each other.
os.environ.setdefault("HCIP_THREADS", "1")
os.environ.setdefault("POLARS_MAX_THREADS", "1")

#: fixtures that settle a period or build a release first: tests that use them are slow
_SETTLED = {"settled_home", "unreleased", "released", "sparcs_study", "texas_study"}


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if _SETTLED & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def settled_home(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> SettledHome:
    """Two hospitals, a base year that includes the baseline, and one period (2025H1), settled as by ``hcip run``."""
    from tests.settled_home import SettledHome, build_settled_home

    folder = built_once(tmp_path_factory, worker_id, "settled_home", build_settled_home)
    return SettledHome.load(folder)


@pytest.fixture
def editable_home(settled_home: SettledHome, tmp_path: Path) -> Home:
    """The same home before its release: a copy that a test may change (unlink a file before rewriting it)."""
    return settled_home.copy(tmp_path / "home")


@pytest.fixture(scope="module")
def rendered_builds(settled_home: SettledHome) -> Iterator[None]:
    """Build without dbt in this process, for modules about the steps after a build (``usefixtures``).

    The settled home is built first, with dbt, and builds without dbt are compared with it.
    """
    from hcip_pipeline.warehouse.build import compute_builds_with
    from tests.rendered_builds import build_by_rendering

    with compute_builds_with(build_by_rendering):
        yield


@pytest.fixture(scope="session")
def sparcs_study(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> SparcsStudy:
    """A study of the methodology's worked example as a year of New York's discharges."""
    from tests.made_pages import SparcsStudy, build_sparcs_study

    return SparcsStudy.load(built_once(tmp_path_factory, worker_id, "sparcs_study", build_sparcs_study))


@pytest.fixture(scope="session")
def texas_study(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> TexasStudy:
    """A study of two invented quarters of Texas's public file."""
    from tests.made_pages import TexasStudy, build_texas_study

    return TexasStudy.load(built_once(tmp_path_factory, worker_id, "texas_study", build_texas_study))


@pytest.fixture(scope="session")
def interim_report(
    settled_home: SettledHome, tmp_path_factory: pytest.TempPathFactory, worker_id: str
) -> InterimReport:
    """The interim report of a quarter of the settled home, before its half-year is released."""
    from tests.made_pages import InterimReport, build_interim

    build = functools.partial(build_interim, settled=settled_home)
    return InterimReport.load(built_once(tmp_path_factory, worker_id, "interim_report", build))
