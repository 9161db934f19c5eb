"""What commands share: options with one meaning everywhere, and JSON output."""

from __future__ import annotations

import functools
import json
import os
import re
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import click

from hcip_pipeline.warehouse.engine_choice import ENGINES


class Number(click.IntRange):
    """A whole number in ASCII digits; Python's ``int`` would accept the digits of any script."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The option's value. Fails with usage help if the text is not a whole number."""
        if isinstance(value, str) and not value.isascii():
            self.fail(f"{value!a} is not a whole number", param, ctx)
        return super().convert(value, param, ctx)


class Day(click.DateTime):
    """A day, YYYY-MM-DD in ASCII digits."""

    def __init__(self) -> None:
        super().__init__(["%Y-%m-%d"])

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The option's value. Fails with usage help if the text is not a day."""
        day = None
        if not isinstance(value, str) or value.isascii():
            with suppress(click.BadParameter):
                day = super().convert(value, param, ctx)
        if day is None:
            self.fail(f"{value!a} is not a day, YYYY-MM-DD", param, ctx)
        return day

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """How the help shows the value."""
        return "YYYY-MM-DD"


policy_option = click.option(
    "--policy", "policy_path", type=click.Path(path_type=Path), help="Policy file [default: inbox/policy.yaml]."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
Command = TypeVar("Command", bound=Callable[..., Any])


def home_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--home``, as ``home_path``. A shared home is synchronized with its storage before the command begins."""

    @functools.wraps(command)
    def synchronized(*arguments: Any, home_path: Path | None, **options: Any) -> Any:
        from hcip_pipeline.commands.progress import shown_progress
        from hcip_pipeline.home.folders import Home
        from hcip_pipeline.sharing import share, storage_of

        home = Home.locate(home_path)
        if storage_of(home):
            with shown_progress(bool(options.get("as_json"))) as progress:
                share(home, progress)
        return command(*arguments, home_path=home_path, **options)

    return click.option(
        "--home", "home_path", type=click.Path(path_type=Path), help="Home folder [default: $HCIP_HOME or ./hcip_home]."
    )(synchronized)


def engine_options(command: Command) -> Command:
    """``--engine`` and ``--master``, as ``engine`` and ``master``; by default, those of the home's settings."""
    master = click.option(
        "--master",
        default="",
        metavar="URL",
        help="Spark master: spark://host:7077, yarn, k8s://… "
        "[default: $HCIP_SPARK_MASTER, else from settings.yaml, else this machine].",
    )
    engine = click.option(
        "--engine",
        type=click.Choice(ENGINES),
        help="Engine to compute with; the results are the same [default: from settings.yaml, else duckdb].",
    )
    return engine(master(command))


threads_option = click.option("--threads", type=Number(1), help="Number of threads; does not change the result.")


def make_output_folder(folder: Path) -> None:
    """Create the folder that ``--out`` names, before anything is computed.

    Raises:
        HcipError: the folder cannot be created or is not writable.
    """
    from hcip_pipeline.errors import HcipError

    why = None
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror
    if why is None and not os.access(folder, os.W_OK | os.X_OK):
        why = "it is not writable"
    if why is not None:
        raise HcipError(f"the tables cannot be written here: {why}", file=folder, fix="name another folder with --out")


def release_folder(release: Path, home_path: Path | None) -> Path:
    """The folder of a release named as a folder, a period (``2025H1``) or a period and number (``2025H1/r2``).

    A period alone means its newest release in the home.

    Raises:
        HcipError: the home has no such release.
    """
    named = re.fullmatch(r"([0-9]{4}[Hh][12])(?:/(r[0-9]+))?", str(release))
    if named is None or release.exists():
        return release
    from hcip_pipeline.errors import HcipError
    from hcip_pipeline.home.folders import Home
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.release.reading import releases_of

    home, period = Home.locate(home_path), PerformancePeriod.parse(named[1])
    released = {folder.name: folder for folder in releases_of(home, period)}
    found = released.get(named[2]) if named[2] else next(reversed(released.values()), None)
    if found is None:
        raise HcipError(
            f"{release} has no release in this home",
            file=home.releases / str(period),
            fix=f"choose one of {', '.join(released)}"
            if released
            else f"run `hcip run {period}`, or name the home with --home",
        )
    return found


def show_json(facts: Any) -> None:
    """Print ``facts`` as JSON on standard output."""
    click.echo(json.dumps(facts, indent=2, default=str, ensure_ascii=False))
