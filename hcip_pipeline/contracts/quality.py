"""Quality, readmissions and networks (methodology §12): the tables that show whether care got better or worse.

Belongs here: their columns. Does not belong here: how they are computed (``dbt_project/models/*/quality``), and the
form in which they leave the program (``quality_released``).
"""

from hcip_pipeline.contracts.table import Column, Table

_PERIOD = Column("period", "text", "performance period; or name of the study", key=True)
_CCN = Column("hospital_ccn", "text", "CMS certification number of the hospital", key=True)
_MEASURE = Column("measure", "text", "measure (methodology §12)", key=True)

_COUNTS = (
    Column("baseline_numerator", "integer", "events of the baseline window"),
    Column("baseline_denominator", "integer", "denominator: discharges, readmissions, or months enrolled"),
    Column("baseline_value", "ratio", "the measure in the baseline window", nullable=True),
    Column("numerator", "integer", "events; of the performance period"),
    Column("denominator", "integer", "denominator"),
)
_VALUE = Column("value", "ratio", "the measure; in the performance period; per 12 months if it is per 1,000 people",
                nullable=True)  # fmt: skip
_LIMITS = (
    Column(
        "lower_limit",
        "ratio",
        "95% lower limit: Wilson for a share, Byar for a count or an adjusted rate",
        nullable=True,
    ),
    Column("upper_limit", "ratio", "95% upper limit", nullable=True),
)
_EXPECTED = Column(
    "expected", "ratio", "readmissions expected from the base year's cell rates; adjusted rates only", nullable=True
)
_TARGET = (
    Column(
        "target_change", "ratio", "relative change from the baseline to reach; empty without a target", nullable=True
    ),
    Column("target_value", "ratio", "baseline_value × (1 + target_change)", nullable=True),
    Column("distance", "ratio", "value − target_value: positive if the target is not reached", nullable=True),
    Column("is_on_track", "boolean", "the target is reached; empty without a target", nullable=True),
)
_LABELS = (
    Column("measure_label", "text", "label of the measure"),
    Column("unit", "text", "a share, or per 1,000", allowed=("share", "per_1000")),
)

QUALITY_MEASURES = Table(
    "quality_measures",
    "one row per measure of the hospital, or of its patients by service line, APR-DRG, physician, destination or code",
    (
        _CCN,
        _PERIOD,
        Column(
            "level",
            "text",
            "level of the measure",
            key=True,
            allowed=("hospital", "service_line", "apr_drg", "physician", "destination", "condition_code"),
        ),
        Column("subject", "text", "which one; ALL for the whole hospital", key=True),
        _MEASURE,
        *_COUNTS[:2],
        Column("baseline_expected", "ratio", "readmissions expected in the baseline window", nullable=True),
        *_COUNTS[2:],
        _EXPECTED,
        Column("base_rate", "ratio", "the base year's statewide rate; adjusted rates only", nullable=True),
        _VALUE,
        *_LIMITS,
    ),
)

QUALITY_SCORECARD = Table(
    "quality_scorecard",
    "one row per measure, for each hospital, each community (county) and the state",
    (
        Column("entity_kind", "text", "what is measured", key=True, allowed=("hospital", "community", "state")),
        Column("entity_id", "text", "CCN, county, or STATE", key=True),
        _PERIOD,
        _MEASURE,
        Column("entity_name", "text", "its name"),
        *_LABELS,
        Column("hospitals", "integer", "hospitals; included in the measure"),
        Column(
            "member_ccns", "text", "CCNs of the members, separated by |; NONE for beneficiaries in no hospital's area"
        ),
        *_COUNTS,
        _EXPECTED,
        _VALUE,
        *_LIMITS,
        Column("change", "ratio", "value ÷ baseline_value − 1", nullable=True),
        *_TARGET,
        Column("reference_value", "ratio", "national figure for reference; not used in any comparison", nullable=True),
        Column("reference_goal", "ratio", "national goal for reference", nullable=True),
        Column(
            "reference_note", "text", "where the reference comes from, and what it may not be used for", nullable=True
        ),
    ),
)

