"""``hcip check``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from hcip_pipeline.commands.options import json_option, policy_option, show_json


@click.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@policy_option
@json_option
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write the findings as a page to this file.")
@click.pass_context
def command(ctx: click.Context, path: Path, policy_path: Path | None, as_json: bool, html_file: Path | None) -> None:
    """Preflight: the intake's own rules, without a home; exit code 1 if refused.

    PATH is a hospital's submission, CMS claim files, or a survey form that is filled in.
    """
    from hcip_pipeline.contracts.survey import parse_form_name
    from hcip_pipeline.errors import UsageError
    from hcip_pipeline.intake.cclf.preflight import check_claim_files, holds_claim_files
    from hcip_pipeline.intake.hospital.preflight import check as preflight
    from hcip_pipeline.intake.survey_intake import check_survey
    from hcip_pipeline.policy.loader import load_policy

    if parse_form_name(path.name):
        if html_file:
            raise UsageError("there is no page of findings for a survey", file=path, fix="leave out --html")
        form = check_survey(path)
        if as_json:
            show_json(asdict(form))
        else:
            click.echo(form.details())
        ctx.exit(0 if form.status == "accepted" else 1)
    if holds_claim_files(path):
        if html_file:
            raise UsageError("there is no page of findings for claim files", file=path, fix="leave out --html")
        archives = check_claim_files(path)
        if as_json:
            show_json(archives.as_dict())
        else:
            click.echo(archives.summary())
        ctx.exit(0 if archives.accepted else 1)
    policy = load_policy(policy_path).policy if policy_path else None
    result = preflight(path, policy=policy)
    if html_file:
        html_file.write_text(result.html(), encoding="utf-8")
    if as_json:
        show_json(result.as_dict())
    else:
        click.echo(result.summary())
    ctx.exit(0 if result.accepted else 1)
