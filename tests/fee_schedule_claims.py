"""The minimal month of claims that gives a physician a fee-schedule estimate at a hospital (methodology §11).

Belongs here: claims of one line, CMS's later changes to them, and their archive. Does not belong here: any assertion.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path

import polars as pl

from hcip_pipeline.contracts.cms import LAYOUTS
from hcip_pipeline.synthetic.cclf_records import archive_name, encode, write_archive
from tests.scenario import table

_ORGANIZATION = "D0210.ACO"


def fee_schedule_claims(*amounts: tuple[str, str, int, Decimal]) -> dict[str, pl.DataFrame]:
    """For each (hospital, NPI, year, amount): one beneficiary with a stay there and one line of the physician's."""
    stays = [_stay(row, ccn, year) for row, (ccn, _, year, _) in enumerate(amounts, start=1)]
    lines = [_line(row, npi, year, amount, "0") for row, (_, npi, year, amount) in enumerate(amounts, start=1)]
    return {"cclf1": table("cclf1", stays), "cclf5": table("cclf5", lines)}


def adjusted_claims(npi: str, year: int, was: Decimal, becomes: Decimal) -> dict[str, pl.DataFrame]:
    """A later month in which CMS cancels the first claim's line and replaces it with one of another amount."""
    lines = [_line(1, npi, year, was, "1"), _line(1, npi, year, becomes, "2")]
    return {"cclf5": table("cclf5", lines)}


def deliver(inbox: Path, day: dt.date, frames: Mapping[str, pl.DataFrame]) -> Path:
    """Put claims into the inbox as the archive of that day's month."""
    nothing = pl.DataFrame()
    files = {name: encode(name, frames.get(name, nothing)) for name in LAYOUTS}
    return write_archive(inbox / "cms" / f"{day:%Y-%m}", archive_name(_ORGANIZATION, day), files)


def _claim(row: int, year: int, source: str) -> dict[str, object]:
    return {
        "bene_mbi_id": f"1A00A00AA{row:02d}",
        "clm_adjsmt_type_cd": "0",
        "source_row": row,
        "source_file": source,
        "source_archive": "made",
        "file_date": dt.date(year, 9, 1),
        "delivery_month": f"{year}-09",
        "is_run_out": False,
    }


def _stay(row: int, ccn: str, year: int) -> dict[str, object]:
    day = dt.date(year, 2, 3)
    return _claim(row, year, "CCLF1") | {
        "cur_clm_uniq_id": f"{row:013d}",
        "clm_type_cd": "60",
        "prvdr_oscar_num": ccn,
        "clm_blg_prvdr_oscar_num": ccn,
        "clm_from_dt": day,
        "clm_thru_dt": day + dt.timedelta(days=2),
        "clm_pmt_amt": Decimal(1000),
    }


def _line(row: int, npi: str, year: int, amount: Decimal, adjustment: str) -> dict[str, object]:
    day = dt.date(year, 2, 3)
    return _claim(row, year, "CCLF5") | {
        "cur_clm_uniq_id": f"{9000 + row + 100 * int(adjustment):013d}",
        "clm_adjsmt_type_cd": adjustment,
        "clm_line_num": "1",
        "clm_type_cd": "71",
        "clm_cntl_num": f"C{row:05d}",
        "clm_from_dt": day,
        "clm_thru_dt": day,
        "clm_line_from_dt": day,
        "clm_line_thru_dt": day,
        "rndrg_prvdr_npi_num": npi,
        "clm_rndrg_prvdr_npi_num": npi,
        "clm_line_cvrd_pd_amt": amount,
        "clm_line_alowd_chrg_amt": amount,
        "clm_carr_pmt_dnl_cd": "1",
        "clm_prcsg_ind_cd": "A",
    }
