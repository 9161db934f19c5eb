"""Screening of care partners against national lists in a period (formats.md §4).

Belongs here: columns and codes. Does not belong here: reading a list and comparing names (``reference``), and the
effect of a hold on a payment (methodology §9).
"""

from hcip_pipeline.contracts.table import Column, Table

#: What a list may show about a care partner: the first two hold a payment (``contracts.payment_reasons``).
NOT_AN_INDIVIDUAL, DEACTIVATED = "NPI_NOT_AN_INDIVIDUAL", "NPI_DEACTIVATED"
HOLDS = (NOT_AN_INDIVIDUAL, DEACTIVATED)
NAME_MATCH = "EXCLUSION_NAME_MATCH"
WAIVED, NOT_ORDERING = "EXCLUSION_WAIVED", "NOT_ON_ORDER_AND_REFERRING"
REASONS = (*HOLDS, NAME_MATCH, WAIVED, NOT_ORDERING)

#: The effect: the payment is held; the hospital is asked, and nothing is held; it has answered; it is only noted.
HOLD, QUESTION, ANSWERED, NOTED = EFFECTS = ("hold", "question", "answered", "noted")

#: The lists that are received as published, by the name of their file.
LISTS = ("leie", "order_and_referring", "nppes")
#: The names that a clearance may use for the list that is compared by name.
CLEARED_SOURCES = ("OIG", "LEIE", "OIG LEIE")

_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True, max_length=6)

_COLUMNS = (
    _CCN,
    Column("npi", "text", "NPI; the care partner", key=True, max_length=10),
    Column("reason", "text", "what the list shows about the care partner", key=True, allowed=REASONS),
    Column("source", "text", "list: OIG, NPPES or CMS", key=True),
    Column(
        "list_row",
        "integer",
        "row of the list's file, counting the header as 1; 0 for an NPI that is not in it",
        key=True,
    ),
    Column("listed_name", "text", "name on the list", nullable=True, is_words=True),
    Column("listed_specialty", "text", "specialty on the list", nullable=True, is_words=True),
    Column("listed_city", "text", "city on the list", nullable=True, is_words=True),
    Column("listed_birth_year", "integer", "year of birth on the list", nullable=True),
    Column("listed_on", "date", "first day of the exclusion or deactivation", nullable=True),
    Column("similarity", "ratio", "similarity of the two names, 0 to 1: token sort ratio ÷ 100", nullable=True),
    Column("cleared_by", "text", "who cleared it", nullable=True, is_words=True),
    Column("cleared_on", "date", "day of the clearance", nullable=True),
    Column("clearance_reason", "text", "why it is cleared", nullable=True, is_words=True),
    Column(
        "effect",
        "text",
        "hold: the payment is held; question: the hospital is asked, nothing is held; answered; noted",
        allowed=EFFECTS,
    ),
)

SCREENING = Table("screening", "one row per care partner of a hospital and list record that may be theirs", _COLUMNS)

SCREENED_LISTS = Table(
    "screened_lists",
    "one row per list that a period's care partners were screened against",
    (
        Column("list_name", "text", "list, by the name of its file", key=True),
        Column("file", "text", "file below the inbox"),
        Column("list_date", "date", "day on which the list was published; empty if it is not known", nullable=True),
        Column(
            "date_from",
            "text",
            "where the date comes from: list_dates.csv, or the latest date in the file",
            nullable=True,
            allowed=("stated", "file"),
        ),
        Column("list_rows", "integer", "rows of the file"),
        Column("care_partners", "integer", "care partners; NPIs that were screened"),
        Column("found", "integer", "of these, NPIs found on the list, by NPI or by a similar name"),
        Column("waived", "integer", "exclusions with a waiver for the hospitals' state"),
        Column("without_npi", "integer", "rows without a readable NPI, compared by name"),
        Column("repeated", "integer", "byte-identical repeated rows, counted once"),
    ),
)

IRREGULAR_NPIS = Table(
    "irregular_npis",
    "one row per NPI that is an organization's or is deactivated, according to NPPES",
    (
        Column("npi", "text", "NPI", key=True, max_length=10),
        Column("is_organization", "boolean", "entity type 2"),
        Column("deactivated_on", "date", "day of deactivation", nullable=True),
        Column("reactivated_on", "date", "day of reactivation", nullable=True),
    ),
)

UNUSED_CLEARANCES = Table(
    "unused_clearances",
    "one row per clearance that answers none of the period's questions",
    (
        _CCN,
        Column("npi", "text", "NPI; the care partner", key=True, max_length=10),
        Column("source", "text", "list that the clearance is for", key=True),
        Column("cleared_on", "date", "day of the clearance"),
        Column("why_unused", "text", "why it is unused", is_words=True),
    ),
)

ATTENDING_SCREENING = Table(
    "attending_screening",
    "one row per hospital and kind of NPI that attended discharges of the period but belongs to no active individual",
    (
        _CCN,
        Column("period", "text", "performance period", key=True),
        Column("reason", "text", "kind of NPI, by NPPES", key=True, allowed=(NOT_AN_INDIVIDUAL, DEACTIVATED)),
        Column("physicians", "integer", "physicians; attending NPIs"),
        Column("discharges", "integer", "discharges; those they attended"),
    ),
)

#: tables of the lake, one set per period
TABLES = {table.name: table for table in (SCREENING, SCREENED_LISTS, IRREGULAR_NPIS, UNUSED_CLEARANCES)}
