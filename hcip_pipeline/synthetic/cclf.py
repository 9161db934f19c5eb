"""CMS's monthly archives for a synthetic state: the stays that the hospitals report, as Medicare sees them.

Belongs here: beneficiaries and their changing numbers, months and archives, and ``truth/cms``. Does not belong here:
bills (``cclf_claims``), adjustment chains (``cclf_chains``), record layouts (``cclf_records``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.periods import Month
from hcip_pipeline.synthetic import cclf_frames
from hcip_pipeline.synthetic.bcda import ExportWriter
from hcip_pipeline.synthetic.cclf_chains import deliver, month_number
from hcip_pipeline.synthetic.cclf_claims import SyntheticClaims, bill, ready_dates
from hcip_pipeline.synthetic.cclf_records import archive_name, encode, write_archive
from hcip_pipeline.synthetic.files import write_csv
from hcip_pipeline.synthetic.streams import stream

#: The format of CMS's months.
CmsShape = Literal["cclf", "bcda"]
ORGANIZATION = "D0210.ACO"
#: Primary payer of fee-for-service Medicare.
_MEDICARE = "01"
_KEPT = (
    "hospital_ccn", "account_no", "patient_id", "birth_date", "sex", "zip_code", "admit_date", "discharge_date",
    "nature_of_admission", "discharge_disposition", "primary_payer", "attending_npi", "operating_npi",
    "principal_diagnosis", "procedures", "total_charges",
)  # fmt: skip
#: The pattern of an MBI: C is 1–9, A a letter other than S L O I B Z, N a digit, X such a letter or a digit.
_PATTERN = "CAXNAXNAANN"
_LETTERS = "ACDEFGHJKMNPQRTUVWXY"
_ALPHABETS = {"C": "123456789", "A": _LETTERS, "N": "0123456789", "X": "0123456789" + _LETTERS}
_LATIN_NAMES = ("Núñez", "Müller", "François")
_FIRST_OF_2022 = Month(2022, 1)


class CclfWriter:
    """Collects the state's Medicare stays, quarter by quarter, and then writes every month's archive.

    Args:
        inbox: the inbox; archives go to ``cms/<month>/``.
        truth: the folder ``truth/``; final claims go to ``cms/`` below it.
        first, last: first and last month of delivery.
        seed: the state's.
        beneficiaries: the minimum number; those beyond the patients of the stays have no stays.
        shape: the format of the months: CCLF archives, or BCDA exports.
    """

    def __init__(
        self, inbox: Path, truth: Path, first: Month, last: Month, seed: int, beneficiaries: int = 0,
        shape: CmsShape = "cclf",
    ) -> None:  # fmt: skip
        self._inbox, self._truth = inbox, truth
        self._first, self._last, self._seed = first, last, seed
        self._beneficiaries = beneficiaries
        self._exports = ExportWriter() if shape == "bcda" else None
        self._stays: list[pl.DataFrame] = []

    def add(self, discharges: pl.DataFrame) -> None:
        """Collect the Medicare stays among discharges with the columns of a submission, typed or as text."""
        dates = [
            pl.col(name).cast(pl.String).str.to_date("%Y-%m-%d", strict=False)
            for name in ("birth_date", "admit_date", "discharge_date")
        ]
        money = pl.col("total_charges").cast(pl.String).cast(pl.Decimal(18, 2), strict=False)
        stays = discharges.lazy().select(_KEPT).filter(pl.col("primary_payer") == _MEDICARE).with_columns(*dates, money)
        known = stays.drop_nulls(["patient_id", "birth_date", "admit_date", "discharge_date", "total_charges"])
        self._stays.append(known.collect())

    def finish(self) -> int:
        """Write every archive and the truth; returns the number of archives."""
        stays = pl.concat(self._stays).sort("patient_id", "admit_date", "hospital_ccn", "account_no")
        stays = stays.with_columns(
            stay=pl.int_range(pl.len(), dtype=pl.Int64), person=pl.col("patient_id").rle_id().cast(pl.Int64)
        )
        treated = int(stays["person"].n_unique())
        numbers = self._numbers(max(treated, self._beneficiaries))
        claims = bill(stays, self._seed)
        versions = self._delivered(claims)
        people = self._people(stays, self._beneficiaries - treated)
        archives = 0
        month = self._first
        while month <= self._last:
            number = month_number(month)
            named = (
                numbers.filter(pl.col("from_month") <= number)
                .group_by("person")
                .agg(pl.col("mbi").last())
                .sort("person")
            )
            monthly = versions.filter((pl.col("month") == number) & ~pl.col("in_run_out"))
            changes = numbers.filter((pl.col("from_month") == number) & (pl.col("change") > 0))
            alive = people.filter(pl.col("death_month").is_null() | (pl.col("death_month") >= number))
            write = self._writing(month, versions, named, people)
            write(cclf_frames.frames(monthly, claims, named, alive, changes), run_out=False)
            archives += 1
            if month.number == 4 and month.year > self._first.year:
                again = versions.filter(
                    pl.col("repeated") & (pl.col("month") >= number - 3) & (pl.col("month") < number)
                )
                late = versions.filter(pl.col("in_run_out") & (pl.col("month") == number))
                no_beneficiaries, no_changes = alive.clear(), changes.clear()
                run_out = cclf_frames.frames(pl.concat([again, late]), claims, named, no_beneficiaries, no_changes)
                write(run_out, run_out=True)
                archives += 1
            month = month.next()
        self._write_truth(claims, versions, numbers)
        return archives

    def _delivered(self, claims: SyntheticClaims) -> pl.DataFrame:
        """Versions of every claim; continued home health has its own random stream, so it changes no other claim."""
        ready = ready_dates(claims)
        goes_on = pl.col("claim") >= claims.continued_from
        parts = ((ready.filter(~goes_on), "chains"), (ready.filter(goes_on), "chains of home health"))
        made = [deliver(part, self._first, self._last, self._seed, chances) for part, chances in parts]
        return pl.concat(made)

    def _numbers(self, people: int) -> pl.DataFrame:
        """person, change (0, 1, 2), mbi and its first month, in order; some people change once, a few twice."""
        rng = stream(self._seed, "cclf", "numbers")
        widths = [len(_ALPHABETS[kind]) for kind in _PATTERN]
        codes = np.stack([rng.integers(0, width, people * 4) for width in widths], axis=1)
        _, first = np.unique(codes, axis=0, return_index=True)
        codes = codes[np.sort(first)][: people * 3]
        letters = [np.array(list(_ALPHABETS[kind]))[codes[:, at]] for at, kind in enumerate(_PATTERN)]
        mbi = (
            pl.Series([""]).clear() if not people else pl.DataFrame(letters).select(pl.concat_str(pl.all())).to_series()
        )
        begin, end = month_number(self._first), month_number(self._last)
        once = rng.random(people) < 0.05
        twice = once & (rng.random(people) < 0.2)
        earlier, later = np.sort(rng.integers(begin + 1, max(end, begin + 1) + 1, (2, people)), axis=0)
        rows = [
            pl.DataFrame(
                {
                    "person": who,
                    "change": np.full(len(who), change),
                    "mbi": mbi.gather(who + change * people),
                    "from_month": since[who],
                }
            )
            for change, who, since in (
                (0, np.arange(people), np.full(people, begin)),
                (1, np.flatnonzero(once), earlier),
                (2, np.flatnonzero(twice & (later > earlier)), later),
            )
        ]
        return (
            pl.concat(rows)
            .filter(pl.col("from_month") <= end)
            .sort("person", "change")
            .with_columns(previous=pl.col("mbi").shift(1).over("person"))
        )

    def _people(self, stays: pl.DataFrame, others: int) -> pl.DataFrame:
        died = pl.col("discharge_date").filter(pl.col("discharge_disposition") == "20").max()
        hospice = pl.col("discharge_date").filter(pl.col("discharge_disposition").is_in(["50", "51"])).max()
        people = stays.group_by("person").agg(
            pl.col("birth_date").first(), pl.col("sex").first(), pl.col("zip_code").last(),
            death_date=died, hospice_date=hospice,
        ).sort("person")  # fmt: skip
        if others > 0:
            people = pl.concat([people, self._without_stays(people, others)], how="diagonal")
        return people.with_columns(
            death_month=pl.col("death_date").dt.year().cast(pl.Int64) * 12 + pl.col("death_date").dt.month() - 1,
            last_name=pl.when(pl.col("person") % 40 == 7)
            .then(pl.lit(list(_LATIN_NAMES)).list.get(pl.col("person") % len(_LATIN_NAMES)))
            .otherwise(pl.format("Family{}", pl.col("person"))),
        )

    def _without_stays(self, people: pl.DataFrame, count: int) -> pl.DataFrame:
        """Beneficiaries without stays: birth date, sex and ZIP code are drawn from those with stays."""
        rng = stream(self._seed, "cclf", "without stays")
        like = [rng.integers(0, people.height, count) for _ in range(3)]
        return pl.DataFrame(
            {
                "person": np.arange(people.height, people.height + count),
                "birth_date": people["birth_date"].gather(like[0]),
                "sex": people["sex"].gather(like[1]),
                "zip_code": people["zip_code"].gather(like[2]),
            }
        )

    def _writing(
        self, month: Month, versions: pl.DataFrame, named: pl.DataFrame, people: pl.DataFrame
    ) -> Callable[..., None]:
        """The function that writes a month's rows in the requested format."""
        exports = self._exports
        if exports is None:
            return partial(self._write, month)
        everyone = people.join(named, on="person").sort("person")
        rows = cclf_frames.beneficiaries(everyone).with_columns(person=everyone["person"])
        final = set(versions.filter("is_final")["claim_id"])

        def export(frames: dict[str, pl.DataFrame], *, run_out: bool) -> None:
            folder = self._inbox / "cms" / str(month)
            day = dt.date(month.year, month.number, 15)
            exports.write(folder / "late" if run_out else folder, day, frames, rows, final,
                          hour=2 if run_out else 1, since=run_out)  # fmt: skip

        return export

    def _write(self, month: Month, frames: dict[str, pl.DataFrame], *, run_out: bool) -> None:
        day = dt.date(month.year, month.number, 15)
        generation = 0 if month < _FIRST_OF_2022 else -1
        files = {
            table: encode(table, frames.get(table, pl.DataFrame()), layout.record_lengths[generation])
            for table, layout in LAYOUTS.items()
        }
        year = month.year - 1 if run_out else month.year
        write_archive(
            self._inbox / "cms" / str(month), archive_name(ORGANIZATION, day, run_out=run_out, year=year), files
        )

    def _write_truth(self, claims: SyntheticClaims, versions: pl.DataFrame, numbers: pl.DataFrame) -> None:
        """Write ``truth/cms``: final claims, orphan cancellations, and every number with its current one."""
        current = numbers.group_by("person").agg(current_mbi=pl.col("mbi").last())
        amounts = cclf_frames.amounts(versions, claims).join(current, on="person")
        columns = ["part", "claim_id", "type", "current_mbi", "paid_amount", "allowed_amount", "denied"]
        final = amounts.filter("is_final").select(columns).sort("part", "claim_id")
        write_csv(self._truth / "cms" / "final_claims.csv", final)
        orphans = amounts.filter("is_orphan").select(columns).sort("part", "claim_id")
        write_csv(self._truth / "cms" / "orphan_cancellations.csv", orphans)
        identifiers = numbers.join(current, on="person").select("mbi", "current_mbi").sort("mbi")
        write_csv(self._truth / "cms" / "identifiers.csv", identifiers)
