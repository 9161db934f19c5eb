"""Reference tables (inputs.md, "Program files"): rates and code tables that change with time."""

from hcip_pipeline.contracts.screening import LISTS
from hcip_pipeline.contracts.table import Column, Table

#: Where a rate comes from, in tables of rates; a region's own file may leave both out.
_PROVENANCE = (
    Column("source", "text", "where the rate comes from", nullable=True, optional=True, is_words=True),
    Column("published_on", "date", "day of publication; empty if the source has none", nullable=True, optional=True),
)
#: Tables of rates.
RATES = ("cost_factors", "cost_index", "per_diem")

HOSPITALS = Table(
    "hospitals",
    "one row per hospital",
    (
        Column("ccn", "text", "CMS certification number", key=True, max_length=6),
        Column("name", "text", "name; of the hospital", is_words=True),
        Column("acute", "text", "acute general hospital", allowed=("Y", "N")),
        Column("county", "text", "county", nullable=True, is_words=True),
        Column("system", "text", "health system", nullable=True, is_words=True),
        Column("npi", "text", "NPI; the one under which the hospital bills", nullable=True, optional=True),
    ),
)
APR_DRG = Table(
    "apr_drg",
    "one row per APR-DRG of a grouper version",
    (
        Column("grouper_version", "text", "APR-DRG grouper version", key=True),
        Column("apr_drg", "text", "APR-DRG", key=True, max_length=3),
        Column("label", "text", "short label", is_words=True),
        Column("mdc", "text", "major diagnostic category, two digits", nullable=True, max_length=2),
        Column("type", "text", "M medical, P procedural (surgical)", allowed=("M", "P")),
        Column("service_line", "text", "service line", nullable=True, is_words=True),
    ),
)
RATE_CENTERS = Table(
    "rate_centers",
    "one row per rate center",
    (
        Column("rate_center", "text", "rate center; a cost center of the rate-setting system", key=True),
        Column("name", "text", "name", is_words=True),
        Column("group", "text", "group for reports", nullable=True, is_words=True),
        Column("component", "text", "cost component", allowed=("core", "supply_drug")),
    ),
)
REVENUE_CODES = Table(
    "revenue_codes",
    "one row per range of revenue codes; the narrowest range wins",
    (
        Column("revenue_code_from", "text", "first revenue code of the range", key=True, max_length=4),
        Column("revenue_code_to", "text", "last revenue code of the range", key=True, max_length=4),
        Column("rate_center", "text", "rate center"),
    ),
)
COST_FACTORS = Table(
    "cost_factors",
    "one row per hospital, rate center (or ALL) and rate year",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True, max_length=6),
        Column("rate_center", "text", "rate center; or ALL", key=True),
        Column(
            "rate_year",
            "integer",
            "regulator's year, July to June, named for the year it ends in",
            key=True,
            bounds=("1990", "2200"),
        ),
        Column("markup", "ratio", "charges over cost", nullable=True, bounds=("0.1", "50")),
        Column("cost_to_charge", "ratio", "cost over charges", nullable=True, bounds=("0.001", "10")),
        Column("labor_market", "ratio", "labor market adjustment", bounds=("0.2", "5")),
        Column("ime", "ratio", "indirect medical education adjustment", bounds=("-0.5", "3")),
        Column("dsh", "ratio", "disproportionate share adjustment", bounds=("-0.5", "3")),
        *_PROVENANCE,
    ),
)
COST_INDEX = Table(
    "cost_index",
    "one row per calendar year and component",
    (
        Column("calendar_year", "integer", "calendar year", key=True, bounds=("1990", "2200")),
        Column("component", "text", "cost component", key=True, allowed=("core", "supply_drug", "total")),
        Column("index_value", "ratio", "price level; only ratios of two years matter", bounds=("0.01", "100000")),
        *_PROVENANCE,
    ),
)
PER_DIEM = Table(
    "per_diem",
    "one row per calendar year and severity",
    (
        Column("year", "integer", "calendar year", key=True, bounds=("1990", "2200")),
        Column("severity", "text", "APR severity of illness", key=True, allowed=("1", "2", "3", "4")),
        Column("amount", "money", "professional fee forgone for a day of inpatient care", bounds=("0", "100000")),
        *_PROVENANCE,
    ),
)
NETWORKS = Table(
    "networks",
    "one row per network, hospital and topic",
    (
        Column("network_id", "text", "network", key=True),
        Column("name", "text", "name; of the network", is_words=True),
        Column("kind", "text", "kind of network", allowed=("HEN", "HIIN", "QIN-QIO", "LAN")),
        Column("hospital_ccn", "text", "CMS certification number of the hospital; a member", key=True, max_length=6),
        Column("topic", "text", "topic worked on", key=True),
        Column("start", "date", "first day of membership"),
        Column("end", "date", "last day of membership", nullable=True),
        Column("recruitment_goal", "integer", "members the network set out to recruit", nullable=True),
    ),
)
EXCLUDED_INDIVIDUALS = Table(
    "excluded_individuals",
    "one row per exclusion of an individual",
    (
        Column("npi", "text", "NPI", key=True, max_length=10),
        Column("source", "text", "list that names the individual", key=True),
        Column("effective_date", "date", "first day of the exclusion", key=True),
        Column("reinstated_date", "date", "day of reinstatement", nullable=True),
    ),
)
LIST_DATES = Table(
    "list_dates",
    "one row per national list in the inbox: its date, if the file itself does not give it",
    (
        Column("list_name", "text", "list, by the name of its file", key=True, allowed=LISTS),
        Column("list_date", "date", "day on which the list was published"),
    ),
)
QUALITY_TARGETS = Table(
    "quality_targets",
    "one row per computed quality measure, with its target",
    (
        Column("measure", "text", "measure (methodology §12)", key=True),
        Column("label", "text", "short label; of the measure", is_words=True),
        Column("unit", "text", "a share, or per 1,000", allowed=("share", "per_1000")),
        Column(
            "target_change",
            "ratio",
            "relative change from the baseline to reach; empty without a target",
            nullable=True,
        ),
        Column("reference_value", "ratio", "national figure for reference", nullable=True),
        Column("reference_goal", "ratio", "national goal for reference", nullable=True),
        Column(
            "reference_note",
            "text",
            "where the reference comes from, and what it may not be used for",
            nullable=True,
            is_words=True,
        ),
    ),
)
NETWORK_TOPICS = Table(
    "network_topics",
    "one row per network topic and measure that shows whether work on it succeeds",
    (
        Column("topic", "text", "topic worked on; as named in the table networks", key=True),
        Column("measure", "text", "measure (methodology §12)", key=True),
        Column("area", "text", "area that the topic belongs to; topics of one area are similar", is_words=True),
    ),
)

GROUPER_BRIDGE = Table(
    "grouper_bridge",
    "one row per discharge of the base year or baseline that was regrouped with the version of a later period",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True, max_length=6),
        Column("account_no", "text", "the hospital's own account number", key=True, max_length=20),
        Column("grouper_version", "text", "APR-DRG grouper version; the one that regrouped the case"),
        Column("apr_drg", "text", "APR-DRG; by that version", max_length=3),
        Column("severity_of_illness", "text", "APR severity of illness; by that version", allowed=("1", "2", "3", "4")),
        Column(
            "risk_of_mortality",
            "text",
            "APR risk of mortality; by that version",
            allowed=("1", "2", "3", "4"),
            nullable=True,
        ),
    ),
)

TABLES = {
    table.name: table
    for table in (
        HOSPITALS, APR_DRG, RATE_CENTERS, REVENUE_CODES, COST_FACTORS, COST_INDEX, PER_DIEM, NETWORKS,
        EXCLUDED_INDIVIDUALS, LIST_DATES, QUALITY_TARGETS, NETWORK_TOPICS, GROUPER_BRIDGE,
    )
}  # fmt: skip
