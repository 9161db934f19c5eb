"""Computing scenarios from finished builds: only the models that a scenario changes are computed again.

Belongs here: choosing these models, and running them next to the build, which is opened read-only. Does not belong
here: the meaning of the figures (``comparison``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from types import TracebackType

import duckdb
import polars as pl

from hcip_pipeline.contracts.table import Table
from hcip_pipeline.errors import HcipError
from hcip_pipeline.warehouse.build import check_failed
from hcip_pipeline.warehouse.rendering import Renderer, checks, downstream, models, needed, with_catalogs
from hcip_pipeline.warehouse.spec import BuildSpec

#: catalog name of the build; dbt wrote it into the build's views
BUILD = "hcip"


class Workbench:
    """A finished build, which stays unchanged, and an in-memory database in which some models are computed again.

    Args:
        file: the build's DuckDB file; it is never written to.
        spec: the build's own name, kind, windows and policy.
        targets: the models whose results are needed.
        given: tables of the lake that a scenario may replace.
    """

    def __init__(
        self, file: Path, spec: BuildSpec, targets: Iterable[str], given: Iterable[str], threads: int | None = None
    ) -> None:
        self._order = needed(targets)
        self._given = frozenset(given)
        self._checks = [name for name, check in checks().items() if check.reads <= set(self._order)]
        self.connection = duckdb.connect(config={"threads": threads} if threads else {})
        quoted = str(file).replace("'", "''")
        try:
            self.connection.execute(f"attach '{quoted}' as {BUILD} (read_only)")
        except duckdb.IOException as error:
            self.connection.close()
            raise HcipError(
                "the warehouse file is in use by another run, or cannot be read",
                file=file,
                fix="wait for the other run to end and simulate again",
            ) from error
        self._as_is = self._rendered(spec)
        self._fresh: set[str] = set()
        self._lake: set[str] = set()

    def __enter__(self) -> Workbench:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()

    def compute(
        self,
        spec: BuildSpec,
        given: Mapping[str, tuple[Table, pl.DataFrame]],
        *,
        whole: bool = False,
        patches: Mapping[str, str] | None = None,
        kept: Collection[str] = (),
        checked: bool = True,
    ) -> None:
        """Compute the models that ``spec`` and the ``given`` tables of the lake change; :meth:`table` returns results.

        Args:
            whole: compute everything that any policy could change, to check that the results are reproduced.
            patches: model -> the query that replaces the model's own; it refers to the original as ``{model}``.
            kept: models that the patches do not change although they read a patched one.
            checked: run the project's checks; patches that repeat cases would break keys.

        Raises:
            HcipError: a check of the project failed.
        """
        rendered = self._as_is if whole else self._rendered(spec)
        patches = patches or {}
        replaced = self._given if whole else set(given)
        changed = [
            name
            for name in self._order
            if models()[name].sources & replaced
            or name in patches
            or (_reads_policy(name) if whole else rendered[name] != self._as_is[name])
        ]
        self._fresh = set(downstream(changed, [name for name in self._order if name not in kept]))
        self._start()
        for name, (table, frame) in given.items():
            typed = ", ".join(f'cast("{c.name}" as {c.sql_type}) as "{c.name}"' for c in table.columns)
            self.connection.register("incoming", frame.to_arrow())
            self.connection.execute(f'create table "lake"."{name}" as select {typed} from incoming')
            self.connection.unregister("incoming")
        self._lake = set(given)
        for name in self._order:
            if name in self._fresh:
                kind = "view" if models()[name].schema == "staging" else "table"
                sql = patches.get(name, "{model}").replace("{model}", f"({self._placed(rendered[name])})")
                self.connection.execute(f'create {kind} "{models()[name].schema}"."{name}" as {sql}')
        renderer = Renderer(spec.dbt_vars())
        for name in self._checks if checked else ():
            if checks()[name].reads & self._fresh:
                broken = len(self.connection.execute(self._placed(renderer.check(name))).fetchall())
                if broken:
                    raise HcipError(check_failed(name, broken), rule=name)

    def table(self, table: Table) -> pl.DataFrame:
        """A mart as last computed, with its contract's columns, ordered by key."""
        columns = ", ".join(f'"{name}"' for name in table.names)
        sql = self._placed(f'select {columns} from "{models()[table.name].schema}"."{table.name}"')
        return self.connection.sql(sql).pl().sort(table.key)

    def place(self, schema: str, name: str) -> str:
        """Qualified name of a model after :meth:`compute`: the computed one, or the build's."""
        return self._placed(f'"{schema}"."{name}"')

    def lake(self, table: Table) -> pl.DataFrame:
        """A table of the lake as the build read it."""
        columns = ", ".join(f'"{name}"' for name in table.names)
        return self.connection.sql(f'select {columns} from {BUILD}."lake"."{table.name}"').pl()

    def _rendered(self, spec: BuildSpec) -> dict[str, str]:
        renderer = Renderer(spec.dbt_vars())
        return {name: renderer.model(name) for name in self._order}

    def _start(self) -> None:
        for schema in ("lake", "staging", "intermediate", "marts"):
            self.connection.execute(f'drop schema if exists "{schema}" cascade; create schema "{schema}"')

    def _placed(self, sql: str) -> str:
        def catalog(schema: str, name: str) -> str:
            fresh = name in self._lake if schema == "lake" else name in self._fresh
            return "" if fresh else BUILD

        return with_catalogs(sql, catalog)


def _reads_policy(name: str) -> bool:
    """Whether a model's own text depends on the policy.

    Every macro that reads the policy has ``policy`` in its name or arguments, except the two named here.
    """
    text = models()[name].template
    return "policy" in text or "pfs_cap_year" in text or "exclusion_rules" in text
