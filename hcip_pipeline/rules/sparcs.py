"""What can be wrong with New York's public discharge file (SPARCS).

Belongs here: the rules. Does not belong here: how they are evaluated (``intake.sparcs.edits``).
"""

from __future__ import annotations

from hcip_pipeline.rules.rule import Rule, by_id, refusal


def _row(id_: str, column: str, description: str, fix: str) -> Rule:
    """A rule whose breach excludes the row."""
    return Rule(id_, "ERROR", (column,) if column else (), description, fix)


def _kept(id_: str, column: str, description: str, fix: str) -> Rule:
    """A rule whose breach is counted, with the row accepted."""
    return Rule(id_, "WARN", (column,) if column else (), description, fix)


RULES = by_id(
    _row(
        "SPARCS-MALFORMED-ROW",
        "",
        "the line does not have the header's columns (number of cells, quotation marks or encoding)",
        "correct the line or download the file again",
    ),
    _row("SPARCS-NOT-A-DISCHARGE", "", "a total or a note, not a discharge", "no action; the row is left out"),
    _row(
        "SPARCS-OTHER-YEAR",
        "discharge_year",
        "discharged in a year other than the one requested",
        "run that year as a study of its own",
    ),
    _row(
        "SPARCS-FACILITY-REDACTED",
        "facility_id",
        "the publisher withholds the facility to protect the patient",
        "no action; the row is left out",
    ),
    _row(
        "SPARCS-FACILITY-ID",
        "facility_id",
        "the facility id is not a number of up to six digits",
        "restore the published id",
    ),
    _row("SPARCS-DISCHARGE-YEAR", "discharge_year", "the discharge year is not a year", "restore the published year"),
    _row("SPARCS-APR-DRG", "apr_drg", "the APR-DRG is not a code of up to three digits", "restore the published code"),
    _row(
        "SPARCS-SEVERITY",
        "severity",
        "the severity of illness is not 1–4 (Minor, Moderate, Major, Extreme)",
        "restore the published severity",
    ),
    _row(
        "SPARCS-DRG-TYPE",
        "drg_type",
        "the APR-DRG is neither medical nor surgical",
        "restore the published description",
    ),
    _row(
        "SPARCS-LENGTH-OF-STAY",
        "length_of_stay",
        "the length of stay is not a number of days",
        "restore the published days, or 120 +",
    ),
    _row(
        "SPARCS-TOTAL-CHARGES",
        "total_charges",
        "the total charges are negative, over $100 billion, missing or not a number",
        "restore the published amount",
    ),
    _row(
        "SPARCS-TOTAL-COSTS",
        "total_costs",
        "the total costs are negative, over $100 billion, missing or not a number",
        "restore the published amount",
    ),
    _kept(
        "SPARCS-DISPOSITION",
        "disposition",
        "the disposition is not a known label; kept with no code, so no exclusion by disposition applies",
        "restore the published label",
    ),
    _kept(
        "SPARCS-LENGTH-OF-STAY-TOP-CODED",
        "length_of_stay",
        "printed as 120 + and read as 120 days",
        "nothing to do; the publisher caps stays at 120 days",
    ),
    _kept(
        "SPARCS-NO-ATTENDING",
        "attending",
        "no license number of an attending physician",
        "nothing to do; medical cases have no responsible physician",
    ),
    _kept(
        "SPARCS-NO-OPERATING",
        "operating",
        "surgical, but without the license number of an operating physician",
        "nothing to do; the case has no responsible physician",
    ),
    _kept(
        "SPARCS-COST-TO-CHARGE",
        "total_costs",
        "cost is outside 0.1 to 1.5 times the charges",
        "check the hospital's cost report",
    ),
    _kept(
        "SPARCS-WINDOWS-1252", "", "the file is Windows-1252 text and is read as such", "nothing, or save it as UTF-8"
    ),
    _kept(
        "SPARCS-BY-NAME",
        "facility_name",
        "no row has a facility id: hospitals are distinguished by their names",
        "nothing, if each hospital's name has one spelling",
    ),
    _kept(
        "SPARCS-DRG-SEVERAL-MDC",
        "mdc",
        "APR-DRGs with more than one MDC or type among their discharges; the most frequent counts",
        "nothing to do; some groups span several categories",
    ),
    refusal("SPARCS-OPEN-QUOTE", "a quotation mark is never closed", "close it, or download the file again"),
    refusal("SPARCS-TOO-LARGE", "the file is over a size limit", "check that it is one year of one state's discharges"),
    refusal(
        "SPARCS-MISSING-COLUMN",
        "the file is not a SPARCS discharge file: a column is missing",
        "use a Hospital Inpatient Discharges (SPARCS De-Identified) file with its header line",
    ),
    refusal(
        "SPARCS-ERROR-RATE",
        "too many rows are faulty or of another year",
        "correct the file, or allow more rows to be left out: --allow-errors 5%",
    ),
)
