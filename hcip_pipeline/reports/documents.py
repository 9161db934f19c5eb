"""All reports of a release as documents: the renderer that publishing calls.

Belongs here: the list of documents and their paths. Does not belong here: their content.
"""

from __future__ import annotations

from collections.abc import Iterable

from hcip_pipeline.contracts.survey import form_name
from hcip_pipeline.release.documents import Document, Draft
from hcip_pipeline.reports.explorer import explorer_page
from hcip_pipeline.reports.figures import ReportSource
from hcip_pipeline.reports.index import index_page
from hcip_pipeline.reports.meeting import meeting, meeting_page, payments_form
from hcip_pipeline.reports.missing import missing_csv, missing_items
from hcip_pipeline.reports.oversight import committee, oversight_page
from hcip_pipeline.reports.oversight_workbook import oversight_workbook
from hcip_pipeline.reports.physician import physician_page
from hcip_pipeline.reports.post_acute import post_acute_page
from hcip_pipeline.reports.release_index import release_index
from hcip_pipeline.reports.statewide import statewide_page
from hcip_pipeline.reports.survey_form import survey_form

HTML = "text/html"
CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def render_reports(draft: Draft) -> Iterable[Document]:
    """The reports of a release, hospital by hospital, then the administrator's."""
    source = ReportSource(draft)
    missing = {}
    for ccn in source.hospitals:
        folder = f"reports/{ccn}"
        items = missing_items(source, ccn)
        missing[ccn] = len(items)
        content = committee(source, ccn, items)
        agenda = meeting(source, ccn, content, items)
        yield Document(f"{folder}/meeting.html", meeting_page(source, ccn, content, agenda), HTML)
        yield Document(f"{folder}/payments.csv", payments_form(ccn, agenda), CSV)
        yield Document(f"{folder}/oversight.html", oversight_page(source, ccn, content), HTML)
        yield Document(f"{folder}/explorer.html", explorer_page(source, ccn, content), HTML)
        yield Document(f"{folder}/post_acute.html", post_acute_page(source, ccn), HTML)
        yield Document(f"{folder}/oversight.xlsx", oversight_workbook(source, content, agenda), XLSX)
        yield Document(f"{folder}/{form_name(ccn, source.period)}", survey_form(source, ccn), XLSX)
        yield Document(f"{folder}/missing_information.csv", missing_csv(items), CSV)
        for partner in source.current.of_hospital("incentives", ccn):
            yield Document(f"{folder}/physicians/{partner['npi']}.html", physician_page(source, ccn, partner), HTML)
    yield Document("audit/statewide.html", statewide_page(source), HTML)
    yield Document("audit/index.html", release_index(source, missing), HTML)
    yield Document("reports/index.html", index_page(source, missing), HTML)