NETWORK_SCORECARD = Table(
    "network_scorecard",
    "one row per measure and group that works together: its change compared with its peers'",
    (
        Column(
            "group_kind", "text", "network, community, or the program's hospitals", key=True,
            allowed=("network", "community", "participants"),
        ),
        Column("group_id", "text", "network, county, or PROGRAM", key=True),
        Column("topic", "text", "topic worked on; ALL if there is none", key=True),
        _PERIOD,
        _MEASURE,
        Column("group_name", "text", "its name"),
        Column("network_kind", "text", "kind of network", nullable=True, allowed=("HEN", "HIIN", "QIN-QIO", "LAN")),
        Column("is_topic_measure", "boolean", "the measure shows whether work on the topic succeeds"),
        *_LABELS,
        Column("hospitals", "integer", "hospitals; members measured in both windows"),
        Column("member_ccns", "text", "CCNs of the members, separated by |"),
        *_COUNTS,
        _VALUE,
        Column("change", "ratio", "value ÷ baseline_value − 1", nullable=True),
        *_TARGET,
        Column("peer_hospitals", "integer", "hospitals of the state outside the group, measured in both windows"),
        Column("peer_baseline_numerator", "integer", "their events of the baseline window"),
        Column("peer_baseline_denominator", "integer", "denominator"),
        Column("peer_baseline_value", "ratio", "their measure in the baseline window", nullable=True),
        Column("peer_numerator", "integer", "their events of the performance period"),
        Column("peer_denominator", "integer", "denominator"),
        Column("peer_value", "ratio", "their measure in the performance period", nullable=True),
        Column("peer_change", "ratio", "their relative change", nullable=True),
        Column("difference", "ratio", "change − peer_change; below zero, the group did better", nullable=True),
        Column("difference_lower", "ratio", "95% lower limit of the difference, by the delta method", nullable=True),
        Column("difference_upper", "ratio", "95% upper limit; below zero, better beyond chance", nullable=True),
    ),
)  # fmt: skip

READMISSIONS = Table(
    "readmissions",
    "one row per hospital, and for the state one row per service line and one per APR-DRG within it",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital; or STATE", key=True),
        Column("service_line", "text", "service line; or ALL", key=True),
        Column("apr_drg", "text", "APR-DRG; or ALL", key=True),
        _PERIOD,
        Column("index_discharges", "integer", "discharges that can be followed for 30 days"),
        Column("readmissions", "integer", "unplanned readmissions within 30 days; to any hospital"),
        Column("planned_returns", "integer", "index discharges followed by planned admissions only"),
        Column("observed_rate", "ratio", "readmissions ÷ index discharges", nullable=True),
        Column("observed_lower", "ratio", "95% lower limit (Wilson)", nullable=True),
        Column("observed_upper", "ratio", "95% upper limit (Wilson)", nullable=True),
        _EXPECTED,
        Column("adjusted_rate", "ratio", "observed ÷ expected × the base year's statewide rate", nullable=True),
        Column("adjusted_lower", "ratio", "95% lower limit (Byar)", nullable=True),
        Column("adjusted_upper", "ratio", "95% upper limit (Byar)", nullable=True),
    ),
)

HOSPITAL_ACQUIRED_CONDITIONS = Table(
    "hospital_acquired_conditions",
    "one row per hospital, and for the state one row per condition code: flags of the abstract compared with the "
    "hospital's own baseline",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital; or STATE", key=True),
        Column("code", "text", "code of the condition, or ALL", key=True),
        _PERIOD,
        Column("baseline_discharges", "integer", "discharges of the baseline window"),
        Column("baseline_conditions", "integer", "flags of the baseline window"),
        Column("baseline_per_1000", "ratio", "flags per 1,000 discharges of the baseline window", nullable=True),
        Column("discharges", "integer", "discharges; of the performance period"),
        Column("conditions", "integer", "flags of the performance period"),
        Column("per_1000", "ratio", "flags per 1,000 discharges", nullable=True),
        Column("change", "ratio", "per_1000 ÷ baseline_per_1000 − 1", nullable=True),
    ),
)

