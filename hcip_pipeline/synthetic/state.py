"""Writing a whole state: quarter by quarter, so that a large one needs no more memory than its busiest quarter.

Belongs here: the order of things, and what is reported about them. Does not belong here: any of the things themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from hcip_pipeline.errors import HcipError, UsageError
from hcip_pipeline.periods import PerformancePeriod, Quarter
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.synthetic.abstracts import Scene, account_numbers, write_charges, write_discharges
from hcip_pipeline.synthetic.case_mix import load_case_mix
from hcip_pipeline.synthetic.charges import ChargeMaster, draw_charges
from hcip_pipeline.synthetic.comorbidities import Comorbidities
from hcip_pipeline.synthetic.faults import ODD_RATE
from hcip_pipeline.synthetic.files import FILE_FORMATS, FileFormat, write_csv, write_text
from hcip_pipeline.synthetic.hospitals import choose_hospitals, local_mix, quarterly_volumes
from hcip_pipeline.synthetic.patients import Population
from hcip_pipeline.synthetic.physicians import TRENDS, Physicians, employ_physicians
from hcip_pipeline.synthetic.program_files import certify, write_program
from hcip_pipeline.synthetic.protocols import plan_program, write_protocols
from hcip_pipeline.synthetic.reference_files import write_references
from hcip_pipeline.synthetic.resubmissions import Submitter
from hcip_pipeline.synthetic.stays import Dispositions, Stays, draw_stays
from hcip_pipeline.synthetic.streams import Integers

#: The state of ``hcip demo``: a base year, a baseline year, and the year whose two half-years are settled.
DEMO_START, DEMO_END = Quarter(2023, 1), Quarter(2025, 4)
DEMO_HOSPITALS = 6
DEMO_DISCHARGES_PER_YEAR = 12_000


@dataclass(frozen=True)
class SynthReport:
    """What was written.

    Attributes:
        truth: the folder, beside the inbox, that says what was planted.
        total_charges: of what each hospital sent first, dollars.
        defects: rows of ``truth/defects.csv``: what the intake must find, be it planted, its consequence, or one of
            the few cells that any hospital's abstracts lack.
    """

    inbox: Path
    truth: Path
    hospitals: tuple[str, ...]
    quarters: tuple[str, ...]
    periods: tuple[str, ...]
    submissions: int
    discharges: int
    charge_lines: int
    total_charges: Decimal
    physicians: int
    care_partners: int
    protocols: int
    defects: int


def generate_state(
    inbox: Path,
    *,
    hospitals: int,
    discharges_per_year: int,
    start: Quarter,
    end: Quarter,
    seed: int,
    defects: bool = False,
    file_format: FileFormat = "csv",
    first_period: PerformancePeriod | None = None,
    progress: Callable[[str], None] | None = None,
) -> SynthReport:
    """Write an inbox as inputs.md describes it, and ``truth/`` beside it.

    The same arguments give the same bytes on any machine (``csv.gz`` and ``parquet``: with the same libraries).

    Args:
        inbox: the folder to write into; what is there already must not be an inbox.
        hospitals: how many, of the acute ones in the reference table.
        discharges_per_year: of all hospitals together.
        start, end: the first and the last quarter; the first one's year is the policy's base year.
        seed: 0 or more.
        defects: plant every kind of fault that the intake knows.
        file_format: of hospital submissions; defects need text, so not ``parquet``.
        first_period: the first performance period of most hospitals; by default the first half of the year after the
            base year, or of the last year if that is earlier.
        progress: told each quarter once it is written.

    Raises:
        UsageError: arguments that cannot be met.
        HcipError: ``inbox`` holds an inbox.
    """
    _check(inbox, start, end, seed, file_format, defects)
    quarters = [start]
    while quarters[-1] < end:
        quarters.append(quarters[-1].next())
    years = list(range(start.year, end.year + 1))
    periods = sorted({PerformancePeriod(q.year, (q.number + 1) // 2) for q in quarters})
    first_period = first_period or PerformancePeriod(min(start.year + 1, end.year), 1)

    reference = load_reference(None)
    mix = load_case_mix(reference)
    places = choose_hospitals(reference, mix, hospitals, discharges_per_year, seed)
    local = local_mix(places, mix, seed)
    physicians = employ_physicians(places, mix, local, discharges_per_year, years, seed)
    scene = Scene(
        places,
        mix,
        physicians,
        Dispositions.load(),
        ChargeMaster.load(reference, mix),
        Comorbidities.prepare(seed),
        seed,
    )
    volumes = quarterly_volumes(places, discharges_per_year, quarters, seed)
    truth = inbox.parent / "truth"
    surgical = tuple(code for code, is_surgical in zip(mix.apr_drg, mix.surgical, strict=True) if is_surgical)
    submitter = Submitter(inbox, file_format, surgical, seed)
    if defects:
        submitter.plan_defects(places.ccn, quarters, volumes, reference["hospitals"]["ccn"].to_list())

    program = plan_program(places, first_period, start.year, end, seed)
    partners = certify(places, physicians, program, end.year, seed)
    write_references(inbox / "reference", places, physicians, quarters, seed, ODD_RATE if defects else None)
    write_program(inbox / "program", truth, places, physicians, program, partners, periods, seed)
    protocols = write_protocols(inbox / "protocols", places, program, end, seed)
    write_text(inbox / "policy.yaml", _policy(start, seed))
    _tell_effects(truth, places.ccn, physicians, years)

    population = Population(places, mix, scene.dispositions, seed)
    discharges = lines = 0
    total = Decimal(0)
    for quarter, counts in zip(quarters, volumes, strict=True):
        stays = draw_stays(quarter, counts, places, mix, local, physicians, scene.dispositions, seed)
        account = account_numbers(quarter, stays)
        people, links = population.admit(quarter, stays, account)
        charges = draw_charges(quarter, stays, places, mix, scene.master, start.year, seed)
        tables = {
            "discharges": write_discharges(scene, quarter, stays, people, charges, account),
            "charges": write_charges(scene, stays, charges, account),
        }
        for ccn, own in _by_hospital(places.ccn, tables, stays, charges.stay):
            total += submitter.submit(quarter, ccn, own)
        write_csv(truth / "patient_links" / f"{quarter}.csv", links)
        write_csv(truth / "outliers" / f"{quarter}.csv", _outliers(stays, account, places.ccn))
        discharges += len(stays)
        lines += len(charges.stay)
        if progress is not None:
            progress(f"{quarter}: {len(stays):,} discharges with {len(charges.stay):,} charge lines")
    found = submitter.write_truth(truth)
    return SynthReport(
        inbox=inbox,
        truth=truth,
        hospitals=places.ccn,
        quarters=tuple(map(str, quarters)),
        periods=tuple(map(str, periods)),
        submissions=submitter.submissions,
        discharges=discharges,
        charge_lines=lines,
        total_charges=total,
        physicians=len(physicians),
        care_partners=len(partners.hospital),
        protocols=protocols,
        defects=found,
    )


def demo_state(inbox: Path, seed: int, progress: Callable[[str], None] | None = None) -> SynthReport:
    """The small state of ``hcip demo``. Raises as :func:`generate_state`."""
    return generate_state(
        inbox,
        hospitals=DEMO_HOSPITALS,
        discharges_per_year=DEMO_DISCHARGES_PER_YEAR,
        start=DEMO_START,
        end=DEMO_END,
        seed=seed,
        first_period=PerformancePeriod(DEMO_END.year, 1),
        progress=progress,
    )


def _check(inbox: Path, start: Quarter, end: Quarter, seed: int, file_format: str, defects: bool) -> None:
    if end < start:
        raise UsageError(f"{end} is before {start}", fix="name the first quarter first")
    if seed < 0:
        raise UsageError(f"{seed} is no seed", fix="use a whole number, 0 or more")
    if file_format not in FILE_FORMATS:
        raise UsageError(f"'{file_format}' is no file format", fix=f"use one of {', '.join(FILE_FORMATS)}")
    if defects and file_format == "parquet":
        raise UsageError("Parquet cannot hold the faults of text files", fix="plant defects in csv or csv.gz")
    taken = [
        name for name in ("hospital", "program", "protocols", "reference", "policy.yaml") if (inbox / name).exists()
    ]
    taken += ["../truth"] if (inbox.parent / "truth").exists() else []
    if taken:
        raise HcipError(
            f"there is an inbox here already ({', '.join(taken)})",
            file=inbox,
            fix="name a new folder, or remove this one and the truth folder beside it",
        )


def _by_hospital(
    ccns: tuple[str, ...], tables: dict[str, pl.DataFrame], stays: Stays, line_stay: Integers
) -> Iterator[tuple[str, dict[str, pl.DataFrame]]]:
    """Each hospital's part of the tables; rows are in the hospitals' order already."""
    ends = np.searchsorted(stays.hospital, np.arange(len(ccns) + 1))
    line_ends = np.searchsorted(line_stay, ends)
    for number, ccn in enumerate(ccns):
        yield (
            ccn,
            {
                "discharges": tables["discharges"][ends[number] : ends[number + 1]],
                "charges": tables["charges"][line_ends[number] : line_ends[number + 1]],
            },
        )


def _policy(start: Quarter, seed: int) -> list[str]:
    return [
        f"# Policy of a synthetic state (seed {seed}). Every key of methodology §13 may stand here;",
        "# one that does not has its default.",
        f'version: "synthetic-{start.year}"',
        "# The calendar year whose statewide data set the norms.",
        f"base_year: {start.year}",
        "# Improvement is measured against the same half of the year before.",
        "baseline_window: same_half",
        "# Charges are turned into cost by the regulator's markups, reference/cost_factors.csv.",
        "cost_method: markup",
        "# A period is built once every acute hospital of the base year has submitted.",
        "require_complete: hospitals",
    ]


def _tell_effects(truth: Path, ccns: tuple[str, ...], physicians: Physicians, years: list[int]) -> None:
    """How costly each physician's stays were made, year by year (1 = as the APR-DRG's)."""
    count = len(physicians)
    frame = pl.DataFrame(
        {
            "npi": np.repeat(physicians.npi, len(years)),
            "year": np.tile(years, count),
            "home_ccn": np.repeat(np.array(ccns)[physicians.home], len(years)),
            "specialty": np.repeat(physicians.specialty, len(years)),
            "trend": np.repeat(np.array(TRENDS)[physicians.trend], len(years)),
            "is_active": physicians.active.ravel(),
            "cost_effect": np.rint(physicians.cost_effect.ravel() * 10000) / 10000,
            "days_effect": np.rint(physicians.days_effect.ravel() * 10000) / 10000,
        }
    )
    write_csv(truth / "physicians.csv", frame)


def _outliers(stays: Stays, account: Integers, ccns: tuple[str, ...]) -> pl.DataFrame:
    rows = np.flatnonzero(stays.is_outlier)
    return pl.DataFrame(
        {"hospital_ccn": np.array(ccns)[stays.hospital[rows]], "account_no": account[rows].astype(str)},
        schema={"hospital_ccn": pl.String, "account_no": pl.String},
    )
