"""The ``hcip`` command. Thin: each command calls one function of the domain and shows what came back.

Imports of the engines stand inside the commands, so that ``hcip --help`` answers at once.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from hcip_pipeline import __version__
from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.home import Home

Progress = Callable[[str], None]

_home = click.option(
    "--home", "home_path", type=click.Path(path_type=Path), help="Home folder [default: $HCIP_HOME or ./hcip_home]."
)
_policy = click.option(
    "--policy", "policy_path", type=click.Path(path_type=Path), help="Policy file [default: inbox/policy.yaml]."
)
_json = click.option("--json", "as_json", is_flag=True, help="The same facts for machines.")
_threads = click.option("--threads", type=click.IntRange(1), help="Threads; the result does not depend on it.")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="hcip")
def cli() -> None:
    """Settlement of hospital-physician incentive programs: from discharge files to released incentive files."""


@contextmanager
def _progress(as_json: bool) -> Iterator[Progress]:
    """Says what is going on, on standard error: one live line on a terminal, plain lines elsewhere."""
    if as_json:
        yield lambda _: None
        return
    if not sys.stderr.isatty():
        yield lambda message: click.echo(message, err=True)
        return
    from rich.console import Console

    with Console(stderr=True).status("") as status:
        yield lambda message: status.update(message)


def _show(facts: Any) -> None:
    click.echo(json.dumps(facts, indent=2, default=str, ensure_ascii=False))


@cli.command()
@_home
@click.option("--seed", default=2025, show_default=True, help="Another seed makes another state.")
@_threads
@_json
def demo(home_path: Path | None, seed: int, threads: int | None, as_json: bool) -> None:
    """Make a small synthetic state and settle the two half-years of its last year."""
    from hcip_pipeline.assets.execution import settle
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.settlement.summary import demo_periods, print_releases, release_facts
    from hcip_pipeline.synthetic import demo_state

    home = Home.locate(home_path)
    with _progress(as_json) as progress:
        if home.inbox.exists() and not (home.inbox / "SYNTHETIC").exists():
            raise HcipError(
                "this home has an inbox that is not a demo's", file=home.inbox, fix="name another home with --home"
            )
        progress("making a synthetic state")
        demo_state(home.inbox, seed=seed)
        (home.inbox / "SYNTHETIC").write_text(f"made by `hcip demo --seed {seed}`\n", encoding="utf-8")
        load_policy(home.policy)
        releases = [settle(home, period, None, progress=progress, threads=threads) for period in demo_periods(home)]
    if as_json:
        _show([release_facts(release) for release in releases])
    else:
        print_releases(home, releases)


@cli.command()
@click.argument("inbox", type=click.Path(path_type=Path))
@click.option("--hospitals", default=6, show_default=True, type=click.IntRange(1))
@click.option("--discharges-per-year", default=30_000, show_default=True, type=click.IntRange(1))
@click.option("--start", default="2023Q1", show_default=True)
@click.option("--end", default="2025Q4", show_default=True)
@click.option("--seed", default=2025, show_default=True)
@click.option("--defects", is_flag=True, help="Plant each kind of fault and write what was planted to truth/.")
@_json
def synth(
    inbox: Path, hospitals: int, discharges_per_year: int, start: str, end: str, seed: int, defects: bool, as_json: bool
) -> None:
    """Write a seeded synthetic state into the folder INBOX."""
    from hcip_pipeline.periods import Quarter
    from hcip_pipeline.synthetic import generate_state

    first, last = Quarter.parse(start), Quarter.parse(end)
    if last < first:
        raise UsageError(f"the end {end} lies before the start {start}", fix="give --start before --end")
    if inbox.exists() and any(inbox.iterdir()):
        raise HcipError("the folder is not empty", file=inbox, fix="name a new folder; nothing is ever overwritten")
    with _progress(as_json) as progress:
        report = generate_state(
            inbox,
            hospitals=hospitals,
            discharges_per_year=discharges_per_year,
            start=first,
            end=last,
            seed=seed,
            defects=defects,
            progress=progress,
        )
    if as_json:
        _show(report.as_dict())
    else:
        click.echo(report.summary())


@cli.command()
@click.argument("path", type=click.Path(path_type=Path))
@_policy
@_json
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write the findings as a page to this file.")
@click.pass_context
def check(ctx: click.Context, path: Path, policy_path: Path | None, as_json: bool, html_file: Path | None) -> None:
    """Preflight: the intake's own rules on a submission PATH, without a home. Exit code 1 if it would be refused."""
    from hcip_pipeline.intake.hospital.preflight import check as preflight
    from hcip_pipeline.policy.loader import load_policy

    policy = load_policy(policy_path).policy if policy_path else None
    result = preflight(path, policy=policy)
    if html_file:
        html_file.write_text(result.html(), encoding="utf-8")
    if as_json:
        _show(result.as_dict())
    else:
        click.echo(result.summary())
    ctx.exit(0 if result.accepted else 1)