CARE_TRANSITIONS = Table(
    "care_transitions",
    "one row per source and hospital, and for the state one row per source and destination",
    (
        Column("source", "text", "hospitals' records, or Medicare claims", key=True, allowed=("all_payer", "medicare")),
        Column("hospital_ccn", "text", "CMS certification number of the hospital; or STATE", key=True),
        Column("destination", "text", "where patients went, or ALL", key=True),
        _PERIOD,
        Column("discharges", "integer", "discharges; index discharges"),
        Column("readmissions", "integer", "unplanned readmissions within 30 days"),
        Column("readmission_share", "ratio", "readmissions ÷ discharges", nullable=True),
        Column("within_7_days", "integer", "of the readmissions, within 7 days"),
        Column("mean_days_to_return", "mean", "mean days from discharge to readmission", nullable=True),
        Column(
            "without_post_acute", "integer", "of the readmissions, without post-acute care in between; Medicare only",
            nullable=True,
        ),
    ),
)  # fmt: skip

NETWORK_RECRUITMENT = Table(
    "network_recruitment",
    "one row per network and topic: its members in the period compared with its goal",
    (
        Column("network_id", "text", "network", key=True),
        Column("topic", "text", "topic worked on", key=True),
        _PERIOD,
        Column("network_name", "text", "name of the network"),
        Column("network_kind", "text", "kind of network", allowed=("HEN", "HIIN", "QIN-QIO", "LAN")),
        Column("members", "integer", "member hospitals in the period"),
        Column("member_ccns", "text", "CCNs of the members, separated by |", nullable=True),
        Column("recruitment_goal", "integer", "members the network set out to recruit", nullable=True),
        Column("recruited_share", "ratio", "members ÷ goal", nullable=True),
        Column("still_to_recruit", "integer", "members still missing to reach the goal", nullable=True),
    ),
)

REPORTING_SETS = Table(
    "reporting_sets",
    "one row per hospital, measure and area: what the hospital reports once for all its networks",
    (
        _CCN,
        Column("measure", "text", "measure (methodology §12); NONE for a topic without a measure", key=True),
        Column("area", "text", "area that the topic belongs to", key=True),
        _PERIOD,
        Column("networks", "integer", "networks that ask for the measure"),
        Column("network_ids", "text", "these networks, separated by |"),
        Column("topics", "text", "their topics, separated by |"),
        Column("networks_of_area", "integer", "networks in which the hospital works on topics of this area"),
        Column("is_overlap", "boolean", "several networks have collaboratives on similar topics"),
    ),
)

HOSPITAL_PEERS = Table(
    "hospital_peers",
    "one row per hospital and peer: the hospitals most similar in size and case mix",
    (
        _CCN,
        Column("peer_rank", "integer", "1 is the most similar", key=True),
        _PERIOD,
        Column("discharges", "integer", "discharges; of the performance period"),
        Column("case_mix_days", "mean", "mean base-year stay of its cells"),
        Column("peer_ccn", "text", "the peer"),
        Column("peer_discharges", "integer", "the peer's discharges"),
        Column("peer_case_mix_days", "mean", "the peer's case mix"),
        Column(
            "distance",
            "ratio",
            "sum of the squares of the differences in size and case mix, each difference divided by the state's range",
        ),
    ),
)

MEASURE_LEADERS = Table(
    "measure_leaders",
    "one row per measure and place: hospitals in order of value, best first",
    (
        _MEASURE,
        Column("place", "integer", "1 leads", key=True),
        _PERIOD,
        Column("hospital_ccn", "text", "CMS certification number of the hospital"),
        Column("hospital_name", "text", "name of the hospital"),
        Column("numerator", "integer", "events; of the performance period"),
        Column("denominator", "integer", "denominator"),
        _VALUE,
        _LIMITS[1],
        Column("state_value", "ratio", "the state's value", nullable=True),
        Column(
            "could_teach", "boolean", "better than the state beyond chance: the upper limit is below the state's value"
        ),
        Column("learner_ccns", "text", "hospitals that do worse and have it as a peer, separated by |", nullable=True),
    ),
)

