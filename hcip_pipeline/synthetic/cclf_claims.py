"""The bills to Medicare around a stay: the hospital, the physicians, equipment, drugs, and care afterwards.

Belongs here: each claim once, in its final form, in cents. Does not belong here: how often and under which number it is
delivered (``cclf_chains``), and its format (``cclf_records``).
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from hcip_pipeline.synthetic.streams import stream

#: disposition -> claim type, last four digits of the provider (the end of its type's range, which Maryland does not use
#: yet), days, dollars per day
_AFTERWARDS = {
    "03": ("20", "6490", 18, 520),
    "06": ("10", "8490", 30, 95),
    "50": ("50", "1798", 20, 190),
    "51": ("50", "1799", 9, 780),
    "62": ("60", "3099", 13, 1_900),
    "63": ("60", "2299", 24, 1_700),
}
#: Home health is billed in periods of this many days, for this many cents each.
_PERIOD_DAYS, _PERIOD_CENTS = 30, 210_000
#: Home health continues: of the stays with such care, the first share has at least one more period, and the second
#: share has two. After a facility, it begins the next day.
_MORE_PERIODS = (0.45, 0.2)
_AT_HOME, _FACILITIES = "06", ("03", "62", "63")
#: Cells that bills of care after a stay have in common.
_AFTER_A_STAY: dict[str, pl.Expr] = {
    "nonpayment": pl.lit(None, dtype=pl.String),
    "patient_status": pl.lit("01"),
    "admission_type": pl.lit("9"),
    "bill_frequency": pl.lit("1"),
    "diagnosis": pl.col("principal_diagnosis"),
    "procedure": pl.lit(None, dtype=pl.String),
    "attending_npi": pl.col("attending_npi"),
    "operating_npi": pl.lit(None, dtype=pl.String),
}
#: A stay this long is billed in two claims with adjacent dates.
_SPLIT_DAYS = 25
_VISITS = ("99223", "99232", "99232", "99232", "99239")
#: allowed cents of each visit, in order
_VISIT_CENTS = (19_850, 7_930, 7_930, 7_930, 11_240)


@dataclass(frozen=True)
class SyntheticClaims:
    """Claims of Part A (one row each) and lines of Part B and equipment; ``claim`` numbers the claims of both.

    Attributes:
        continued_from: the number of the first claim of continued home health.
    """

    part_a: pl.DataFrame
    lines: pl.DataFrame
    continued_from: int


def bill(stays: pl.DataFrame, seed: int) -> SyntheticClaims:
    """Everything billed around ``stays``.

    Args:
        stays: one row per Medicare stay: stay, person, and the columns of a hospital's ``discharges``.
        seed: the state's.
    """
    rng = stream(seed, "cclf", "claims")
    n = len(stays)
    stays = stays.with_columns(
        days=(pl.col("discharge_date") - pl.col("admit_date")).dt.total_days(),
        charge_cents=(pl.col("total_charges") * 100).cast(pl.Int64),
        u_denied=pl.Series(rng.random(n)),
        u_line=pl.Series(rng.random(n)),
        u_after=pl.Series(rng.random(n)),
        u_equipment=pl.Series(rng.random(n)),
        cents=pl.Series(rng.integers(0, 100, n)),
        office_days=pl.Series(rng.integers(5, 45, n)),
    )
    part_a = pl.concat([_inpatient(stays), _afterwards(stays)]).sort("stay", "order")
    part_a = part_a.with_row_index("claim").with_columns(pl.col("claim").cast(pl.Int64), part=pl.lit("A"))
    lines = _professional(stays).sort("stay", "order", "line_no")
    first = pl.struct("stay", "order").rle_id().cast(pl.Int64)
    lines = lines.with_columns(claim=first + len(part_a))
    continued_from = len(part_a) + lines["claim"].n_unique()
    continued = _continued(stays).sort("stay", "order").with_row_index("claim", offset=continued_from)
    continued = continued.with_columns(pl.col("claim").cast(pl.Int64), part=pl.lit("A")).select(part_a.columns)
    return SyntheticClaims(pl.concat([part_a, continued]), lines, continued_from)


def _inpatient(stays: pl.DataFrame) -> pl.DataFrame:
    """The hospital's claims: 94% of charges are paid; one in a hundred is denied; a long stay is billed in two."""
    denied = pl.col("u_denied") < 0.01
    whole = stays.select(
        "stay",
        "person",
        order=pl.lit(0),
        claim_type=pl.lit("60"),
        provider_ccn="hospital_ccn",
        from_date="admit_date",
        thru_date="discharge_date",
        charge_cents="charge_cents",
        payment_cents=pl.when(denied).then(0).otherwise(pl.col("charge_cents") * 94 // 100),
        nonpayment=pl.when(denied).then(pl.lit("N")),
        patient_status="discharge_disposition",
        admission_type=pl.col("nature_of_admission").replace_strict(
            {"3": "1", "4": "2", "5": "3", "2": "4"}, default="9", return_dtype=pl.String
        ),
        bill_frequency=pl.lit("1"),
        diagnosis="principal_diagnosis",
        procedure=pl.col("procedures").str.split("|").list.first(),
        attending_npi="attending_npi",
        operating_npi="operating_npi",
    )
    long = (pl.col("thru_date") - pl.col("from_date")).dt.total_days() > _SPLIT_DAYS
    middle = pl.col("from_date") + pl.duration(days=_SPLIT_DAYS - 5)
    first = whole.filter(long).with_columns(
        thru_date=middle, payment_cents=pl.col("payment_cents") // 2, charge_cents=pl.col("charge_cents") // 2,
        patient_status=pl.lit("30"), bill_frequency=pl.lit("2"),
    )  # fmt: skip
    last = whole.filter(long).with_columns(
        order=pl.lit(1), from_date=middle + pl.duration(days=1), bill_frequency=pl.lit("4"),
        payment_cents=pl.col("payment_cents") - pl.col("payment_cents") // 2,
        charge_cents=pl.col("charge_cents") - pl.col("charge_cents") // 2,
    )  # fmt: skip
    return pl.concat([whole.filter(~long), first, last])


def _afterwards(stays: pl.DataFrame) -> pl.DataFrame:
    """Home health, skilled nursing, hospice, rehabilitation and long-term care, according to the disposition."""
    plan = pl.DataFrame(
        [(code, *what) for code, what in _AFTERWARDS.items()],
        schema=["discharge_disposition", "claim_type", "provider", "most_days", "dollars"],
        orient="row",
    )
    after = stays.filter(pl.col("u_after") < 0.95).join(plan, on="discharge_disposition", how="inner")
    days = 1 + (pl.col("u_after") * pl.col("most_days")).floor().cast(pl.Int64)
    return after.select(
        "stay",
        "person",
        order=pl.lit(2),
        claim_type="claim_type",
        provider_ccn=pl.col("hospital_ccn").str.slice(0, 2) + pl.col("provider"),
        from_date=pl.col("discharge_date")
        + pl.duration(days=pl.when(pl.col("claim_type") == "10").then(2).otherwise(0)),
        thru_date=pl.col("discharge_date") + pl.duration(days=2 + days),
        charge_cents=days * pl.col("dollars") * 150 + pl.col("cents"),
        payment_cents=days * pl.col("dollars") * 100 + pl.col("cents"),
        **_AFTER_A_STAY,
    )


def _continued(stays: pl.DataFrame) -> pl.DataFrame:
    """Further periods of home health, weeks after the stay, so that care within 90 days exceeds care within 30."""
    u = (pl.col("u_after") * 7) % 1
    days_of_care = [(code, _AFTERWARDS[code][2]) for code in (_AT_HOME, *_FACILITIES)]
    plan = pl.DataFrame(days_of_care, schema=["discharge_disposition", "most_days"], orient="row")
    died = (
        stays.filter(pl.col("discharge_disposition") == "20")
        .group_by("person")
        .agg(died=pl.col("discharge_date").min())
    )
    after = (
        stays.filter(pl.col("u_after") < 0.95)
        .join(plan, on="discharge_disposition")
        .join(died, on="person", how="left")
    )
    days_before = pl.when(pl.col("discharge_disposition") == _AT_HOME).then(2 + _PERIOD_DAYS).otherwise(
        4 + (pl.col("u_after") * pl.col("most_days")).floor().cast(pl.Int64)
    )  # fmt: skip
    periods = []
    for number, share in enumerate(_MORE_PERIODS):
        begin = pl.col("discharge_date") + pl.duration(days=days_before + number * _PERIOD_DAYS)
        periods.append(
            after.filter(u < share, pl.col("died").is_null() | (pl.col("died") > begin)).select(
                "stay",
                "person",
                order=pl.lit(8 + number),
                claim_type=pl.lit(_AFTERWARDS[_AT_HOME][0]),
                provider_ccn=pl.col("hospital_ccn").str.slice(0, 2) + pl.lit(_AFTERWARDS[_AT_HOME][1]),
                from_date=begin,
                thru_date=begin + pl.duration(days=_PERIOD_DAYS - 1),
                charge_cents=pl.lit(_PERIOD_CENTS * 3 // 2, dtype=pl.Int64) + pl.col("cents"),
                payment_cents=pl.lit(_PERIOD_CENTS, dtype=pl.Int64) + pl.col("cents"),
                **_AFTER_A_STAY,
            )
        )
    return pl.concat(periods)


def _professional(stays: pl.DataFrame) -> pl.DataFrame:
    """Visits by the attending physician, the operation, an office visit afterwards, and equipment to take home."""
    visits = pl.concat(
        [
            _line(
                stays.filter(pl.col("days") >= number - 1),
                _Service(3, number, "attending_npi", number - 1, code, cents),
            )
            for number, (code, cents) in enumerate(zip(_VISITS, _VISIT_CENTS, strict=True), start=1)
        ]
    )
    operations = _line(
        stays.filter(pl.col("operating_npi").str.len_bytes() == 10),
        _Service(4, 1, "operating_npi", 0, "27130", 142_050),
    )
    office = _line(stays.filter(pl.col("u_after") < 0.6), _Service(5, 1, "attending_npi", None, "99214", 12_910))
    equipment = [
        _line(
            stays.filter(pl.col("u_equipment") < 0.10),
            _Service(6, 1, "attending_npi", None, "E0143", 8_460, "DME", "82"),
        ),
        _line(
            stays.filter(pl.col("u_equipment") > 0.98),
            _Service(7, 1, "attending_npi", None, "E0601", 9_120, "B", "72"),
        ),
    ]
    lines = pl.concat([visits, operations, office, *equipment])
    # One claim in 100 is denied as a whole, and one line in 50 by itself; nothing is paid for either.
    claim_denied = (pl.col("u_line") * 7 + pl.col("order") * 0.37) % 1 < 0.01
    line_denied = (pl.col("u_line") * 13 + pl.col("order") * 0.29 + pl.col("line_no") * 0.11) % 1 < 0.02
    return lines.with_columns(
        denial=pl.when(claim_denied).then(pl.lit("0")).otherwise(pl.lit("1")),
        indicator=pl.when(line_denied).then(pl.lit("C")).otherwise(pl.lit("A")),
        paid_cents=pl.when(claim_denied | line_denied).then(0).otherwise(pl.col("allowed_cents") * 8 // 10),
    ).drop("u_line")


@dataclass(frozen=True)
class _Service:
    """A billed service: line ``line_no`` of the stay's claim ``order``.

    Attributes:
        npi: the stay's column with the physician who rendered it.
        after_days: day of the stay, counted from 0; None for some days after the stay.
        cents: the minimum allowed amount.
    """

    order: int
    line_no: int
    npi: str
    after_days: int | None
    code: str
    cents: int
    part: str = "B"
    claim_type: str = "71"


def _line(stays: pl.DataFrame, service: _Service) -> pl.DataFrame:
    """One line for each of ``stays``."""
    is_later = service.after_days is None
    days = pl.col("office_days") if is_later else pl.lit(service.after_days)
    start = pl.col("discharge_date") if is_later else pl.col("admit_date")
    return stays.select(
        "stay",
        "person",
        "u_line",
        order=pl.lit(service.order),
        line_no=pl.lit(service.line_no),
        part=pl.lit(service.part),
        claim_type=pl.lit(service.claim_type),
        service_date=start + pl.duration(days=days),
        npi=service.npi,
        hcpcs=pl.lit(service.code),
        diagnosis="principal_diagnosis",
        allowed_cents=pl.lit(service.cents, dtype=pl.Int64) + pl.col("cents"),
    )


def ready_dates(claims: SyntheticClaims) -> pl.DataFrame:
    """claim, part and the last day of service of every claim, ordered by claim."""
    a = claims.part_a.select("claim", "part", "person", done="thru_date", denied=pl.col("nonpayment").is_not_null())
    b = claims.lines.group_by("claim").agg(
        pl.col("part").first(), pl.col("person").first(), done=pl.col("service_date").max(),
        denied=(pl.col("denial") == "0").any(),
    )  # fmt: skip
    return pl.concat([a, b.select(a.columns)]).sort("claim")
