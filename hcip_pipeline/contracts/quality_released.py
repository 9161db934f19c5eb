"""The tables of ``quality/`` as they leave the program: any figure may be hidden, and each declares what it reveals.

Belongs here: which columns are counts, which are hidden with them, and with how many digits a rate is shown. Does not
belong here: the columns themselves (``quality``), and hiding (``release.quality_tables``).
"""

from dataclasses import replace

from hcip_pipeline.contracts import quality
from hcip_pipeline.contracts.disclosure import Reveals, declared
from hcip_pipeline.contracts.table import Column, Table

_SUPPRESSED = Column("suppressed", "text", "columns emptied because of a small count, separated by |", nullable=True)

_LABEL = "identifies the row"
_NO_PATIENTS = "about hospitals and networks, not patients"
_GIVEN = "an external target or national figure, the same for everybody"

_NOW, _BEFORE = ("numerator", "denominator"), ("baseline_numerator", "baseline_denominator")
_PEERS_NOW, _PEERS_BEFORE = (tuple(f"peer_{name}" for name in names) for names in (_NOW, _BEFORE))
_BOTH, _PEERS = (*_NOW, *_BEFORE), (*_PEERS_NOW, *_PEERS_BEFORE)
_EVENTS = ("numerator", "baseline_numerator")
_PEER_EVENTS = ("peer_numerator", "peer_baseline_numerator")

_VALUE = Reveals(_NOW, over=("denominator",), per=0)
_CHANGE = Reveals(_BOTH, over=_EVENTS)
_AIM: dict[str, Reveals] = {
    "baseline_value": Reveals(_BEFORE, over=("baseline_denominator",), per=0),
    "change": _CHANGE,
    "target_value": Reveals(_BEFORE, over=("baseline_denominator",), per=0),
    "distance": Reveals(_BOTH, over=("denominator", "baseline_denominator"), per=0),
    "is_on_track": Reveals(_BOTH),
}
_OF_EXPECTED = Reveals(("denominator",), most_digits=2)


#: meanings of figures that are computed again from the figures shown
_MEANS = {
    ("measure_leaders", "place"): "1 leads among the hospitals whose value is shown",
    (
        "measure_leaders",
        "learner_ccns",
    ): "of these hospitals, those that do worse and have it as a peer, separated by |",
    ("hospital_peers", "peer_rank"): "1 is the most similar of the hospitals whose size is shown",
    ("hospital_peers", "peer_ccn"): "the peer, among the hospitals whose size is shown",
    (
        "hospital_peers",
        "distance",
    ): "sum of the squares of the differences in size and case mix, each difference divided by the range of the "
    "figures shown",
    ("care_transitions", "mean_days_to_return"): "mean days from discharge to readmission, rounded to a day",
}


def _released(table: Table, *, empty: tuple[str, ...] = (), key: tuple[str, ...] = ()) -> Table:
    """The table in the form in which it leaves: any figure may be empty, and the row names what is hidden.

    Args:
        empty: text columns that may be hidden, too.
        key: the key, if it differs from the build's.
    """
    keys = key or table.key
    columns = (
        replace(
            column,
            meaning=_MEANS.get((table.name, column.name), column.meaning),
            key=column.name in keys,
            nullable=column.nullable or column.name in empty or (column.name not in keys and column.type != "text"),
        )
        for column in table.columns
    )
    return Table(table.name, table.grain, (*columns, _SUPPRESSED))


def _labels(*names: str) -> dict[str, tuple[str, ...]]:
    return {_LABEL: (*names, "period", "suppressed")}


_QUALITY_SCORECARD = declared(
    _released(quality.QUALITY_SCORECARD),
    counts=_BOTH,
    reveals=_AIM | {"expected": _OF_EXPECTED, "value": _VALUE, "lower_limit": _VALUE, "upper_limit": _VALUE},
    harmless=_labels("entity_kind", "entity_id", "measure", "entity_name", "measure_label", "unit")
    | {
        _NO_PATIENTS: ("hospitals", "member_ccns"),
        _GIVEN: ("target_change", "reference_value", "reference_goal", "reference_note"),
    },
)

_DIFFERENCE = Reveals((*_BOTH, *_PEERS), over=(*_EVENTS, *_PEER_EVENTS))
_NETWORK_SCORECARD = declared(
    _released(quality.NETWORK_SCORECARD),
    counts=(*_BOTH, *_PEERS),
    reveals=_AIM
    | {
        "value": _VALUE,
        "peer_value": Reveals(_PEERS_NOW, over=("peer_denominator",), per=0),
        "peer_baseline_value": Reveals(_PEERS_BEFORE, over=("peer_baseline_denominator",), per=0),
        "peer_change": Reveals(_PEERS, over=_PEER_EVENTS),
    }
    | dict.fromkeys(("difference", "difference_lower", "difference_upper"), _DIFFERENCE),
    harmless=_labels("group_kind", "group_id", "topic", "measure", "group_name", "measure_label", "unit")
    | {
        _NO_PATIENTS: ("network_kind", "is_topic_measure", "hospitals", "member_ccns", "peer_hospitals"),
        _GIVEN: ("target_change",),
    },
)

