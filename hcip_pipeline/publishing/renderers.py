"""The list of renderers, which make the documents of a release; each is next to its domain.

Does not belong here: any rendering. A renderer is ``(Draft) -> Iterable[Document]`` and must not need another
renderer's documents.
"""

from __future__ import annotations

from hcip_pipeline.audit.origin import origin_note
from hcip_pipeline.audit.report import audit_report
from hcip_pipeline.release import data_quality
from hcip_pipeline.release.documents import Renderer
from hcip_pipeline.reports.documents import render_reports

#: name -> renderer, in the order they are called
RENDERERS: dict[str, Renderer] = {
    "data_quality": data_quality.hospital_documents,
    "reports": render_reports,
    "audit_report": audit_report,
    "keep_this": origin_note,
}
