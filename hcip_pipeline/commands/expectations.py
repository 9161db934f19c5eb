"""``hcip expectations``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import home_option, json_option, policy_option, show_json


@click.command("expectations")
@click.argument("partitions", nargs=-1, required=True)
@home_option
@policy_option
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    partitions: tuple[str, ...],
    home_path: Path | None,
    policy_path: Path | None,
    as_json: bool,
) -> None:
    """Check data against the expectations of its users, and write the results as a page.

    PARTITIONS are quarters (2025Q1: the accepted submissions) or half-years (2025H1: the newest release). Exit 1 if
    any expectation is not met.
    """
    from hcip_pipeline.assets.partitions import parse_key
    from hcip_pipeline.checks.expectations.running import Validated, validate_quarter, validate_release
    from hcip_pipeline.errors import UsageError
    from hcip_pipeline.home.folders import Home
    from hcip_pipeline.periods import PerformancePeriod, Quarter
    from hcip_pipeline.policy.loader import load_policy

    home = Home.locate(home_path)
    found: list[Validated] = []
    for key in [parse_key(text) for text in partitions]:
        if isinstance(key, Quarter):
            found.append(validate_quarter(home, key))
        elif isinstance(key, PerformancePeriod):
            found.append(validate_release(home, key, load_policy(policy_path or home.policy).policy))
        else:
            raise UsageError(f"{key} is a month", fix="name a quarter (2025Q1) or a half-year (2025H1)")
    if as_json:
        show_json([each.as_dict() for each in found])
    else:
        for each in found:
            click.echo("\n".join(each.lines()))
    ctx.exit(0 if all(each.met for each in found) else 1)
