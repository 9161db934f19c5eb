"""The least of a month of claims that gives a physician a fee-schedule estimate at a hospital (methodology §11)."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal

import polars as pl

from tests.scenario import table


def fee_schedule_claims(*amounts: tuple[str, str, int, Decimal]) -> dict[str, pl.DataFrame]:
    """For each (hospital, NPI, year, amount): one beneficiary with a stay there and one line of the physician's."""
    delivered = {
        "source_archive": "made",
        "file_date": dt.date(2025, 9, 1),
        "delivery_month": "2025-09",
        "is_run_out": False,
    }
    stays, lines = [], []
    for row, (ccn, npi, year, amount) in enumerate(amounts, start=1):
        claim = {"bene_mbi_id": f"1A00A00AA{row:02d}", "clm_adjsmt_type_cd": "0", "source_row": row, **delivered}
        day = dt.date(year, 2, 3)
        stays.append(
            claim
            | {
                "cur_clm_uniq_id": f"{row:013d}",
                "clm_type_cd": "60",
                "prvdr_oscar_num": ccn,
                "clm_blg_prvdr_oscar_num": ccn,
                "clm_from_dt": day,
                "clm_thru_dt": day + dt.timedelta(days=2),
                "clm_pmt_amt": Decimal(1000),
                "source_file": "CCLF1",
            }
        )
        lines.append(
            claim
            | {
                "cur_clm_uniq_id": f"{9000 + row:013d}",
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
                "source_file": "CCLF5",
            }
        )
    return {"cclf1": table("cclf1", stays), "cclf5": table("cclf5", lines)}
