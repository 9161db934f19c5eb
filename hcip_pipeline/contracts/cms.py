"""CMS claim and claim line feed (inputs.md, "CMS monthly files"): record layouts, lake tables and derived tables.

Belongs here: the layout of the eleven files, by byte, and the columns of the tables made from them. Does not belong
here: reading (``intake.cclf``) and the rules of final action (``dbt_project/models/intermediate/claims``).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hcip_pipeline.contracts.cclf_layout import FIELDS, RECORD_LENGTHS, TITLES
from hcip_pipeline.contracts.table import Column, ColumnType, Table

if TYPE_CHECKING:
    from hcip_pipeline.contracts.table import PolarsType

#: type in the layout -> type of the column
_COLUMN_TYPES: dict[str, ColumnType] = {
    "text": "text",
    "date": "date",
    "integer": "integer",
    "money": "money",
    "quantity": "mean",  # four decimals
}


@dataclass(frozen=True)
class CmsField:
    """One field of a record: ``offset`` and ``width`` in bytes."""

    name: str
    offset: int
    width: int
    kind: str
    meaning: str

    @property
    def end(self) -> int:
        """Last position of the field in its record."""
        return self.offset + self.width

    @property
    def column(self) -> Column:
        """The field as a column of the lake's table."""
        return Column(self.name, _COLUMN_TYPES[self.kind], self.meaning, nullable=True)

    @property
    def polars_type(self) -> PolarsType:
        """The column's type in Polars."""
        return self.column.polars_type


@dataclass(frozen=True)
class CmsLayout:
    """The record of one file, in all its generations."""

    file: str
    title: str
    record_lengths: tuple[int, ...]
    fields: tuple[CmsField, ...]

    def fields_within(self, record_length: int) -> tuple[CmsField, ...]:
        """The fields that a record of that many bytes contains: layouts are only ever extended at the end."""
        return tuple(field for field in self.fields if field.end <= record_length)


LAYOUTS: dict[str, CmsLayout] = {
    file: CmsLayout(
        file,
        TITLES[file],
        RECORD_LENGTHS[file],
        tuple(
            CmsField(name, first - 1, last - first + 1, kind, meaning) for name, first, last, kind, meaning in fields
        ),
    )
    for file, fields in FIELDS.items()
}

#: Columns that intake adds so that any dollar can be traced to the file and line it came from.
LINEAGE = (
    Column("source_archive", "text", "name of the archive it came from"),
    Column("source_file", "text", "file name; within the archive"),
    Column("source_row", "integer", "line of that file; the record, from 1"),
    Column("file_date", "date", "date in the name of the file"),
    Column("delivery_month", "text", "month of the inbox it was delivered in, YYYY-MM"),
    Column("is_run_out", "boolean", "delivered in a run-out file"),
)

#: source('lake', name) of the dbt project -> its columns
TABLES: dict[str, Table] = {
    file: Table(
        file,
        f"one row per record of CCLF{file[-1].upper()}, {layout.title}",
        (*(f.column for f in layout.fields), *LINEAGE),
    )
    for file, layout in LAYOUTS.items()
} | {
    "claim_tags": Table(
        "claim_tags",
        "one row per claim of a BCDA export: what CMS reports about it that CCLF has no field for",
        (
            Column("cur_clm_uniq_id", "text", "current claim unique identifier", nullable=True),
            Column("clm_adjsmt_type_cd", "text", "claim adjustment type code", nullable=True),
            Column("part", "text", "A, B, or DME (equipment); or D", nullable=True),
            Column(
                "final_action",
                "text",
                "CMS's own tag: FinalAction or NotFinalAction; Withdrawn if the claim is no longer active",
                nullable=True,
            ),
            *LINEAGE,
        ),
    ),
    "patient_numbers": Table(
        "patient_numbers",
        "one row per Patient of a BCDA export: the id by which claims refer to it, and its MBI",
        (
            Column("patient_id", "text", "id of the Patient resource", nullable=True),
            Column("bene_mbi_id", "text", "current Medicare beneficiary identifier", nullable=True),
            *LINEAGE,
        ),
    ),
}

