"""A submission as bills: X12 837 institutional, and the grouping file next to them (formats.md §2).

Belongs here: from the tables ``discharges`` and ``charges`` to segments, all claims at once. Does not belong here:
the content of the tables. Names and addresses are invented, and the same for all patients.

A newborn is billed under its mother's subscription (with a separate patient level). A stay whose account number ends
in 97 is billed twice, the second bill replacing the first, and one that ends in 43 bills its last line late.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

#: Claims per transaction set, as clearinghouses require.
CLAIMS_A_SET = 5_000
#: Payer -> claim filing indicator (SBR09), if the indicator determines the payer.
_INDICATOR = {
    "01": "MA", "02": "MC", "03": "TV", "04": "BL", "05": "CI", "06": "CH", "07": "WC", "08": "09", "12": "HM",
    "15": "16",
}  # fmt: skip
_OTHER_INDICATOR = {"14": "MC", "16": "BL", "17": "BL"}
#: Nature of admission -> type of admission (CL101), if the type determines the nature.
_TYPE = {"2": "4", "3": "1", "4": "2", "5": "3", "9": "9"}
_REPLACED, _LATE = "97", "43"
_HEAD_SEGMENTS = 6  # ST, BHT, NM1 and PER of the submitter, NM1 of the receiver, SE


def write_bills(folder: Path, tables: Mapping[str, pl.DataFrame], prepared_at: str) -> None:
    """Write ``bills.837`` and ``grouping.csv`` into an existing folder.

    Args:
        tables: ``discharges`` and ``charges`` of one hospital, in the columns of their contracts.
        prepared_at: when the bills were made, ``YYYY-MM-DDTHH:MM:SS``.
    """
    discharges, charges = tables["discharges"], tables["charges"]
    ccn = str(discharges["hospital_ccn"][0])
    (folder / "bills.837").write_text(_file(ccn, _claims(discharges, charges), prepared_at), encoding="ascii")
    grouping(discharges).write_csv(folder / "grouping.csv")


def grouping(discharges: pl.DataFrame) -> pl.DataFrame:
    """By account, what bills do not contain, or not precisely enough."""
    nature, payer = pl.col("nature_of_admission"), pl.col("primary_payer")
    return discharges.select(
        "account_no", "patient_id", "grouper_version", "apr_drg", "severity_of_illness", "risk_of_mortality",
        "hac_flags", pl.when(~nature.is_in(list(_TYPE))).then(nature).alias("nature_of_admission"),
        pl.when(~payer.is_in(list(_INDICATOR))).then(payer).alias("primary_payer"), "reported_cost",
    )  # fmt: skip


def _claims(discharges: pl.DataFrame, charges: pl.DataFrame) -> pl.DataFrame:
    """One row per claim in the order of the file: its transaction set, and its text from HL to the last line."""
    stays = discharges.with_columns(
        pl.col("account_no").str.ends_with(_REPLACED).alias("replaced"),
        pl.col("account_no").str.ends_with(_LATE).alias("late"),
        (pl.col("nature_of_admission") == "2").fill_null(False).alias("newborn"),
    )
    numbered = charges.with_columns(
        (pl.int_range(pl.len()).over("account_no") + 1).alias("n"), pl.len().over("account_no").alias("lines")
    ).join(stays.select("account_no", "late"), on="account_no", maintain_order="left")
    is_late = pl.col("late") & (pl.col("n") == pl.col("lines")) & (pl.col("lines") > 1)
    numbered = numbered.with_columns(is_late.alias("is_late"), pl.when(is_late).then(1).otherwise("n").alias("n"))
    line = pl.format(
        "LX*{}~\nSV2*{}**{}*{}*{}~\nDTP*472*D8*{}~\n",
        "n",
        "revenue_code",
        _money(pl.col("charge")),
        pl.when(pl.col("revenue_code").str.starts_with("01")).then(pl.lit("DA")).otherwise(pl.lit("UN")),
        "units",
        _day("service_date"),
    )
    bills = numbered.group_by("account_no", "is_late", maintain_order=True).agg(
        line.str.join("").alias("lines"), pl.col("charge").sum().alias("total")
    )
    whole = bills.filter(~pl.col("is_late")).join(stays, on="account_no", maintain_order="left")
    late = bills.filter("is_late").join(stays, on="account_no", maintain_order="left")
    wrong = whole.filter("replaced").with_columns(
        pl.lit("1").alias("frequency"), pl.lit("08").alias("discharge_disposition")
    )
    first = whole.with_columns(pl.when("replaced").then(pl.lit("7")).otherwise(pl.lit("1")).alias("frequency"))
    last = late.with_columns(pl.lit("5").alias("frequency"))
    order = pl.concat(
        [wrong.with_columns(place=0), first.with_columns(place=1), last.with_columns(place=2)], how="vertical"
    )
    order = order.sort("account_no", "place", maintain_order=True).with_row_index("claim")
    levels = pl.when("newborn").then(2).otherwise(1)
    of_set = (pl.col("claim") // CLAIMS_A_SET).alias("set")
    order = order.with_columns(of_set, levels.alias("levels"))
    order = order.with_columns((2 + pl.col("levels").cum_sum().over("set") - pl.col("levels")).alias("hl"))
    return order.select("set", pl.concat_str([_levels(), _claim(), pl.col("lines")]).alias("text"))


def _levels() -> pl.Expr:
    """The subscriber, and the newborn below it."""
    address = pl.format("N3*1 ELM STREET~\nN4*ANYTOWN*MD*{}~\n", pl.col("zip_code").fill_null("21201"))
    person = pl.format("DMG*D8*{}*{}~\n", _day("birth_date"), pl.col("sex").fill_null("U"))
    indicator = pl.col("primary_payer").replace_strict(_INDICATOR | _OTHER_INDICATOR, default="ZZ")
    member = pl.format("NM1*IL*1*PATIENT*PAT****MI*M{}~\n", "account_no")
    payer = pl.format("NM1*PR*2*PAYER {}*****PI*{}~\n", indicator, indicator)
    own = pl.concat_str(
        [
            pl.format("HL*{}*1*22*0~\n", "hl"),
            pl.format("SBR*P*18*******{}~\n", indicator),
            member,
            address,
            person,
            payer,
        ]
    )
    of_mother = pl.concat_str(
        [
            pl.format("HL*{}*1*22*1~\n", "hl"),
            pl.format("SBR*P********{}~\n", indicator),
            member,
            address,
            pl.lit("DMG*D8*19900101*F~\n"),
            payer,
            pl.format("HL*{}*{}*23*0~\nPAT*19~\nNM1*QC*1*PATIENT*NEWBORN~\n", pl.col("hl") + 1, "hl"),
            address,
            person,
        ]
    )
    return pl.when("newborn").then(of_mother).otherwise(own)


def _claim() -> pl.Expr:
    """From CLM to the last physician."""
    kind = pl.col("nature_of_admission").replace_strict(_TYPE, default="3")
    npi = "NM1*{}*1*PHYSICIAN*ANN****XX*{}~\n"
    return pl.concat_str(
        [
            pl.format("CLM*{}*{}***11:A:{}**A*Y*Y~\n", "account_no", _money(pl.col("total")), "frequency"),
            pl.lit("DTP*096*TM*1100~\n"),
            pl.format("DTP*434*RD8*{}-{}~\n", _day("admit_date"), _day("discharge_date")),
            pl.format("DTP*435*DT*{}0815~\n", _day("admit_date")),
            pl.format(
                "CL1*{}*{}*{}~\n", kind, pl.col("source_of_admission").str.strip_prefix("0"), "discharge_disposition"
            ),
            pl.format("HI*ABK:{}~\n", "principal_diagnosis"),
            pl.format("HI*ABJ:{}~\n", "principal_diagnosis"),
            _codes("diagnoses", "ABF", r"ABF:$1:::::::$2", r"([^:|]+):([YNUW1])"),
            _procedures(),
            pl.format(npi, pl.lit("71"), "attending_npi"),
            pl.format(npi, pl.lit("72"), "operating_npi"),
        ],
        ignore_nulls=True,
    )


def _codes(column: str, kind: str, with_flag: str, pattern: str) -> pl.Expr:
    """Other diagnoses, twelve per segment."""
    items = (
        pl.col(column)
        .str.split("|")
        .list.eval(
            pl.when(pl.element().str.contains(":"))
            .then(pl.element().str.replace(pattern, with_flag))
            .otherwise(pl.format(f"{kind}:{{}}", pl.element()))
        )
    )
    first, rest = items.list.head(12).list.join("*"), items.list.slice(12, 12).list.join("*")
    return pl.concat_str(
        [
            pl.when(first != "").then(pl.format("HI*{}~\n", first)),
            pl.when(rest != "").then(pl.format("HI*{}~\n", rest)),
        ],
        ignore_nulls=True,
    )


def _procedures() -> pl.Expr:
    """The principal procedure, and the others."""
    items = (
        pl.col("procedures")
        .str.replace_all(r"([^:|]+):([0-9]{4})-([0-9]{2})-([0-9]{2})", "$1:D8:$2$3$4")
        .str.split("|")
    )
    others = items.list.slice(1, 12).list.eval(pl.format("BBQ:{}", pl.element())).list.join("*")
    return pl.concat_str(
        [
            pl.format("HI*BBR:{}~\n", items.list.first()),
            pl.when(others != "").then(pl.format("HI*{}~\n", others)),
        ],
        ignore_nulls=True,
    )


def _day(column: str) -> pl.Expr:
    return pl.col(column).dt.strftime("%Y%m%d")


def _money(amount: pl.Expr) -> pl.Expr:
    """Dollars without trailing zeros, as X12 writes numbers."""
    return amount.cast(pl.String).str.strip_suffix("0").str.strip_suffix(".0")


def _file(ccn: str, claims: pl.DataFrame, prepared_at: str) -> str:
    day, time = prepared_at[:10].replace("-", ""), prepared_at[11:16].replace(":", "")
    sender = f"{ccn:<15}"
    head = [
        f"ISA*00*          *00*          *ZZ*{sender}*ZZ*{'HCIP':<15}*{day[2:]}*{time}*^*00501*000000001*0*P*:~\n",
        f"GS*HC*{ccn}*HCIP*{day}*{time}*1*X*005010X223A2~\n",
    ]
    sets = claims.group_by("set", maintain_order=True).agg(pl.col("text").str.join(""))
    parts = []
    for number, text in sets.iter_rows():  # one set per five thousand claims
        control = f"{number + 1:04d}"
        provider = (
            f"HL*1**20*1~\nPRV*BI*PXC*282N00000X~\nNM1*85*2*HOSPITAL {ccn}*****XX*1999999992~\nN3*1 HOSPITAL WAY~\n"
            "N4*ANYTOWN*MD*212010000~\nREF*EI*520000000~\n"
        )
        body = provider + text
        parts += [
            f"ST*837*{control}*005010X223A2~\nBHT*0019*00*{control}*{day}*{time}*CH~\n",
            f"NM1*41*2*HOSPITAL {ccn}*****46*{ccn}~\nPER*IC*BILLING*TE*4105550100~\n",
            "NM1*40*2*ADMINISTRATOR*****46*HCIP~\n",
            body,
            f"SE*{body.count('~') + _HEAD_SEGMENTS}*{control}~\n",
        ]
    return "".join([*head, *parts, f"GE*{len(sets)}*1~\nIEA*1*000000001~\n"])
