"""Builds of a home by the renderer's SQL, without dbt: the same models and checks in a fraction of the time.

For tests that build one state many times over and look at its tables. Belongs here: computing a build. Does not belong
here: any state. That the renderer's text is dbt's for every model has a test of its own.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from hcip_pipeline.warehouse.build import FILE_NAME, BuildResult, Progress, fingerprints, prepare
from hcip_pipeline.warehouse.rendering import SCHEMAS, Renderer, checks, models, needed
from hcip_pipeline.warehouse.spec import BuildSpec


def build_by_rendering(
    spec: BuildSpec,
    folder: Path,
    *,
    threads: int | None = None,
    select: str | None = None,
    progress: Progress | None = None,
) -> BuildResult:
    """Compute a build as ``warehouse.build.Engine`` asks for it; ``compute_builds_with`` takes this.

    Raises:
        AssertionError: a check of the project found rows that break it.
    """
    assert select is not None
    staging = [name for name, model in models().items() if model.schema == "staging"]  # some are named in macros alone
    names = list(dict.fromkeys([*needed(staging), *needed(name.removeprefix("+") for name in select.split())]))
    renderer, file = Renderer(spec.dbt_vars()), folder / FILE_NAME
    prepare(spec, file)
    with duckdb.connect(file, config={"threads": threads or 1}) as connection:
        connection.begin()  # one commit, not one a table
        for schema in SCHEMAS:
            connection.execute(f"create schema {schema}")
        for name in names:
            kind = "view" if models()[name].schema == "staging" else "table"
            connection.execute(f'create {kind} "{models()[name].schema}"."{name}" as {renderer.model(name)}')
        connection.commit()
        for name, check in checks().items():
            if check.reads <= set(names):
                broken = len(connection.execute(renderer.check(name)).fetchall())
                assert not broken, f"the check {name} found {broken} rows that break it"
    return BuildResult(spec, file, (), fingerprints(file))
