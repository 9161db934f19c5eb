"""The page that links all reports of a release.

Belongs here: links. Does not belong here: figures, and names of physicians, because the page covers all hospitals.
"""

from __future__ import annotations

from collections.abc import Mapping

from hcip_pipeline.reports import words
from hcip_pipeline.reports.figures import ReportSource
from hcip_pipeline.reports.pages import release_page


def index_page(source: ReportSource, missing: Mapping[str, int]) -> bytes:
    """The index.

    Args:
        missing: CCN -> number of missing pieces of information.
    """
    rows = []
    for ccn in source.hospitals:
        rows.append(
            {
                "ccn": ccn,
                "name": source.names[ccn],
                "missing": missing[ccn],
                "physicians": len(source.current.of_hospital("incentives", ccn)),
            }
        )
    return release_page(
        source,
        "index.html.j2",
        title=f"Reports, {words.half(str(source.period))}",
        rows=rows,
    )
