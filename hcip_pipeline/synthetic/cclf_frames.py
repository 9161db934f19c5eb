"""Delivered versions of claims as rows of the eleven files, with the beneficiary's number in that month.

Belongs here: fields of CCLF1 to CCLF9, A and B. Does not belong here: bytes (``cclf_records``).
"""

from __future__ import annotations

import polars as pl

from hcip_pipeline.synthetic.cclf_claims import SyntheticClaims


def _money(cents: pl.Expr) -> pl.Expr:
    return pl.format("{}.{}", cents // 100, (cents % 100).cast(pl.String).str.zfill(2))


def _scaled(name: str) -> pl.Expr:
    return pl.col(name) * pl.col("percent") // 100


def _delivered(month: pl.Expr, day: int) -> pl.Expr:
    return pl.date(month // 12, month % 12 + 1, day)


def amounts(versions: pl.DataFrame, claims: SyntheticClaims) -> pl.DataFrame:
    """``versions`` with the amounts of each claim: paid and, for lines, allowed; denied lines and claims included."""
    a = claims.part_a.select("claim", "payment_cents").join(versions, on="claim").with_columns(
        paid=_scaled("payment_cents"), allowed=pl.lit(0, dtype=pl.Int64)
    )  # fmt: skip
    lines = claims.lines.select("claim", "paid_cents", "allowed_cents").join(versions, on="claim").with_columns(
        paid=_scaled("paid_cents"), allowed=_scaled("allowed_cents")
    )  # fmt: skip
    keys = versions.columns
    b = lines.group_by(keys).agg(pl.col("paid", "allowed").sum())
    both = pl.concat([a.select(*keys, "paid", "allowed"), b.select(*keys, "paid", "allowed")])
    return both.with_columns(paid_amount=_money(pl.col("paid")), allowed_amount=_money(pl.col("allowed")))


def frames(
    versions: pl.DataFrame, claims: SyntheticClaims, named: pl.DataFrame, people: pl.DataFrame, changes: pl.DataFrame
) -> dict[str, pl.DataFrame]:
    """Rows of every file of one archive.

    Args:
        versions: the versions delivered in it.
        claims: the claims of these versions.
        named: person -> mbi in this month.
        people: beneficiaries to list in CCLF8.
        changes: mbi and previous number of each change in this month.
    """
    delivered = versions.join(named, on="person").sort("claim", "version")
    a = delivered.join(claims.part_a.drop("person", "part"), on="claim", maintain_order="left")
    lines = delivered.join(claims.lines.drop("person", "part"), on="claim", maintain_order="left_right")
    part_a = _part_a(a)
    return {
        "cclf1": part_a,
        "cclf2": _revenue(a, part_a),
        "cclf3": _procedures(a, part_a),
        "cclf4": part_a.select(
            *_CLAIM_FIELDS,
            clm_prod_type_cd=pl.lit("D"),
            clm_val_sqnc_num=pl.lit(1),
            clm_dgns_cd="prncpl_dgns_cd",
            clm_poa_ind=pl.lit("Y"),
            dgns_prcdr_icd_ind=pl.lit("0"),
            clm_blg_prvdr_oscar_num="prvdr_oscar_num",
        ),
        "cclf5": _lines(lines.filter(part="B"), "clm_rndrg_prvdr_npi_num", "rndrg_prvdr_npi_num"),
        "cclf6": _lines(lines.filter(part="DME"), "clm_blg_prvdr_npi_num", "payto_prvdr_npi_num"),
        "cclf7": _drugs(lines.filter(part="B", type="0", hcpcs="99214")),
        "cclf8": _people(people.join(named, on="person").sort("person")),
        "cclf9": changes.select(
            hicn_mbi_xref_ind=pl.lit("M"),
            crnt_num="mbi",
            prvs_num="previous",
            prvs_id_efctv_dt=pl.lit("2018-01-01"),
            prvs_id_obslt_dt=_delivered(pl.col("from_month"), 1),
        ),
        "cclfa": part_a.select("cur_clm_uniq_id", "bene_mbi_id", "clm_type_cd", clm_actv_care_from_dt="clm_from_dt"),
        "cclfb": _lines(lines.filter(part="B"), "x", "y").select(
            "cur_clm_uniq_id", "clm_line_num", "bene_mbi_id", "clm_type_cd"
        ),
    }


#: Fields that Part A's files share with the claim.
_CLAIM_FIELDS = ("cur_clm_uniq_id", "bene_mbi_id", "clm_type_cd", "prvdr_oscar_num", "clm_from_dt", "clm_thru_dt")


def _part_a(a: pl.DataFrame) -> pl.DataFrame:
    return a.select(
        cur_clm_uniq_id="claim_id",
        prvdr_oscar_num="provider_ccn",
        clm_blg_prvdr_oscar_num="provider_ccn",
        bene_mbi_id="mbi",
        clm_type_cd="claim_type",
        clm_from_dt="from_date",
        clm_thru_dt=pl.col("thru_date") + pl.duration(days=pl.col("longer")),
        clm_bill_fac_type_cd=pl.lit("1"),
        clm_bill_clsfctn_cd=pl.lit("1"),
        prncpl_dgns_cd=pl.col("diagnosis").str.replace(".", "", literal=True),
        clm_mdcr_npmt_rsn_cd="nonpayment",
        clm_pmt_amt=_money(_scaled("payment_cents")),
        bene_ptnt_stus_cd="patient_status",
        oprtg_prvdr_npi_num="operating_npi",
        atndg_prvdr_npi_num="attending_npi",
        clm_oprtg_prvdr_npi_num="operating_npi",
        clm_atndg_prvdr_npi_num="attending_npi",
        clm_adjsmt_type_cd="type",
        clm_efctv_dt=_delivered(pl.col("month"), 1),
        clm_idr_ld_dt=_delivered(pl.col("month"), 5),
        clm_admsn_type_cd="admission_type",
        clm_bill_freq_cd="bill_frequency",
        dgns_prcdr_icd_ind=pl.lit("0"),
        clm_mdcr_instnl_tot_chrg_amt=_money(pl.col("charge_cents")),
        clm_cntl_num=pl.format("A{}", pl.col("claim")),
    )


def _revenue(a: pl.DataFrame, part_a: pl.DataFrame) -> pl.DataFrame:
    """Two lines per claim, room and everything else; their payments add up to the claim's."""
    total = _scaled("payment_cents")
    first = total * 4 // 10
    lines = [
        part_a.select(
            *_CLAIM_FIELDS, clm_fac_prvdr_oscar_num="prvdr_oscar_num", clm_line_num=pl.lit(number),
            clm_line_prod_rev_ctr_cd=pl.lit(code), clm_line_from_dt="clm_from_dt", clm_line_thru_dt="clm_thru_dt",
            clm_line_srvc_unit_qty=pl.lit("1.0000"),
        ).with_columns(clm_line_cvrd_pd_amt=a.select(_money(part)).to_series())
        for number, code, part in ((1, "0120", first), (2, "0250", total - first))
    ]  # fmt: skip
    return pl.concat(lines).sort("cur_clm_uniq_id", "clm_line_num")


def _procedures(a: pl.DataFrame, part_a: pl.DataFrame) -> pl.DataFrame:
    code, _, day = (
        a["procedure"].str.split_exact(":", 1).struct.field(name) for name in ("field_0", "field_0", "field_1")
    )
    return part_a.select(
        *_CLAIM_FIELDS, clm_val_sqnc_num=pl.lit(1), clm_prcdr_cd=code, clm_prcdr_prfrm_dt=day,
        dgns_prcdr_icd_ind=pl.lit("0"), clm_blg_prvdr_oscar_num="prvdr_oscar_num",
    ).filter(pl.col("clm_prcdr_cd").str.len_bytes() > 0)  # fmt: skip


def _lines(lines: pl.DataFrame, npi: str, former_npi: str) -> pl.DataFrame:
    day = pl.col("service_date")
    return lines.select(
        cur_clm_uniq_id="claim_id",
        clm_line_num="line_no",
        bene_mbi_id="mbi",
        clm_type_cd="claim_type",
        clm_from_dt=day.min().over("claim_id"),
        clm_thru_dt=day.max().over("claim_id"),
        clm_line_from_dt=day,
        clm_line_thru_dt=day,
        clm_line_hcpcs_cd="hcpcs",
        clm_line_cvrd_pd_amt=_money(_scaled("paid_cents")),
        clm_line_alowd_chrg_amt=_money(_scaled("allowed_cents")),
        clm_line_srvc_unit_qty=pl.lit("1.0000"),
        clm_line_dgns_cd=pl.col("diagnosis").str.replace(".", "", literal=True),
        clm_carr_pmt_dnl_cd="denial",
        clm_prcsg_ind_cd="indicator",
        clm_adjsmt_type_cd="type",
        clm_efctv_dt=_delivered(pl.col("month"), 1),
        clm_idr_ld_dt=_delivered(pl.col("month"), 5),
        clm_cntl_num=pl.format("C{}", pl.col("claim")),
    ).with_columns(lines["npi"].alias(npi), lines["npi"].alias(former_npi))


def _drugs(lines: pl.DataFrame) -> pl.DataFrame:
    """A prescription filled on the day of the office visit."""
    return lines.select(
        cur_clm_uniq_id=pl.format("2{}", pl.col("claim_id").str.slice(1)),
        bene_mbi_id="mbi",
        clm_line_ndc_cd=pl.lit("00093005601"),
        clm_type_cd=pl.lit("01"),
        clm_line_from_dt="service_date",
        clm_line_srvc_unit_qty=pl.lit("30.0000"),
        clm_line_days_suply_qty=pl.lit(30),
        clm_prsbng_prvdr_gnrc_id_num="npi",
        clm_line_bene_pmt_amt=pl.lit("12.50"),
        clm_adjsmt_type_cd=pl.lit("0"),
        clm_efctv_dt=_delivered(pl.col("month"), 1),
        clm_idr_ld_dt=_delivered(pl.col("month"), 5),
    )


def beneficiaries(people: pl.DataFrame) -> pl.DataFrame:
    """One row of CCLF8 per beneficiary, in the order of ``people``, without hospice ranges."""
    return people.select(
        bene_mbi_id="mbi",
        bene_fips_state_cd=pl.lit("24"),
        bene_fips_cnty_cd=(pl.col("zip_code").str.slice(0, 3).cast(pl.Int64, strict=False) % 48 + 1)
        .cast(pl.String).str.zfill(3),
        bene_zip_cd="zip_code",
        bene_dob="birth_date",
        bene_sex_cd=pl.col("sex").replace_strict({"M": "1", "F": "2"}, default="0", return_dtype=pl.String),
        bene_mdcr_stus_cd=pl.lit("10"),
        bene_death_dt="death_date",
        bene_rng_bgn_dt=pl.lit(None, dtype=pl.Date),
        bene_1st_name=pl.format("Given{}", pl.col("person")),
        bene_last_name="last_name",
        geo_zip_plc_name=pl.lit("Baltimore"),
        geo_usps_state_cd=pl.lit("MD"),
        geo_zip5_cd="zip_code",
    )  # fmt: skip


def _people(people: pl.DataFrame) -> pl.DataFrame:
    """Beneficiaries; one with a hospice stay has a second row with the start of its range."""
    rows = beneficiaries(people).with_columns(hospice=people["hospice_date"])
    ranges = rows.filter(pl.col("hospice").is_not_null()).with_columns(bene_rng_bgn_dt="hospice")
    return pl.concat([rows, ranges]).sort("bene_mbi_id", "bene_rng_bgn_dt", nulls_last=False).drop("hospice")