_SIGNS = ("READMISSIONS", "MORTALITY", "SHORT_STAYS", "TRANSFERS", "SEVERITY", "VOLUME")
_LEVEL = Column("level", "text", "level of the check", key=True, allowed=("hospital", "care_partner"))
_SIGN = Column("sign", "text", "possible sign of stinting or steering", key=True, allowed=_SIGNS)
_WHOSE = Column("npi", "text", "NPI; the care partner, or ALL for the whole hospital", key=True)

GUARDRAILS = Table(
    "guardrails",
    "one row per hospital or care partner and sign of stinting or steering that was checked before payment",
    (
        _CCN,
        _PERIOD,
        _LEVEL,
        _WHOSE,
        _SIGN,
        Column("observed", "integer", "events; of the performance period; for VOLUME, discharges"),
        Column("cases", "integer", "cases; checked for the sign, empty for VOLUME", nullable=True),
        Column("expected_as_state", "ratio", "events expected for these cases at the state's rates", nullable=True),
        Column("baseline_observed", "integer", "events of the baseline window"),
        Column(
            "expected_by_past",
            "ratio",
            "events expected at its own past rates, adjusted by the state's change",
            nullable=True,
        ),
        Column("from_own_past", "mean", "standard deviations above its own past; empty without one", nullable=True),
        Column("from_state", "mean", "standard deviations above the state; empty for VOLUME", nullable=True),
        Column(
            "is_finding",
            "boolean",
            "far above both (VOLUME: its own past): the committee reviews the cases behind it; no payment is reduced",
        ),
    ),
)

GUARDRAIL_CASES = Table(
    "guardrail_cases",
    "one row per guardrail finding and case behind it",
    (
        _CCN,
        _PERIOD,
        _LEVEL,
        _WHOSE,
        _SIGN,
        Column("account_no", "text", "the hospital's own account number", key=True),
        Column("responsible_npi", "text", "NPI of the responsible physician", nullable=True),
    ),
)

#: about hospitals, for all readers
STATE_TABLES = (NETWORK_RECRUITMENT, REPORTING_SETS)
#: the same, but they count people: `quality_released` declares the form in which they leave the program
COUNTING_TABLES = (
    QUALITY_SCORECARD, NETWORK_SCORECARD, READMISSIONS, HOSPITAL_ACQUIRED_CONDITIONS, CARE_TRANSITIONS, HOSPITAL_PEERS,
    MEASURE_LEADERS,
)  # fmt: skip
#: about one hospital, for its own oversight committee
COMMITTEE_TABLES = (QUALITY_MEASURES, GUARDRAILS, GUARDRAIL_CASES)
TABLES = (*STATE_TABLES, *COUNTING_TABLES, *COMMITTEE_TABLES)

QUALITY_CELLS = Table(
    "quality_cells",
    "one row per cell of the base year: rates with which readmissions and signs of stinting are compared",
    (
        Column("base_year", "integer", "calendar year whose statewide data set the norms", key=True),
        Column("apr_drg", "text", "APR-DRG", key=True),
        Column("severity_of_illness", "text", "APR severity of illness", key=True),
        Column("discharges", "integer", "discharges"),
        Column("days", "integer", "days; Σ over these stays"),
        Column("short_stays", "integer", "of these, shorter than half of the cell's mean stay"),
        Column("deaths", "integer", "of these, patients who died"),
        Column("sent_on", "integer", "of these, transferred to another acute hospital"),
        Column("index_discharges", "integer", "discharges that can be followed for 30 days"),
        Column("readmissions", "integer", "unplanned readmissions within 30 days"),
    ),
)
