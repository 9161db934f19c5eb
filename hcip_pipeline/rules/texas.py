"""What can be wrong with Texas's inpatient public use data file (PUDF).

Belongs here: the rules. Does not belong here: how they are evaluated (``intake.texas.edits``).
"""

from __future__ import annotations

from hcip_pipeline.rules.rule import Rule, by_id, refusal


def _row(id_: str, column: str, description: str, fix: str, *, follows: bool = False) -> Rule:
    """A rule whose breach excludes the row."""
    return Rule(id_, "ERROR", (column,) if column else (), description, fix, follows=follows)


def _kept(id_: str, column: str, description: str, fix: str) -> Rule:
    """A rule whose breach is counted, with the row accepted."""
    return Rule(id_, "WARN", (column,) if column else (), description, fix)


_AS_PUBLISHED = "restore the line as published, or download the file again"

RULES = by_id(
    _row(
        "TEXAS-MALFORMED-ROW",
        "",
        "not a record: its length or number of cells does not match the file's layout",
        _AS_PUBLISHED,
    ),
    _row("TEXAS-RECORD-ID", "RECORD_ID", "the record has no id", _AS_PUBLISHED),
    _row(
        "TEXAS-RECORD-TWICE",
        "RECORD_ID",
        "an earlier record of the file has the same id, or one in an earlier quarter's file has the same id, hospital "
        "and quarter of discharge",
        _AS_PUBLISHED,
    ),
    _row("TEXAS-HOSPITAL", "THCIC_ID", "the hospital's id is not six digits", _AS_PUBLISHED),
    _row("TEXAS-DISCHARGE", "DISCHARGE", "the quarter of discharge is not a quarter such as 2019Q1", _AS_PUBLISHED),
    _row(
        "TEXAS-LATER-QUARTER",
        "DISCHARGE",
        "discharged after the quarter of the file",
        "name the file for the quarter it contains, such as base1_1q2019.txt",
    ),
    _row("TEXAS-LENGTH-OF-STAY", "LENGTH_OF_STAY", "the length of stay is not a number of days", _AS_PUBLISHED),
    _row(
        "TEXAS-TOTAL-CHARGES", "TOTAL_CHARGES", "the total charges are negative, missing or not a number", _AS_PUBLISHED
    ),
    _row(
        "TEXAS-NO-CHARGES",
        "TOTAL_CHARGES",
        "the record has charges but no charge line: its cost would be 0",
        "use the complete charges file of the same quarter",
    ),
    _row(
        "TEXAS-NET-NEGATIVE",
        "TOTAL_CHARGES",
        "the charge lines of the record add up to less than 0",
        "check the record's lines; a single credit is fine",
    ),
    _row("TEXAS-APR-DRG", "APR_DRG", "the APR-DRG is neither a number nor marked invalid", _AS_PUBLISHED),
    _row("TEXAS-CHARGE", "CHRGS_LINE_ITEM", "the charge of the line is missing or not a number", _AS_PUBLISHED),
    _row(
        "TEXAS-CHARGE-WITHOUT-RECORD",
        "RECORD_ID",
        "no record of base 1 has the charge line's id",
        "use base 1 and charges of the same quarter",
    ),
    _row(
        "TEXAS-CHARGE-LEFT-OUT",
        "RECORD_ID",
        "the record that the charge line belongs to is left out",
        "see the rule that the record breaks",
        follows=True,
    ),
    _kept(
        "TEXAS-LATE-DISCHARGE",
        "DISCHARGE",
        "discharged before the quarter of the file but reported late; counted in the file's quarter",
        "nothing to do",
    ),
    _kept(
        "TEXAS-NO-CLASS",
        "ILLNESS_SEVERITY",
        "no severity class (0, blank or marked invalid); UNGROUPABLE",
        "nothing to do; the case is excluded",
    ),
    _kept(
        "TEXAS-APR-DRG-UNKNOWN",
        "APR_DRG",
        "the APR-DRG is not in the table apr_drg; UNGROUPABLE",
        "add it to inbox/reference/apr_drg.csv",
    ),
    _kept(
        "TEXAS-INVALID",
        "",
        "a cell that the publisher marked invalid with a backtick; read as empty",
        "nothing to do",
    ),
    _kept(
        "TEXAS-PATIENT-STATUS",
        "PAT_STATUS",
        "not a UB-04 patient status; kept without one, so no exclusion by disposition applies",
        "nothing to do",
    ),
    _kept(
        "TEXAS-PHYSICIAN-SUPPRESSED",
        "ATTENDING_PHYSICIAN_UNIF_ID",
        "a physician withheld by the publisher (9999999998); no physician",
        "nothing to do",
    ),
    _kept(
        "TEXAS-PHYSICIAN-UNMATCHED",
        "ATTENDING_PHYSICIAN_UNIF_ID",
        "a physician whom the publisher could not identify (9999999999); no physician",
        "nothing to do",
    ),
    _kept(
        "TEXAS-POOLED-HOSPITAL",
        "THCIC_ID",
        "small hospitals under one id (999998, 999999); NON_ACUTE_HOSPITAL",
        "nothing to do; their cases are excluded",
    ),
    _kept(
        "TEXAS-NO-FACILITY",
        "THCIC_ID",
        "the hospital is not in the facility file; NON_ACUTE_HOSPITAL",
        "use the facility file of the same quarter",
    ),
    _kept(
        "TEXAS-REVENUE-CODE",
        "REVENUE_CODE",
        "not a four-digit revenue code; the charge is kept but has no rate center",
        "nothing to do",
    ),
    _kept(
        "TEXAS-CHARGES-DIFFER",
        "TOTAL_CHARGES",
        "the charge lines differ from the total charges by more than $1; the lines count",
        "check that charges and base 1 are for the same quarter",
    ),
    _kept(
        "TEXAS-ZERO-CHARGES",
        "TOTAL_CHARGES",
        "the record has no charges in base 1 or in its lines; it counts as a case without cost",
        "nothing to do, if they are few",
    ),
    _kept(
        "TEXAS-NO-CENTS",
        "TOTAL_CHARGES",
        "no amount of the file has a decimal point; amounts are read as whole dollars",
        "check whether the last two digits are cents; if so, the amounts must be written with decimal points",
    ),
    refusal(
        "TEXAS-OTHER-FACILITIES",
        "the facility file has the hospitals of fewer than half of the records",
        "use the complete facility file of the same quarter",
    ),
    refusal(
        "TEXAS-OTHER-CHARGES",
        "the charge lines of more than half of the records differ from their total charges by more than $1",
        "use base 1 and charges of the same quarter, each once, with amounts as published",
    ),
    refusal("TEXAS-FOLDER", "the folder does not exist or has no PUDF files", "give the folder that has the files"),
    refusal(
        "TEXAS-FILE-MISSING",
        "a file of a quarter is missing",
        "put base 1, charges and facility of every quarter into the folder, unpacked",
    ),
    refusal("TEXAS-FILE-TWICE", "a quarter has the same file twice", "keep only one version of it in the folder"),
    refusal(
        "TEXAS-LAYOUT",
        "the file has records of an unknown length, or a header without a required field",
        "use the tab-delimited form of that year, which names its fields",
    ),
    refusal(
        "TEXAS-OTHER-QUARTER",
        "more than a tenth of the records are for quarters other than the file's",
        "name the file for the quarter it contains, such as base1_1q2019.txt; use one file per quarter",
    ),
    refusal("TEXAS-TOO-LARGE", "the file is over a size limit", "check that it is one quarter of one state"),
    refusal("TEXAS-UNREADABLE", "the file cannot be read as lines of text", "download the file again"),
    refusal(
        "TEXAS-ERROR-RATE",
        "too many rows of a file are faulty",
        "use the files as published, or allow more rows to be left out: --allow-errors 5%",
    ),
)
