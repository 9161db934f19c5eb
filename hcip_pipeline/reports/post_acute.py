"""A hospital's page on post-acute spending and readmissions after Medicare stays ([P], "prioritize a focus on
post-acute services, as well as to better track readmissions").

Belongs here: adding up the rows of ``post_acute``, and deciding which figures of other hospitals may be shown. Does not
belong here: assigning services to stays (``int_post_acute_services``).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal

from hcip_pipeline.reports import charts, words
from hcip_pipeline.reports.figures import ReportSource, Row
from hcip_pipeline.reports.pages import release_page

#: kind of service -> its column
SERVICES = {
    "Long-term hospital": "long_term_hospital_amount",
    "Inpatient rehabilitation": "rehabilitation_amount",
    "Skilled nursing": "skilled_nursing_amount",
    "Home health": "home_health_amount",
    "Hospice": "hospice_amount",
}
#: Labels for stays whose service line is not determined by an APR-DRG.
LINES = {"UNMATCHED": "Stays the hospital did not report", "UNGROUPED": "Without an APR-DRG"}
#: Minimum number of other hospitals for a comparison; with two, each could compute the other's figure.
MIN_OTHER_HOSPITALS = 3

_COUNTS = ("episodes", "readmissions", "readmitted_without_post_acute", "episodes_with_post_acute")
_AMOUNTS = ("inpatient_amount", "post_acute_amount", "post_acute_90_day_amount", *SERVICES.values())
_CENT_PLACES = Decimal("0.01")
_RATIO_PLACES = Decimal("0.00000001")


@dataclass(frozen=True)
class PostAcute:
    """A hospital's episodes added up; every row has sums, shares and means."""

    total: Row
    lines: tuple[Row, ...]
    partners: tuple[Row, ...]
    others: tuple[Row, ...]
    history: tuple[Row, ...]


def post_acute(source: ReportSource, ccn: str) -> PostAcute:
    """Post-acute care and readmissions of the hospital's Medicare episodes: in total, by service line and physician."""
    rows = source.current.of_hospital("post_acute", ccn)
    names = {row["npi"]: row["name"] or row["npi"] for row in source.current.of_hospital("incentives", ccn)}
    partners = _grouped([row for row in rows if row["npi"] in names], lambda row: str(row["npi"]))
    others = _grouped([row for row in rows if row["npi"] not in names], _line)
    elsewhere = _elsewhere(source, ccn)
    lines = [row | {"elsewhere": elsewhere.get(row["name"])} for row in _grouped(rows, _line)]
    highest = max((row["per_episode"] or Decimal(0) for row in lines), default=Decimal(0))
    return PostAcute(
        total=_summed("All service lines", rows) | {"elsewhere": elsewhere.get(None)},
        lines=tuple(row | {"bar": charts.bar(row["per_episode"] or Decimal(0), highest)} for row in lines),
        partners=tuple(row | {"name": names[row["npi"]]} for row in partners),
        others=tuple(others),
        history=tuple(
            _summed(str(tables.period), tables.of_hospital("post_acute", ccn))
            for tables in (*source.earlier, source.current)
            if tables.has("post_acute") and tables.of_hospital("post_acute", ccn)
        ),
    )


def post_acute_page(source: ReportSource, ccn: str) -> bytes:
    """The hospital's page."""
    content = post_acute(source, ccn)
    return release_page(
        source,
        "post_acute.html.j2",
        title=f"After the stay: {source.names[ccn]}, {words.half(str(source.period))}",
        ccn=ccn,
        hospital=source.names[ccn],
        content=content,
        services=SERVICES,
        min_others=MIN_OTHER_HOSPITALS,
        spending_chart=charts.columns((row["name"], row["per_episode"] or Decimal(0)) for row in content.history),
        short_dollars=words.short_dollars,
    )


def _line(row: Row) -> str:
    line: str = row["service_line"]
    return LINES.get(line, line)


def _grouped(rows: Iterable[Row], name: Callable[[Row], str]) -> list[Row]:
    """Sums by name, the largest post-acute spending first."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[name(row)].append(row)
    made = [_summed(each, members) for each, members in groups.items()]
    return sorted(made, key=lambda row: (-row["post_acute_amount"], row["name"]))


def _summed(name: str, rows: Iterable[Row]) -> Row:
    rows = list(rows)
    sums: Row = {"name": name}
    sums |= {column: sum(row[column] for row in rows) for column in _COUNTS}
    sums |= {column: sum((row[column] for row in rows), Decimal("0.00")) for column in _AMOUNTS}
    return sums | {
        "npi": rows[0]["npi"] if rows else None,
        "readmission_share": _divided(sums["readmissions"], sums["episodes"], _RATIO_PLACES),
        "without_share": _divided(sums["readmitted_without_post_acute"], sums["readmissions"], _RATIO_PLACES),
        "post_acute_share": _divided(sums["episodes_with_post_acute"], sums["episodes"], _RATIO_PLACES),
        "per_episode": _divided(sums["post_acute_amount"], sums["episodes"], _CENT_PLACES),
        "per_episode_90": _divided(sums["post_acute_90_day_amount"], sums["episodes"], _CENT_PLACES),
    }


def _divided(numerator: Decimal | int, denominator: int, places: Decimal) -> Decimal | None:
    return (Decimal(numerator) / denominator).quantize(places) if denominator else None


def _elsewhere(source: ReportSource, ccn: str) -> dict[str | None, Row]:
    """The same sums over all other hospitals, by service line and (None) overall, if they reveal no one.

    Sums are shown only for at least three hospitals, and only if every count of episodes behind a figure is above the
    small-cell threshold (outputs.md, "Privacy").
    """
    least = source.policy.small_cell_threshold
    groups: dict[str | None, list[Row]] = defaultdict(list)
    for other, sums in source.once("post_acute", _sums_by_hospital).items():
        if other != ccn:
            for line, row in sums.items():
                groups[line].append(row)
    found = {}
    for line, rows in groups.items():
        sums_of_others = _summed(line or "", rows)
        counts = [sums_of_others[column] for column in ("readmissions", "episodes_with_post_acute")]
        counts += [sums_of_others["episodes"] - count for count in counts]
        if len(rows) >= MIN_OTHER_HOSPITALS and min(counts) > least:
            found[line] = sums_of_others
    return found


def _sums_by_hospital(source: ReportSource) -> dict[str, dict[str | None, Row]]:
    """CCN -> service line (None for all) -> sums, for the service lines in which the hospital has episodes."""
    found: dict[str, dict[str | None, Row]] = {}
    for ccn in source.hospitals:
        groups: dict[str | None, list[Row]] = defaultdict(list)
        for row in source.current.of_hospital("post_acute", ccn):
            groups[None].append(row)
            groups[_line(row)].append(row)
        found[ccn] = {line: _summed(line or "", rows) | {"npi": None} for line, rows in groups.items()}
    return found