_RATES = Reveals(("index_discharges", "readmissions"), over=("index_discharges",))
_READMISSIONS = declared(
    _released(quality.READMISSIONS),
    counts=("index_discharges", "readmissions", "planned_returns"),
    reveals=dict.fromkeys(
        ("observed_rate", "observed_lower", "observed_upper", "adjusted_rate", "adjusted_lower", "adjusted_upper"),
        _RATES,
    )
    | {"expected": Reveals(("index_discharges",), most_digits=2)},
    harmless=_labels("hospital_ccn", "service_line", "apr_drg"),
)

_HOSPITAL_ACQUIRED_CONDITIONS = declared(
    _released(quality.HOSPITAL_ACQUIRED_CONDITIONS),
    counts=("baseline_discharges", "baseline_conditions", "discharges", "conditions"),
    reveals={
        "baseline_per_1000": Reveals(
            ("baseline_discharges", "baseline_conditions"), over=("baseline_discharges",), per=1000
        ),
        "per_1000": Reveals(("discharges", "conditions"), over=("discharges",), per=1000),
        "change": Reveals(
            ("discharges", "conditions", "baseline_discharges", "baseline_conditions"),
            over=("conditions", "baseline_conditions"),
        ),
    },
    harmless=_labels("hospital_ccn", "code"),
)

_CARE_TRANSITIONS = declared(
    _released(quality.CARE_TRANSITIONS),
    counts=("discharges", "readmissions", "within_7_days", "without_post_acute"),
    reveals={
        "readmission_share": Reveals(("discharges", "readmissions"), over=("discharges",)),
        # Its sum of days bounds both. It adds up over the rows of a source, so a hidden one hides a total, too.
        "mean_days_to_return": Reveals(("readmissions", "within_7_days"), most_digits=0),
    },
    harmless=_labels("source", "hospital_ccn", "destination"),
)

_OF_SIZE, _OF_PEER = ("discharges",), ("peer_discharges",)
_HOSPITAL_PEERS = declared(
    _released(quality.HOSPITAL_PEERS, empty=("peer_ccn",)),
    counts=("discharges", "peer_discharges"),
    reveals={
        "case_mix_days": Reveals(_OF_SIZE, over=_OF_SIZE),
        # peers are chosen only among hospitals whose size is shown
        "peer_ccn": Reveals((*_OF_SIZE, *_OF_PEER)),
        "peer_case_mix_days": Reveals(_OF_PEER, over=_OF_PEER),
        "distance": Reveals((*_OF_SIZE, *_OF_PEER), over=(*_OF_SIZE, *_OF_PEER)),
    },
    harmless=_labels("hospital_ccn")
    | {"a place, of which every hospital has the same number: the peer in it is hidden": ("peer_rank",)},
)

_OF_STATE = ("state_numerator", "state_denominator")
_MEASURE_LEADERS = declared(
    _released(quality.MEASURE_LEADERS, empty=("place",), key=("measure", "period", "hospital_ccn")),
    counts=_NOW,
    reveals={
        "place": Reveals(_NOW),
        "value": _VALUE,
        "upper_limit": _VALUE,
        "state_value": Reveals(_OF_STATE, over=("state_denominator",), per=0),
        "could_teach": Reveals((*_NOW, *_OF_STATE)),
        "learner_ccns": Reveals((*_NOW, *_OF_STATE)),
    },
    harmless=_labels("measure", "hospital_ccn", "hospital_name"),
)

#: every counting table in the form in which it leaves
RELEASED = {
    table.name: table
    for table in (
        _QUALITY_SCORECARD,
        _NETWORK_SCORECARD,
        _READMISSIONS,
        _HOSPITAL_ACQUIRED_CONDITIONS,
        _CARE_TRANSITIONS,
        _HOSPITAL_PEERS,
        replace(
            _MEASURE_LEADERS,
            grain="one row per measure and hospital; places and learners are among the hospitals whose value is shown",
        ),
    )
}


def _all_harmless(table: Table) -> Table:
    return declared(table, harmless={_NO_PATIENTS: table.names})


#: about hospitals only, as the build makes them
STATE_TABLES = tuple(map(_all_harmless, quality.STATE_TABLES))

#: names of the tables above
NAMES = frozenset({*RELEASED, *(table.name for table in STATE_TABLES)})