@cli.command()
@click.argument("partitions", nargs=-1)
@_home
@_policy
@_json
def ingest(partitions: tuple[str, ...], home_path: Path | None, policy_path: Path | None, as_json: bool) -> None:
    """Take in what lies in the inbox and is not yet in the lake.

    PARTITIONS are quarters (2025Q1), months (2025-04) or half-years (2025H1); none means all that the inbox holds.
    """
    from hcip_pipeline.assets.execution import ingest as take_in
    from hcip_pipeline.settlement.summary import print_ingest

    home = Home.locate(home_path)
    with _progress(as_json) as progress:
        report = take_in(home, partitions, policy_path, progress=progress)
    if as_json:
        _show(report.as_dict())
    else:
        print_ingest(home, report)


@cli.command()
@click.argument("period")
@_home
@_policy
@_threads
@_json
def run(period: str, home_path: Path | None, policy_path: Path | None, threads: int | None, as_json: bool) -> None:
    """Ingest what PERIOD (2025H1) needs, build it, check it, release it."""
    from hcip_pipeline.periods import PerformancePeriod

    parsed = PerformancePeriod.parse(period)
    from hcip_pipeline.assets.execution import settle
    from hcip_pipeline.settlement.summary import print_releases, release_facts

    home = Home.locate(home_path)
    with _progress(as_json) as progress:
        release = settle(home, parsed, policy_path, progress=progress, threads=threads)
    if as_json:
        _show(release_facts(release))
    else:
        print_releases(home, [release])


@cli.command()
@click.option("--sparcs", "sparcs_file", type=click.Path(path_type=Path), help="A New York SPARCS discharge file.")
@click.option("--year", type=click.IntRange(1980, 2100), help="Discharge year, with --sparcs.")
@click.option("--from", "first_day", type=click.DateTime(["%Y-%m-%d"]), help="First discharge day, on submitted data.")
@click.option("--to", "last_day", type=click.DateTime(["%Y-%m-%d"]), help="Last discharge day, on submitted data.")
@_home
@_policy
@_json
def study(
    sparcs_file: Path | None,
    year: int | None,
    first_day: Any,
    last_day: Any,
    home_path: Path | None,
    policy_path: Path | None,
    as_json: bool,
) -> None:
    """Norms, opportunity and performance incentives of any window, on public or submitted data. Nothing is payable."""
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.study.sparcs_study import run_sparcs_study
    from hcip_pipeline.study.summary import print_study
    from hcip_pipeline.study.window_study import run_window_study

    home = Home.locate(home_path)
    if policy_path is None and not sparcs_file and home.policy.exists():
        policy_path = home.policy  # submitted data are judged by their own region's policy, public data by the defaults
    policy = load_policy(policy_path).policy if policy_path else None
    with _progress(as_json) as progress:
        if sparcs_file and year and not (first_day or last_day):
            result = run_sparcs_study(home, sparcs_file, year, policy, progress=progress)
        elif first_day and last_day and not (sparcs_file or year):
            if last_day < first_day:
                raise UsageError("--to lies before --from", fix="give the first day, then the last")
            result = run_window_study(home, first_day.date(), last_day.date(), policy, progress=progress)
        else:
            raise UsageError(
                "a study is either of a SPARCS file or of a window of submitted data",
                fix="give --sparcs FILE --year Y, or --from D --to D",
            )
    if as_json:
        _show(result.as_dict())
    else:
        print_study(result)


@cli.command()
@click.argument("release", type=click.Path(path_type=Path))
@_json
@click.pass_context
def verify(ctx: click.Context, release: Path, as_json: bool) -> None:
    """Recompute every payment of RELEASE (a folder such as releases/2025H1/r1) from its files. Exit 1 on any cent."""
    from hcip_pipeline.release.verification import UnreadableReleaseError, verify_release

    try:
        with _progress(as_json) as progress:
            report = verify_release(release, progress)
    except UnreadableReleaseError as error:
        raise HcipError(error.message, file=release, fix=error.fix) from error
    if as_json:
        _show(report.as_dict())
    else:
        click.echo(report.text())
    ctx.exit(0 if report.ok else 1)


def main(arguments: list[str] | None = None) -> None:
    """Run the command; an error is a message and an exit code, never a stack trace (unless ``HCIP_DEBUG`` is set)."""
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("GX_ANALYTICS_ENABLED", "false")
    try:
        cli.main(args=arguments, prog_name="hcip", standalone_mode=False)
    except click.exceptions.Exit as finished:
        sys.exit(finished.exit_code)
    except click.Abort:
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except HcipError as error:
        if "--json" in (arguments if arguments is not None else sys.argv):
            _show(error.as_dict())
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("HCIP_DEBUG"):
            raise
        click.echo(
            f"error: a fault of the program itself ({type(error).__name__}: {error})\n"
            "What to do: run it again with HCIP_DEBUG=1 and report the trace it prints",
            err=True,
        )
        sys.exit(1)