POST_ACUTE = Table(
    "post_acute",
    "one row per hospital of the region, service line and physician: what followed its Medicare episodes of the period",
    (
        Column("hospital_ccn", "text", "CMS certification number of the hospital; the discharging one", key=True),
        Column("period", "text", "performance period; or name of the study", key=True),
        Column(
            "service_line",
            "text",
            "service line; UNMATCHED without the hospital's record, UNGROUPED without an APR-DRG",
            key=True,
        ),
        Column(
            "npi",
            "text",
            "NPI; the responsible physician (methodology §4), or else the claim's attending physician, or UNKNOWN",
            key=True,
        ),
        Column(
            "episodes",
            "integer",
            "index episodes: discharged alive, not against advice, not still a patient, not transferred to a hospital "
            "that billed nothing",
        ),
        Column("inpatient_amount", "money", "Medicare payments for the episodes' stays"),
        Column(
            "readmissions",
            "integer",
            "unplanned readmissions within 30 days; counted as episodes with an admission to any acute hospital",
        ),
        Column("readmitted_without_post_acute", "integer", "of these, without a post-acute service before it"),
        Column("episodes_with_post_acute", "integer", "episodes with post-acute payments within 30 days"),
        Column("home_health_amount", "money", "home health payments, services begun within 30 days"),
        Column("skilled_nursing_amount", "money", "skilled nursing payments, services begun within 30 days"),
        Column("hospice_amount", "money", "hospice payments, services begun within 30 days"),
        Column("rehabilitation_amount", "money", "inpatient rehabilitation payments, services begun within 30 days"),
        Column("long_term_hospital_amount", "money", "long-term hospital payments, services begun within 30 days"),
        Column("post_acute_amount", "money", "sum of the five"),
        Column("post_acute_90_day_amount", "money", "the same for services begun within 90 days"),
    ),
)

CLAIMS_REPORT = Table(
    "claims_report",
    "one row per part of Medicare claims: what became of every row and cent in final action",
    (
        Column("period", "text", "performance period; or name of the study", key=True),
        Column("part", "text", "A, B, or DME (equipment)", key=True, allowed=("A", "B", "DME")),
        Column("rows_delivered", "integer", "rows in the files in force: claims of Part A, lines of the others"),
        Column(
            "rows_repeated",
            "integer",
            "rows delivered again, which count once, and rows of claims that CMS has withdrawn",
        ),
        Column("rows_changed", "integer", "records delivered again with another key or amount; the newest counts"),
        Column("claim_versions", "integer", "originals, adjustments and cancellations"),
        Column("final_claims", "integer", "claims that remain"),
        Column(
            "denied_final_claims",
            "integer",
            "of these, denied: kept, but in no sum of payments other than final_amount",
        ),
        Column("cancelled_claims", "integer", "originals and adjustments removed with their cancellation"),
        Column("orphan_cancellations", "integer", "cancellations with nothing to cancel"),
        Column("orphans_without_key", "integer", "of the orphans, those with no claim under their key"),
        Column(
            "orphans_without_amount",
            "integer",
            "of the orphans, those with claims under their key but none with the same amounts",
        ),
        Column("orphans_in_excess", "integer", "of the orphans, those in excess of the claims that agree with them"),
        Column("ambiguous_groups", "integer", "groups of equal claims, some but not all of which were cancelled"),
        Column("signed_amount", "money", "payments of all versions, cancellations negative"),
        Column("final_amount", "money", "payments of final claims, denied ones included"),
        Column("orphan_amount", "money", "payments that orphan cancellations take back"),
        Column(
            "claims_under_one_key",
            "integer",
            "final claims, not denied, other than the newest under a key without a final adjustment",
        ),
        Column("under_one_key_amount", "money", "their payments, which are in every total"),
        Column(
            "claims_replaced",
            "integer",
            "final claims, not denied, other than the newest adjustment under their key, which replaces them without a "
            "matching cancellation",
        ),
        Column("replaced_amount", "money", "their payments, which are in every total"),
        Column("adjustments_alone", "integer", "adjustments that are alone under their key, without any cancellation"),
        Column("adjustments_alone_amount", "money", "their payments, which are in every total"),
        Column("tagged_claims", "integer", "claim versions with CMS's own final-action tag (BCDA)"),
        Column("tags_differing", "integer", "of these, those whose tag disagrees with the matching of cancellations"),
        Column(
            "differing_replaced",
            "integer",
            "of the differing, final here but not at CMS, and in doubt: in claims_under_one_key, claims_replaced or "
            "adjustments_alone",
        ),
        Column("differing_final", "integer", "of the differing, final here but not at CMS, and not in doubt"),
        Column("differing_cancelled", "integer", "of the differing, cancelled here but final at CMS"),
        Column("differing_cancellations", "integer", "of the differing, cancellations that CMS tags as final"),
    ),
)
