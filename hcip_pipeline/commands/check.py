"""``hcip check``."""

from __future__ import annotations

from pathlib import Path

import click

from hcip_pipeline.commands.options import json_option, policy_option, show_json


@click.command("check")
@click.argument("path", type=click.Path(path_type=Path))
@policy_option
@json_option
@click.option(
    "--html", "html_file", type=click.Path(path_type=Path), help="Write the findings to this file as a web page."
)
@click.option("--period", "period_key", help="Half-year that a program file reports on [default: from its folder].")
@click.pass_context
def command(
    ctx: click.Context,
    path: Path,
    policy_path: Path | None,
    as_json: bool,
    html_file: Path | None,
    period_key: str | None,
) -> None:
    """Check a file before it is sent, against the intake's own rules. Needs no home. Exit 1 if it would be refused.

    PATH is a hospital's submission, CMS claim files, a program or reference file, a survey form, a protocol or a
    policy, or a folder of them.
    """
    from hcip_pipeline.intake.claims.preflight import check_claim_files, holds_claim_files
    from hcip_pipeline.intake.hospital.preflight import check as preflight
    from hcip_pipeline.intake.kept_files import check_kept_files
    from hcip_pipeline.periods import PerformancePeriod
    from hcip_pipeline.policy.loader import load_policy
    from hcip_pipeline.release.synthetic_mark import marked_document
    from hcip_pipeline.rules.rendering import render_html, render_text

    period = PerformancePeriod.parse(period_key) if period_key else None
    facts: object
    if (kept := check_kept_files(path, period)) is not None:
        verdicts = [each.verdict for each in kept]
        facts = [each.as_dict() for each in kept]
    elif holds_claim_files(path):
        archives = check_claim_files(path)
        verdicts, facts = [*archives.verdicts], archives.as_dict()
    else:
        result = preflight(path, policy=load_policy(policy_path).policy if policy_path else None)
        verdicts, facts = [result.verdict], result.as_dict()
    if html_file:
        page = render_html(verdicts).encode()
        html_file.write_bytes(marked_document(page, "text/html") if _is_synthetic(path) else page)
    if as_json:
        show_json(facts)
    else:
        click.echo(render_text(verdicts))
    ctx.exit(0 if verdicts and all(verdict.accepted for verdict in verdicts) else 1)


def _is_synthetic(path: Path) -> bool:
    """Whether a file is in the inbox of an invented state."""
    from hcip_pipeline.errors import HcipError
    from hcip_pipeline.reference.invented import is_synthetic
    from hcip_pipeline.reference.tables import load_reference

    inbox = next((folder for folder in path.absolute().parents if (folder / "reference").is_dir()), None)
    try:
        return inbox is not None and is_synthetic(load_reference(inbox).values())
    except HcipError:
        return False  # the verdict reports what is wrong with the tables
