"""Figures of ``quality/`` that depend on several rows' counts: places, peers, sums of days; and the digits of a rate.

Each is computed again from the counts that are shown, so that it reveals none that is hidden. If nothing is hidden, the
figures are the build's.

Belongs here: these figures, for rows whose small counts are already hidden. Does not belong here: which counts those
are (``quality_tables``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from hcip_pipeline.contracts.disclosure import Reveals
from hcip_pipeline.contracts.table import Table
from hcip_pipeline.release.quality_counts import ALL, STATE
from hcip_pipeline.release.suppression import MARK

Row = dict[str, Any]

#: decimal places of a ratio in the build
_ALL_DIGITS = 8
#: number of a hospital's peers
_PEERS = 5


def rounded(row: Mapping[str, Any], table: Table, per: int) -> Row:
    """The row with no more digits than its counts support.

    Args:
        per: the base of the row's measure, such as 1,000.
    """
    made = dict(row)
    for column in table.columns:
        how = column.disclosure
        value = row.get(column.name)
        if not isinstance(how, Reveals) or not isinstance(value, Decimal):
            continue
        digits = how.most_digits
        if how.over:
            least = min(row[name] or 1 for name in how.over)
            digits = min(digits, digits_over(least, how.per or per))
        if digits < _ALL_DIGITS:
            made[column.name] = value.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP)
    return made


def digits_over(count: int, per: int = 1) -> int:
    """Decimal places of a rate per ``per`` over ``count``: the fewest that show one event more.

    One of 756 discharges is 0.0013: a share has three places, a rate per 1,000 none.
    """
    digits = 0
    while per * 10**digits < count:
        digits += 1
    return digits


def hide(row: Row, *columns: str) -> None:
    """Empty more columns of a row, and add them to its mark."""
    row.update(dict.fromkeys(columns))
    row[MARK] = "|".join(dict.fromkeys([*filter(None, row[MARK].split("|")), *columns]))


def is_hidden(row: Row, column: str) -> bool:
    """Whether the row hides this column."""
    return column in row[MARK].split("|")


def without_totals_of_hidden_days(rows: list[Row]) -> list[Row]:
    """Care transitions in which no hidden mean of days to return follows from the others.

    The days of a source add up to the state's over hospitals, and over destinations. So if one mean is hidden, one of
    each kind is hidden: the state's, a hospital's, a destination's.
    """
    for source in sorted({row["source"] for row in rows}):
        own = [row for row in rows if row["source"] == source and (row["readmissions"] is None or row["readmissions"])]
        groups = [
            [row for row in own if (row["hospital_ccn"] == STATE, row["destination"] == ALL) == kind]
            for kind in ((True, True), (False, True), (True, False))
        ]
        if any(is_hidden(row, "mean_days_to_return") for row in own):
            for group in groups:
                shown = [row for row in group if not is_hidden(row, "mean_days_to_return")]
                if len(shown) == len(group) and shown:
                    least = min(
                        shown, key=lambda row: (row["readmissions"] or 0, row["hospital_ccn"], row["destination"])
                    )
                    hide(least, "mean_days_to_return")
    return rows


def peers_among_shown(rows: list[Row]) -> list[Row]:
    """Peers determined again among hospitals whose size is shown: the range would reveal a hidden size."""
    sizes = {row["hospital_ccn"]: row for row in rows}
    shown = {ccn: row for ccn, row in sizes.items() if not is_hidden(row, "discharges")}
    if len(shown) == len(sizes):
        return rows
    made = {(ccn, at + 1): peer for ccn in shown for at, peer in enumerate(_most_similar(ccn, shown)[:_PEERS])}
    names = ("peer_ccn", "peer_discharges", "peer_case_mix_days", "distance")
    for row in rows:
        place = made.get((row["hospital_ccn"], row["peer_rank"]))
        if place is None:
            hide(row, *names)
            continue
        distance, peer = place
        row |= {"peer_ccn": peer, "distance": distance, MARK: ""}
        row |= {"peer_discharges": shown[peer]["discharges"], "peer_case_mix_days": shown[peer]["case_mix_days"]}
    return rows


def _most_similar(ccn: str, hospitals: Mapping[str, Row]) -> list[tuple[Decimal, str]]:
    """Distance and hospital, the most similar first: squared differences, each over the range (methodology §12)."""
    ranges = [
        max(values) - min(values)
        for values in ([Decimal(row[name]) for row in hospitals.values()] for name in ("discharges", "case_mix_days"))
    ]
    own = hospitals[ccn]

    def distance(other: Row) -> Decimal:
        found = Decimal(0)
        for name, span in zip(("discharges", "case_mix_days"), ranges, strict=True):
            if span:
                share = ((own[name] - other[name]) / span).quantize(Decimal("1e-8"), ROUND_HALF_UP)
                found += share * share
        return found

    exact = sorted((distance(other), peer) for peer, other in hospitals.items() if peer != ccn)
    digits = {peer: digits_over(min(own["discharges"], hospitals[peer]["discharges"])) for _, peer in exact}
    return [(far.quantize(Decimal(1).scaleb(-digits[peer]), ROUND_HALF_UP), peer) for far, peer in exact]


def places_among_shown(rows: list[Row], peers: Iterable[Row]) -> list[Row]:
    """Leaders, with places and learners determined again among hospitals whose value is shown.

    Args:
        peers: the rows of peers as released.
    """
    of_peer: dict[str, set[str]] = {}
    for row in peers:
        if row["peer_ccn"]:
            of_peer.setdefault(row["peer_ccn"], set()).add(row["hospital_ccn"])
    for measure in sorted({row["measure"] for row in rows}):
        own = [row for row in rows if row["measure"] == measure]
        shown = sorted((row for row in own if not is_hidden(row, "place")), key=lambda row: row["place"])
        for place, row in enumerate(shown, start=1):
            row["place"] = place
        if len(shown) == len(own) and not any(is_hidden(row, "learner_ccns") for row in own):
            continue
        for place, row in enumerate(shown, start=1):
            if row["could_teach"]:
                worse = [other["hospital_ccn"] for other in shown[place:] if other["exact_value"] > row["exact_value"]]
                learners = sorted(set(worse) & of_peer.get(row["hospital_ccn"], set()))
                row["learner_ccns"] = "|".join(learners) or None
    return rows
