"""How certain payments are, as sheets of the committee's workbook (methodology §14).

Belongs here: the columns of each sheet. Does not belong here: computing a figure, and the wording of pages
(``certainty``).
"""

from __future__ import annotations

from hcip_pipeline.reports import words
from hcip_pipeline.reports.certainty import COMPARED, READINGS, compared
from hcip_pipeline.reports.figures import ReportSource, Row
from hcip_pipeline.reports.workbook import Book, Column, Kind

_OF_A_STREAM: tuple[tuple[str, str, Kind], ...] = (
    ("cases", "cases", "count"),
    ("cost", "reliability of cost", "number"),
    ("days", "reliability of days", "number"),
)
_RANGES = (
    Column("npi", "NPI", "text", 13),
    Column("name", "Care partner", "text", 26),
    Column("calculated_incentive", "Calculated", "money", 13),
    Column("interval_low", "Own cases resampled, from", "money", 13),
    Column("interval_high", "Own cases resampled, to", "money", 13),
    Column("chance_mean", "By chance alone, mean", "money", 13),
    Column("chance_low", "By chance alone, from", "money", 13),
    Column("chance_high", "By chance alone, to", "money", 13),
    Column("compared", "Compared with chance", "text", 18),
    *(
        Column(f"{stream}_{name}", f"{words.STREAMS[stream]}: {title}", kind, 12)
        for stream in ("medical", "surgical")
        for name, title, kind in _OF_A_STREAM
    ),
)
_READINGS = (
    Column("npi", "NPI", "text", 13),
    Column("name", "Care partner", "text", 26),
    Column("words", "Responsible physician", "wrapped", 46),
    Column("cases", "Cases", "count", 9),
    Column("cases_gained", "Cases gained", "count", 9),
    Column("cases_lost", "Cases lost", "count", 9),
    Column("cases_then", "Cases under this rule", "count", 9),
    Column("calculated_incentive", "Calculated", "money", 13),
    Column("calculated_then", "Calculated under this rule", "money", 13),
    Column("change", "Change", "money", 13),
)


def certainty_sheets(made: Book, source: ReportSource, ccn: str) -> None:
    """Add sheets for ranges and reliability by care partner and for other readings, as far as the release has them."""
    current = source.current
    names = {row["npi"]: row["name"] for row in current.of_hospital("incentives", ccn)}
    if current.has("payment_ranges"):
        made.table(
            "Certainty",
            "How certain these payments are; no payment depends on it",
            _RANGES,
            [
                row | _reliability(source, row) | {"name": names.get(row["npi"]), "compared": COMPARED[compared(row)]}
                for row in current.of_hospital("payment_ranges", ccn)
            ],
            "Ranges contain nine of ten draws. By chance alone: cases of the same kind reassigned at random among the "
            "hospital's care partners.",
        )
    if current.has("attribution"):
        made.table(
            "Other readings",
            "Settled again, including the norms, under another rule for who the responsible physician is",
            _READINGS,
            [
                row
                | {
                    "name": names.get(row["npi"]),
                    "words": READINGS[row["reading"]],
                    "change": row["calculated_then"] - row["calculated_incentive"],
                }
                for row in current.of_hospital("attribution", ccn)
            ],
        )


def _reliability(source: ReportSource, row: Row) -> Row:
    """The care partner's cases and reliability by stream; None for a stream without cases."""
    found: Row = {column.name: None for column in _RANGES if column.name.startswith(("medical_", "surgical_"))}
    for each in source.current.of_partner("reliability", row["hospital_ccn"], row["npi"]):
        found[f"{each['stream']}_cases"] = each["cases"]
        found[f"{each['stream']}_{each['measure']}"] = each["reliability"]
    return found
