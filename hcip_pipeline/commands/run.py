"""``hcip run``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import (
    engine_options,
    home_option,
    json_option,
    policy_option,
    show_json,
    threads_option,
)
from hcip_pipeline.commands.progress import Progress, shown_progress, volume_options
from hcip_pipeline.home.folders import Home

if TYPE_CHECKING:
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.publishing.writer import Release
    from hcip_pipeline.warehouse.engine_choice import EngineChoice


@click.command("run")
@click.argument("period")
@home_option
@policy_option
@threads_option
@engine_options
@click.option("--onward", is_flag=True, help="Then settle every later released period again, in order.")
@click.option("--rebuild", is_flag=True, help="Build the period even if nothing has changed.")
@volume_options
@json_option
def command(
    period: str,
    home_path: Path | None,
    policy_path: Path | None,
    threads: int | None,
    engine: str | None,
    master: str,
    onward: bool,
    rebuild: bool,
    as_json: bool,
) -> None:
    """Settle PERIOD (2025H1): ingest what it needs, build it, check it, release it.

    If hashes show that nothing has changed since the newest release, the period is not built again. Later releases
    that rest on a superseded one are stale: --onward settles them again.
    """
    from hcip_pipeline.alerting.settings import chosen_engine
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.release.reading import released_periods, waits_for_later
    from hcip_pipeline.warehouse.engine_choice import EngineChoice

    parsed = PerformancePeriod.parse(period)
    home = Home.locate(home_path)
    with shown_progress(as_json, home.root) as progress:
        progress(f"{parsed}: opening the home")  # before the imports, which take seconds without output
        chosen = chosen_engine(home, EngineChoice(engine or "", master))
        later = [each for each in released_periods(home) if each > parsed] if onward else []
        settled = partial(
            settle_or_recognize, home, policy_path=policy_path, threads=threads, progress=progress, engine=chosen
        )
        releases = [settled(each, rebuild=rebuild) for each in (parsed, *later)]
        while later and any(r.is_new for r in releases) and any(waits_for_later(r.folder) for r in releases):
            # The later half-years have now freed their part of the year's cap: settle the payments that waited for it.
            releases = [settled(each, rebuild=False) for each in (parsed, *later)]
    show(home, parsed, releases, as_json)


def settle_or_recognize(
    home: Home,
    period: PerformancePeriod,
    policy_path: Path | None,
    *,
    rebuild: bool,
    threads: int | None,
    progress: Progress,
    engine: EngineChoice | None = None,
) -> Release:
    """The period's newest release if nothing has changed since, else the release of a new run.

    Raises:
        HcipError: the run failed, and nothing was released.
    """
    from hcip_pipeline.alerting.settings import check_settings
    from hcip_pipeline.ledger.comparison import check_home
    from hcip_pipeline.publishing.writer import existing_release
    from hcip_pipeline.settlement.recognition import outlook

    lacks_files = False
    if home.inbox.is_dir():  # a folder that is not a home is reported by the first step that reads it
        check_settings(home, lambda _: None, signs=True)  # the run itself reports alerts that reach no one
        lacks_files = bool(check_home(home, (), progress, reads_inbox=False))
    seen = outlook(home, period, policy_path)
    if seen.unchanged is not None and not rebuild and not lacks_files:
        progress(f"{period}: nothing changed since {seen.unchanged.name}")
        return existing_release(seen.unchanged)
    from hcip_pipeline.assets.execution import settle  # takes a second to import

    return settle(home, period, policy_path, progress=progress, threads=threads, seen=seen, engine=engine)


def show(home: Home, period: PerformancePeriod, releases: list[Release], as_json: bool) -> None:
    """Print the releases, inbox files that changed or were refused, and the later releases that are stale."""
    from hcip_pipeline.ledger.lines import head_of
    from hcip_pipeline.operations.summary import print_releases, release_facts
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.release.rests_on import stale_releases
    from hcip_pipeline.settlement.recognition import changed_at_last_run
    from hcip_pipeline.settlement.refused_files import refused_files

    stale = stale_releases(home, period)
    settled = [PerformancePeriod.parse(release.period) for release in releases]
    changed = list(dict.fromkeys(change for each in settled for change in changed_at_last_run(home, each)))
    refused = list(dict.fromkeys(file for each in settled for file in refused_files(home, each)))
    if as_json:
        facts = [release_facts(release, head_of(home)) for release in releases]
        onward_facts = {
            "stale": [reason.as_dict() for reason in stale],
            "changed_since_taken_in": [c.as_dict() for c in changed],
            "refused_files": [file.as_dict() for file in refused],
        }
        show_json(facts[0] | {"onward": facts[1:]} | onward_facts)
        return
    print_releases(home, releases)
    for each in changed:
        click.echo(f"not ingested: {each}\nWhat to do: {each.fix}")
    for file in refused:
        click.echo(f"{file}\nWhat to do: {file.fix}")
    for holding in _waiting(home, settled):
        click.echo(f"waiting: {holding} holds payments that the {holding.year} cap had no room for")
        click.echo(f"What to do: settle it and the later half-years again: `hcip run {holding} --onward`")
    for reason in stale:
        click.echo(f"stale: {reason}")
    for fix in dict.fromkeys(reason.fix for reason in stale):
        click.echo(f"What to do: {fix}")


def _waiting(home: Home, settled: list[PerformancePeriod]) -> list[PerformancePeriod]:
    """Released half-years of the settled years with payments that wait for a later half-year."""
    from hcip_pipeline.release.reading import released_periods, releases_of, waits_for_later

    of_years = [each for each in released_periods(home) if each.year in {period.year for period in settled}]
    return [each for each in of_years if waits_for_later(releases_of(home, each)[-1])]
