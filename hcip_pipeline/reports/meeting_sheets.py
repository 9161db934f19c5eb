"""The sheets for a meeting in the committee's workbook: decisions, results by quarter, the payment list.

Belongs here: the columns of each sheet. Does not belong here: their content (``meeting``).
"""

from __future__ import annotations

from hcip_pipeline.reports.meeting import Meeting
from hcip_pipeline.reports.quarters import QuarterRow
from hcip_pipeline.reports.workbook import Book, Column

_ITEMS = (
    Column("title", "Decision", "wrapped", 34),
    Column("subject", "About", "wrapped", 46),
    Column("care_partners", "Care partners", "count", 10),
    Column("amount", "Amount", "money", 15),
    Column("what_to_do", "What to do", "wrapped", 50),
    Column("decided", "Decided", "text", 24),
)
_TO_PAY = (
    Column("name", "Care partner", "text", 26),
    Column("npi", "NPI", "text", 13),
    Column("tin", "TIN", "text", 12),
    Column("calculated_incentive", "Calculated", "money", 13),
    Column("reductions_words", "Reductions", "wrapped", 44),
    Column("why_words", "Why", "wrapped", 40),
    Column("sign_words", "Warning signs", "wrapped", 44),
    Column("final_incentive", "To pay", "money", 13),
)
_ROSTER = (
    Column("member", "Member", "text", 28),
    Column("credentials", "Credentials", "text", 12),
    Column("role", "Office", "text", 8),
    Column("title", "Title", "text", 30),
    Column("organization", "Organization", "text", 30),
    Column("represents", "Represents", "text", 24),
    Column("is_physician", "Physician", "text", 10),
)


def meeting_sheets(made: Book, meeting: Meeting) -> None:
    """Add the sheets of a meeting."""
    made.table(
        "Decisions",
        "Decisions to make, by amount",
        _ITEMS,
        [vars(item) | {"decided": None} for item in meeting.items],
    )
    made.table(
        "Payment list",
        "Payment list",
        _TO_PAY,
        [
            row
            | {
                "reductions_words": "; ".join(row["reductions"]),
                "sign_words": ". ".join(sign["text"] for sign in row["signs"]),
            }
            for row in meeting.to_pay
        ],
        "Report the payments in payments.csv once they are made.",
    )
    made.table("Members", "Members of the oversight committee", _ROSTER, meeting.roster)
    quarters = meeting.quarters
    heads = ("Intervention", "What is counted")
    _quarters(made, "Interventions by quarter", heads, quarters.quarters, quarters.interventions)
    heads = ("Measure", "Threshold")
    _quarters(made, "Measures by quarter", heads, quarters.measure_quarters, quarters.measures)


def _quarters(
    made: Book, name: str, heads: tuple[str, str], quarters: tuple[str, ...], rows: tuple[QuarterRow, ...]
) -> None:
    columns = (
        Column("group", "Category", "text", 26),
        Column("name", heads[0], "wrapped", 46),
        Column("note", heads[1], "wrapped", 34),
        *(Column(quarter, quarter, "text", 22) for quarter in quarters),
        Column("trend", "Change in the last quarter", "text", 24),
    )
    made.table(
        name,
        name,
        columns,
        [
            {"group": row.group, "name": row.name, "note": row.note, "trend": row.trend}
            | {quarter: cell["shown"] if cell else None for quarter, cell in zip(quarters, row.cells, strict=True)}
            for row in rows
        ],
    )
