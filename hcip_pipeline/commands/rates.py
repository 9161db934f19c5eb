"""``hcip rates``: published rates as a region's reference tables."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import TYPE_CHECKING

import click

from hcip_pipeline.commands.options import Number
from hcip_pipeline.errors import HcipError, UsageError

if TYPE_CHECKING:
    import polars as pl

_FILE = click.Path(path_type=Path)
_out_option = click.option("--out", type=_FILE, help="File to write, which must not exist yet [default: print].")


@click.group("rates")
def command() -> None:
    """Turn published files into a region's rate tables.

    The result is a reference table: review it, then put it into inbox/reference/ under the same name.
    """


@command.command("hcris")
@click.argument("files", nargs=-1, required=True, type=_FILE)
@click.option("--hospital", "hospitals", multiple=True, metavar="CCN", help="Only this hospital; may be repeated.")
@_out_option
def hcris(files: tuple[Path, ...], hospitals: tuple[str, ...], out: Path | None) -> None:
    """Turn CMS hospital cost reports into cost_factors.csv.

    FILES are RPT and NMRC files, or their zip archives. The table has the ratio of cost to charges by cost center,
    for the policy's cost_method: rcc, and the teaching and disproportionate share adjustments if the worksheets have
    them.
    """
    from hcip_pipeline.reference.cost_reports import read_cost_reports

    found = read_cost_reports(files, hospitals)
    _write(found.frame, out)
    for line in found.left_out[:20]:
        click.echo(f"left out: {line}", err=True)
    if len(found.left_out) > 20:
        click.echo(f"left out: {len(found.left_out) - 20} more", err=True)
    click.echo(
        f"{found.frame['hospital_ccn'].n_unique()} hospitals, {found.frame.height} rows; labor_market is 1 in every "
        "row, because these files do not have it",
        err=True,
    )


@command.command("pfs")
@click.option("--locality", required=True, help="Contractor and locality (12302-01), its name, or NATIONAL.")
@click.option("--rvu", type=_FILE, help="CMS's PPRRVU file of the year; without it, the shipped fees are used.")
@click.option("--gpci", type=_FILE, help="CMS's GPCI file of the year.")
@click.option("--year", type=Number(2010, 2200), help="Calendar year of the two files.")
@click.option("--conversion-factor", help="Dollars per unit [default: the RVU file's].")
@click.option("--levels", default="1,2,3,3", show_default=True, help="Visit level for severity 1, 2, 3 and 4.")
@_out_option
def pfs(
    locality: str,
    rvu: Path | None,
    gpci: Path | None,
    year: int | None,
    conversion_factor: str | None,
    levels: str,
    out: Path | None,
) -> None:
    """Write a locality's Medicare fees for a subsequent hospital visit as per_diem.csv.

    They come from CMS's own files of a year (--rvu, --gpci, --year) or, without these, from the shipped fees of
    Maryland's localities and the nation, 2020 to 2026.
    """
    from hcip_pipeline.reference.visit_fees import read_per_diems, shipped_per_diems

    chosen = _levels(levels)
    if rvu is None and gpci is None and year is None and conversion_factor is None:
        frame = shipped_per_diems(locality, chosen)
    elif rvu is None or gpci is None or year is None:
        raise UsageError("--rvu, --gpci and --year belong together", fix="give all three, or none for the shipped fees")
    else:
        frame = read_per_diems(rvu, gpci, year, locality, _factor(conversion_factor), chosen)
    _write(frame, out)


def _levels(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 4 or not all(part in ("1", "2", "3") for part in parts):
        raise UsageError(f"{text!a} is not four visit levels", fix="give four levels from 1 to 3, such as 1,2,3,3")
    return tuple(map(int, parts))


def _factor(text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        factor = Decimal(text)
    except InvalidOperation as error:
        raise UsageError(f"{text!a} is not a conversion factor", fix="give dollars, such as 32.3465") from error
    if not 1 <= factor <= 1000:
        raise UsageError(f"{text!a} is not a conversion factor", fix="give dollars, such as 32.3465")
    return factor


def _write(frame: pl.DataFrame, out: Path | None) -> None:
    if out is None:
        click.echo(frame.write_csv(), nl=False)
        return
    if out.exists():
        raise HcipError("the file already exists", file=out, fix="name another file; nothing is ever overwritten")
    frame.write_csv(out)
    click.echo(f"wrote {out}: {frame.height} rows", err=True)
