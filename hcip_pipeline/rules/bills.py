"""The rules on bills (formats.md §2): a row is a claim or a charge line, and its line a segment of the file."""

from __future__ import annotations

from hcip_pipeline.rules.rule import Rule

_RESEND = "export the bills again: the separators in ISA are not those of the file, or it is damaged"


def _error(rule: str, column: str, description: str, fix: str) -> Rule:
    return Rule(rule, "ERROR", (column,), description, fix)


def _warn(rule: str, column: str, description: str, fix: str) -> Rule:
    return Rule(rule, "WARN", (column,), description, fix)


def _refuse(rule: str, description: str, fix: str) -> Rule:
    return Rule(rule, "SUBMISSION", (), description, fix, refuses=True)


def _say(rule: str, description: str, fix: str) -> Rule:
    return Rule(rule, "SUBMISSION", (), description, fix)


BILL_RULES = (
    _error(
        "B-NOT-GROUPED", "account_no", "the grouping file has no row for this bill's account number",
        "add the grouper's result of the stay, under the account number of the bill (CLM01)",
    ),
    _error(
        "B-GROUPING-REPEATED", "account_no", "the grouping file has several different rows for this account number",
        "keep the one that holds",
    ),
    _error(
        "B-FREQUENCY", "account_no", "the frequency of the bill (CLM05-3) is none of 1, 2, 3, 4, 5, 7 and 8",
        "send the bill with the frequency that it was billed under",
    ),
    _error(
        "B-LATE-ALONE", "account_no", "late charges (frequency 5) have no bill that they belong to",
        "send every bill of the stay in the same submission",
    ),
    _error(
        "B-SAME-DAYS", "account_no",
        "two bills of the stay are for the same days, or late charges (frequency 5) are there twice",
        "send each bill once; a bill that replaces another one has frequency 7",
    ),
    _error(
        "B-DAYS-MISSING", "account_no",
        "interim bills (frequencies 2, 3 and 4) do not begin with the first, or leave days out",
        "send every bill of the stay in the same submission",
    ),
    _error(
        "B-STATEMENT", "account_no", "the statement (DTP*434) ends before it begins",
        "send the bill with its dates in order",
    ),
    _error(
        "B-HIERARCHY", "account_no",
        "the claim's levels (HL) are not in order: provider 20, below it subscriber 22, below that patient 23",
        "export the bills again: it is not certain whose bill this is",
    ),
    _warn(
        "B-ICD-9", "account_no", "the bill has codes of ICD-9 (BK, BF, BR, BQ), which are not read",
        "send ICD-10 codes (ABK, ABF, BBR, BBQ)",
    ),
    _warn(
        "B-OTHER-PROVIDER", "account_no", "the billing provider's NPI is not the hospital's in reference/hospitals.csv",
        "check that the bills are this hospital's, or correct the NPI in the table",
    ),
    _refuse(
        "B-ENVELOPE", "the file is no X12 interchange, or its segments ISA, GS, ST, SE, GE and IEA are not in order",
        "export the bills again, as the clearinghouse gets them",
    ),
    _refuse(
        "B-TRUNCATED", "the file ends before its last segment, IEA", "send all of it: the transfer was cut off",
    ),
    _refuse(
        "B-CONTROL", "a trailer (SE, GE, IEA) counts otherwise than what is there, or has another control number",
        "send the file as it was made: something is missing from it, or was added",
    ),
    _refuse(
        "B-VERSION", "the file holds other transactions than institutional claims 005010X223A2 or A3",
        "send the 837 institutional file (837I); 837P and 837D are other claims",
    ),
    _refuse("B-CONTROL-CHARACTER", "the file holds control characters that are no separators", _RESEND),
    _refuse("B-SEGMENT-ENDLESS", "a segment does not end", _RESEND),
    _say("B-GROUPING-ROW", "rows of the grouping file cannot be read", "write one row per bill, in the header's "
        "columns"),
    _say(
        "B-NO-BILL", "rows of the grouping file have no bill",
        "send the bills of these accounts too, or leave the rows out",
    ),
    _say("B-NOT-INPATIENT", "bills are not inpatient ones (facility code 11)", "nothing"),
    _say("B-REPLACED", "bills are replaced by later ones of the same account", "nothing"),
    _say("B-VOIDED", "bills are removed by later ones of the same account", "nothing"),
    _say(
        "B-VOID-ALONE", "bills remove one (frequency 8) that is not in the submission: nothing is removed",
        "to remove a stay of an earlier quarter, send that quarter again without it",
    ),
    _say(
        "B-STILL-A-PATIENT", "interim bills are of stays that have not ended",
        "nothing: send all bills of the stay with the quarter in which it ends",
    ),
)  # fmt: skip
