"""Writing a whole state: quarter by quarter, so that a large one needs only the memory of its busiest quarter.

Belongs here: the order of the steps. Does not belong here: the steps themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from hcip_pipeline.periods import Month, PerformancePeriod, Quarter
from hcip_pipeline.reference.tables import load_reference
from hcip_pipeline.synthetic.abstracts import Scene, account_numbers, write_charges, write_discharges
from hcip_pipeline.synthetic.case_mix import load_case_mix
from hcip_pipeline.synthetic.cclf import CclfWriter, CmsShape
from hcip_pipeline.synthetic.charges import ChargeMaster, draw_charges
from hcip_pipeline.synthetic.comorbidities import Comorbidities
from hcip_pipeline.synthetic.faults import ODD_RATE
from hcip_pipeline.synthetic.files import FileFormat, write_csv, write_text
from hcip_pipeline.synthetic.hospitals import choose_hospitals, invented_hospitals, local_mix, quarterly_volumes
from hcip_pipeline.synthetic.patients import Population
from hcip_pipeline.synthetic.physicians import TRENDS, Physicians, employ_physicians
from hcip_pipeline.synthetic.program_files import ProgramState, certify, write_program
from hcip_pipeline.synthetic.protocols import plan_program, write_protocols
from hcip_pipeline.synthetic.quality_effects import NETWORK, TOPIC, QualityEffects, plan_effects, record_quality_effects
from hcip_pipeline.synthetic.reference_files import network_members, write_references
from hcip_pipeline.synthetic.report import SynthReport
from hcip_pipeline.synthetic.resubmissions import Submitter
from hcip_pipeline.synthetic.stays import Dispositions, Stays, draw_stays
from hcip_pipeline.synthetic.streams import Integers

#: CMS delivers until the last quarter's claims are 90 days old.
_RUN_OUT_MONTHS = 3


@dataclass(frozen=True)
class StateArguments:
    """Arguments that determine a state.

    Attributes:
        hospitals: number of hospitals, out of the invented ones (``hospitals.invented_hospitals``).
        discharges_per_year: of all hospitals together.
        start, end: first and last quarter; the year of the first is the policy's base year.
        seed: 0 or more.
        defects: plant every kind of fault that the intake detects.
        cms: also write CMS's monthly archives, for the months of the quarters and the three after them.
        file_format: of hospital submissions; defects need text tables, so neither ``parquet`` nor ``x12`` (bills).
        first_period: the first performance period of most hospitals; by default the first half of the year after the
            base year, or of the last year if that is earlier.
        effects: plant effects on quality in the last year (``quality_effects``).
        cms_last_months: write only this many of CMS's months, the last ones, with the stays from then on.
        cms_beneficiaries: minimum number of beneficiaries; those beyond the patients of the stays have no stays.
        cms_shape: the format of CMS's months: CCLF archives, or BCDA exports.
    """

    hospitals: int
    discharges_per_year: int
    start: Quarter
    end: Quarter
    seed: int
    defects: bool = False
    cms: bool = True
    file_format: FileFormat = "csv"
    first_period: PerformancePeriod | None = None
    effects: bool = True
    cms_last_months: int | None = None
    cms_beneficiaries: int = 0
    cms_shape: CmsShape = "cclf"

    @property
    def begins(self) -> PerformancePeriod:
        """The first performance period of most hospitals."""
        return self.first_period or PerformancePeriod(min(self.start.year + 1, self.end.year), 1)

    @property
    def quarters(self) -> list[Quarter]:
        """Quarters that the state has data for."""
        quarters = [self.start]
        while quarters[-1] < self.end:
            quarters.append(quarters[-1].next())
        return quarters

    @property
    def years(self) -> list[int]:
        """Calendar years that the state has data for."""
        return list(range(self.start.year, self.end.year + 1))

    @property
    def periods(self) -> list[PerformancePeriod]:
        """Every half-year with at least one covered quarter."""
        return sorted({PerformancePeriod(quarter.year, (quarter.number + 1) // 2) for quarter in self.quarters})

    @property
    def cms_months(self) -> tuple[Month, Month]:
        """First and last month of claim files."""
        last = Month(self.end.year, 3 * self.end.number)
        for _ in range(_RUN_OUT_MONTHS):
            last = last.next()
        first = Month(self.start.year, 3 * self.start.number - 2)
        if self.cms_last_months is not None:
            before = last.year * 12 + last.number - self.cms_last_months  # the month before, counted from year 0
            first = max(first, Month(before // 12, before % 12 + 1))
        return first, last


def write_state(
    inbox: Path, truth: Path, arguments: StateArguments, progress: Callable[[str], None] | None
) -> SynthReport:
    """Write an inbox and a truth folder. Raises UsageError for arguments that cannot be met."""
    seed, years, quarters = arguments.seed, arguments.years, arguments.quarters
    reference = load_reference(None)
    mix = load_case_mix(reference)
    places = choose_hospitals(mix, arguments.hospitals, arguments.discharges_per_year, seed)
    physicians = employ_physicians(
        places, mix, local_mix(places, mix, seed), arguments.discharges_per_year, years, seed
    )
    program = plan_program(places, arguments.begins, years[0], arguments.end, seed)
    partners = certify(places, physicians, program, years[-1], seed)
    members = network_members(places, quarters[0].year, seed, NETWORK, TOPIC)
    effects = QualityEffects.none(len(places))
    if arguments.effects:
        in_order = partners.planted == ""
        certified = list(zip(partners.hospital[in_order].tolist(), partners.physician[in_order].tolist(), strict=True))
        effects, physicians = plan_effects(places, physicians, members, certified, years)
    scene = Scene(
        hospitals=places,
        mix=mix,
        physicians=physicians,
        dispositions=Dispositions.load(),
        master=ChargeMaster.load(reference, mix),
        comorbidities=Comorbidities.prepare(seed),
        effects=effects,
        seed=seed,
    )
    volumes = quarterly_volumes(places, arguments.discharges_per_year, quarters, seed)
    surgical = tuple(code for code, is_surgical in zip(mix.apr_drg, mix.surgical, strict=True) if is_surgical)
    submitter = Submitter(inbox, arguments.file_format, surgical, seed)
    if arguments.defects:
        submitter.plan_defects(places.ccn, quarters, volumes, invented_hospitals()["ccn"].to_list())

    odd_rate = ODD_RATE if arguments.defects else None
    write_references(inbox / "reference", places, physicians, partners.physician, quarters, seed, odd_rate)
    state = ProgramState(places, physicians, program, partners, seed)
    write_program(inbox / "program", truth, state, arguments.periods)
    protocols = write_protocols(inbox / "protocols", places, program, arguments.end, seed)
    write_text(inbox / "policy.yaml", _policy(arguments))
    _record_effects(truth, places.ccn, physicians, years)
    record_quality_effects(truth, places, physicians, effects, members)
    claims = None
    if arguments.cms:
        claims = CclfWriter(inbox, truth, *arguments.cms_months, seed, arguments.cms_beneficiaries, arguments.cms_shape)
    written = _write_quarters(scene, arguments, volumes, submitter, claims, truth, progress)
    if claims is not None and progress is not None:
        progress("CMS's monthly files")
    return SynthReport(
        inbox=inbox,
        truth=truth,
        seed=seed,
        hospitals=places.ccn,
        quarters=tuple(map(str, quarters)),
        periods=tuple(map(str, arguments.periods)),
        submissions=submitter.submissions,
        discharges=written.discharges,
        charge_lines=written.charge_lines,
        total_charges=written.total_charges,
        physicians=len(physicians),
        care_partners=len(partners.hospital),
        protocols=protocols,
        cms_archives=claims.finish() if claims is not None else 0,
        defects=submitter.write_truth(truth),
    )


@dataclass
class _Written:
    discharges: int = 0
    charge_lines: int = 0
    total_charges: Decimal = Decimal(0)


def _write_quarters(
    scene: Scene,
    arguments: StateArguments,
    volumes: Integers,
    submitter: Submitter,
    claims: CclfWriter | None,
    truth: Path,
    progress: Callable[[str], None] | None,
) -> _Written:
    places, mix, seed = scene.hospitals, scene.mix, scene.seed
    local = local_mix(places, mix, seed)
    population = Population(places, mix, scene.dispositions, seed, scene.effects)
    written = _Written()
    for quarter, counts in zip(arguments.quarters, volumes, strict=True):
        stays = draw_stays(quarter, counts, scene, local)
        account = account_numbers(quarter, stays)
        people, links = population.admit(quarter, stays, account)
        charges = draw_charges(quarter, stays, places, mix, scene.master, arguments.start.year, seed)
        discharges = write_discharges(scene, quarter, stays, people, charges, account)
        lines = write_charges(scene, stays, charges, account)
        for ccn, own in _by_hospital(places.ccn, discharges, lines, stays, charges.stay):
            written.total_charges += submitter.submit(quarter, ccn, own)
        if claims is not None and quarter.next().start > arguments.cms_months[0].start:
            claims.add(discharges)
        write_csv(truth / "patient_links" / f"{quarter}.csv", links)
        write_csv(truth / "outliers" / f"{quarter}.csv", _outliers(stays, account, places.ccn))
        written.discharges += len(stays)
        written.charge_lines += len(lines)
        if progress is not None:
            progress(f"{quarter}: {len(stays):,} discharges with {len(lines):,} charge lines")
    return written


def _by_hospital(
    ccns: tuple[str, ...], discharges: pl.DataFrame, lines: pl.DataFrame, stays: Stays, line_stay: Integers
) -> Iterator[tuple[str, dict[str, pl.DataFrame]]]:
    """Each hospital's part of the tables, whose rows are already in the hospitals' order."""
    ends = np.searchsorted(stays.hospital, np.arange(len(ccns) + 1))
    line_ends = np.searchsorted(line_stay, ends)
    for number, ccn in enumerate(ccns):
        yield (
            ccn,
            {
                "discharges": discharges[ends[number] : ends[number + 1]],
                "charges": lines[line_ends[number] : line_ends[number + 1]],
            },
        )


def _policy(arguments: StateArguments) -> list[str]:
    year = arguments.start.year
    return [
        f"# Policy of a synthetic state (seed {arguments.seed}). Any key of methodology §13 may be given here;",
        "# the others have their defaults.",
        f'version: "synthetic-{year}"',
        "# The calendar year whose statewide data set the norms.",
        f"base_year: {year}",
        "# Improvement is measured against the same half of the previous year.",
        "baseline_window: same_half",
        "# Charges are converted to cost by the regulator's markups, reference/cost_factors.csv.",
        "cost_method: markup",
        "# A period is built once every acute hospital of the base year has submitted.",
        "require_complete: hospitals",
    ]


def _record_effects(truth: Path, ccns: tuple[str, ...], physicians: Physicians, years: list[int]) -> None:
    """Write the planted effect of each physician on the cost of stays, by year (1: as the APR-DRG's)."""
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
