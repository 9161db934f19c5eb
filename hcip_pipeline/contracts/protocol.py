"""Implementation protocols (inputs.md) and exclusion lists as they apply in a period: one set of tables per period."""

from hcip_pipeline.contracts import screening
from hcip_pipeline.contracts.table import Column, Table

_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True, max_length=6)

#: a member of an oversight committee, as the protocol in force names it
COMMITTEE_MEMBER = (
    Column("member", "text", "name of the member", key=True),
    Column("credentials", "text", "credentials", nullable=True),
    Column("title", "text", "job title", nullable=True),
    Column("organization", "text", "organization", nullable=True),
    Column("represents", "text", "whom the member represents, separated by |"),
    Column("role", "text", "office in the hospital", nullable=True, allowed=("CEO", "CFO", "CMO")),
    Column("is_physician", "boolean", "a physician, by representation or degree"),
)

PROTOCOLS = Table(
    "protocols",
    "one row per hospital with a protocol in force in the period",
    (
        _CCN,
        Column("protocol_year", "integer", "year of the protocol file; the latest up to the period's"),
        Column("legal_name", "text", "legal name of the hospital"),
        Column("tin", "text", "tax identification number; of the hospital", nullable=True),
        Column("approved_on", "date", "day of approval", nullable=True),
        Column(
            "first_performance_period", "text", "the hospital's first performance period; as named in this protocol"
        ),
        Column("meeting_frequency", "text", "how often the oversight committee must meet"),
        Column("meetings_reported", "integer", "meetings reported within the period"),
        Column("weight_total_percent", "ratio", "sum of the weights of the conditions, in percent"),
        Column("has_locked_conditions", "boolean", "weights total 100% and were approved before the period"),
        Column(
            "mpi_floor", "money", "lowest maximum physician incentive per case; in force, empty for none", nullable=True
        ),
        Column(
            "mpi_ceiling",
            "money",
            "highest maximum physician incentive per case; in force, empty for none",
            nullable=True,
        ),
        Column("improvement_share", "ratio", "share of the maximum physician incentive for improvement; in force"),
        Column("physician_cap_percent", "ratio", "cap in percent of fee-schedule approved amounts; in force"),
        Column("has_elected_mpi_floor", "boolean", "the hospital elected the floor"),
        Column("has_elected_mpi_ceiling", "boolean", "the hospital elected the ceiling"),
        Column("has_elected_improvement_share", "boolean", "the hospital elected the share"),
        Column("has_elected_physician_cap_percent", "boolean", "the hospital elected the cap"),
        Column("version", "integer", "version of the protocol file, numbered from 1 as received"),
        Column("sha256", "text", "sha256 of the protocol file"),
    ),
)
PROGRAMS = Table(
    "programs",
    "one row per hospital that ever had an accepted protocol or has a correction: its program (methodology §15)",
    (
        _CCN,
        Column(
            "accepted_first_period",
            "text",
            "first performance period named in the first accepted protocol; empty if none was accepted",
            nullable=True,
        ),
        Column(
            "other_first_periods", "text", "other first periods named in later protocols, separated by |", nullable=True
        ),
        Column(
            "corrected_first_period", "text", "first performance period given by an approved correction", nullable=True
        ),
        Column(
            "correction_filed_in", "text", "period of the program folder that contains the correction", nullable=True
        ),
        Column("first_performance_period", "text", "the hospital's first performance period", nullable=True),
        Column("period_number", "integer", "1 in the first performance period; 0 and below before it", nullable=True),
        Column(
            "program_year",
            "integer",
            "program year of the hospital; two periods to a year, empty before the first",
            nullable=True,
        ),
        Column("is_first_period_changed", "boolean", "protocols disagree on the first period, and nothing settles it"),
        Column("terms", "text", "terms of the protocol in force that move payments, as JSON", nullable=True),
    ),
)
CONDITIONS = Table(
    "conditions",
    "one row per hospital and condition of payment",
    (
        _CCN,
        Column("condition_id", "text", "condition of payment", key=True),
        Column("description", "text", "what is required"),
        Column("measure", "text", "how it is measured"),
        Column("threshold", "text", "what must be reached", nullable=True),
        Column(
            "computed_measure",
            "text",
            "measure by which it is evaluated (methodology §12); empty if results are reported",
            nullable=True,
        ),
        Column("measured_level", "text", "level of the measure", nullable=True, allowed=("hospital", "physician")),
        Column(
            "threshold_operator",
            "text",
            "how the measure must compare with the threshold",
            nullable=True,
            allowed=("below", "at most", "at least", "above"),
        ),
        Column("threshold_value", "ratio", "the threshold; a share is a fraction of 1", nullable=True),
        Column("weight_percent", "ratio", "weight in percent; a hospital's weights total 100"),
        Column("intervention_ids", "text", "interventions it depends on, separated by |", nullable=True),
    ),
)
PROTOCOL_INTERVENTIONS = Table(
    "protocol_interventions",
    "one row per hospital and intervention that its protocol names",
    (
        _CCN,
        Column("intervention_id", "text", "intervention of the catalog", key=True),
        Column("category", "text", "one of the seven categories"),
        Column("wording", "text", "the intervention in words; the hospital's own wording if it gives one"),
        Column("is_included", "boolean", "the hospital carries it out"),
        Column("is_existing_strategy", "boolean", "an existing strategy of the hospital"),
        Column("is_condition_of_payment", "boolean", "it is used as a condition of payment"),
        Column("non_cash_resources", "text", "non-cash resources that the care partner receives for it", nullable=True),
    ),
)
PROTOCOL_COMMITTEE = Table(
    "protocol_committee",
    "one row per hospital and member of its oversight committee",
    (
        _CCN,
        *COMMITTEE_MEMBER,
    ),
)
PROTOCOL_FINDINGS = Table(
    "protocol_findings",
    "one row per hospital, finding and subject",
    (
        _CCN,
        Column("protocol_year", "integer", "year of the protocol file"),
        Column("finding_id", "text", "rule that is broken", key=True),
        Column("subject", "text", "condition, intervention or key it concerns; may be blank", key=True),
        Column("severity", "text", "severity", allowed=("ERROR", "WARN")),
        Column("message", "text", "what is wrong"),
        Column("fix", "text", "what to do"),
    ),
)
EXCLUDED_IN_PERIOD = Table(
    "excluded_in_period",
    "one row per individual who cannot be paid for the period because of an exclusion",
    (
        Column("npi", "text", "NPI", key=True, max_length=10),
        Column("source", "text", "lists that name the individual, separated by |"),
        Column("effective_date", "date", "first day of the exclusion; the earliest, if there are several"),
        Column(
            "reinstated_date", "date", "day of reinstatement; from all of them, empty while any lasts", nullable=True
        ),
    ),
)

TABLES = {
    table.name: table
    for table in (
        PROTOCOLS,
        PROGRAMS,
        CONDITIONS,
        PROTOCOL_INTERVENTIONS,
        PROTOCOL_COMMITTEE,
        PROTOCOL_FINDINGS,
        EXCLUDED_IN_PERIOD,
        *screening.TABLES.values(),
    )
}
