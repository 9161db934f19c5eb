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
        "B-FACILITY", "account_no", "the facility code of the bill (CLM05-1) is not one of two digits",
        "send the bill with the type of bill (CLM05) that it was billed under; an inpatient one has facility code 11",
    ),
    _error(
        "B-FREQUENCY", "account_no", "the frequency of the bill (CLM05-3) is not 1, 2, 3, 4, 5, 7 or 8",
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
        "B-OTHER-PATIENT", "account_no",
        "the bills of the stay, or a bill and what it replaces or removes (frequencies 7 and 8), have different birth"
        " dates or sexes: the account number may be another patient's",
        "give each stay an account number of its own, or send the bills with the patient's own data",
    ),
    _error(
        "B-DAYS-MISSING", "account_no",
        "interim bills (frequencies 2, 3 and 4) do not begin with the first, leave days out, or follow a whole one (1)",
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
    _error(
        "B-REPEATED", "account_no",
        "the claim, its patient or its provider has twice, and not alike, what comes once: CL1, DTP*434, DTP*435,"
        " NM1*71, NM1*72, DMG, N4, SBR, a principal code, a line's day, or an element with the repetition separator",
        "send the claim with the one that holds",
    ),
    _error(
        "B-MISPLACED", "account_no",
        "a segment of the claim (CL1, DTP, HI, NM1*71) is in another payer's part or among the charge lines, or one of"
        " its levels (DMG, N4, SBR, NM1*85) is not with the person or in the level that it describes",
        "export the bills again, with the segments of each claim in their order",
    ),
    _error(
        "B-LINE", "account_no",
        "a charge line (SV2) is not the only one of its loop (LX), or is in none",
        "export the bills again, each charge line in a loop LX of its own",
    ),
    _warn(
        "B-STATUS", "account_no",
        "a bill of the stay ends it (frequency 1 or 4), and the last patient status is 30, still a patient: the"
        " settlement leaves the stay out (STILL_PATIENT)",
        "send the status at discharge (CL103), or the frequency of an interim bill",
    ),
    _warn(
        "B-LATE-MOVES", "account_no",
        "late charges (frequency 5) state an earlier first day or admission, a later last day or another patient status"
        " than the bill that they belong to, and the late bill's values are used",
        "bill late charges for the same days; what was billed wrongly is replaced (frequency 7)",
    ),
    _warn(
        "B-LATE-DIFFERS", "account_no",
        "late charges (frequency 5) have another attending or operating physician or principal diagnosis than the bill"
        " that they belong to, whose own are kept",
        "nothing if that bill is right; otherwise replace it (frequency 7)",
    ),
    _warn(
        "B-LAST-MISSING", "account_no",
        "the last bill of the stay states how it ended (CL103), but is an interim one (frequency 2 or 3): the last one"
        " (4) may be missing",
        "send the last bill of the stay; if there is none, send the one that is last with frequency 4",
    ),
    _warn(
        "B-DATE-UNREAD", "account_no",
        "a date (DTP) has a qualifier that no institutional claim has, or the day of a charge line (DTP*472) is empty:"
        " it is not read, and a line without a day has the statement's first one",
        "send the days of service as DTP*472",
    ),
    _warn(
        "B-BILLS-DIFFER", "account_no",
        "bills of the stay have different attending physicians, principal diagnoses, patient statuses (other than"
        " 30) or admission dates; those of the bill whose statement ends last are taken, and the first admission",
        "nothing if the last bill is right; otherwise replace it (frequency 7)",
    ),
    _warn(
        "B-CODE-KIND", "account_no",
        "the bill has codes (HI) of a kind that no institutional claim has: they are not read",
        "send diagnoses as ABK and ABF, procedures as BBR and BBQ",
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
        "B-ENVELOPE", "the file is not an X12 interchange, or its segments ISA, GS, ST, SE, GE and IEA are not in "
                      "order",
        "export the bills again, as the clearinghouse gets them",
    ),
    _refuse(
        "B-TRUNCATED", "the file ends before its last segment, IEA", "send all of it: the transfer was cut off",
    ),
    _refuse(
        "B-CONTROL", "a trailer (SE, GE, IEA) has a count or a control number that does not match",
        "send the file as it was made: something is missing from it, or was added",
    ),
    _refuse(
        "B-VERSION", "the file holds other transactions than institutional claims 005010X223A2 or A3",
        "send the 837 institutional file (837I); 837P and 837D are other claims",
    ),
    _refuse(
        "B-OUTSIDE-CLAIM",
        "a segment of a claim (CL1, DTP, HI, SV2) is in no claim: the segment CLM is missing or damaged",
        "export the bills again",
    ),
    _refuse(
        "B-ORDER",
        "the date of a transaction (BHT04) cannot be read, and what bills of an account mean depends on their order",
        "export the bills again with BHT04 as CCYYMMDD",
    ),
    _refuse("B-CONTROL-CHARACTER", "the file contains control characters that are not separators", _RESEND),
    _refuse("B-SEGMENT-ENDLESS", "a segment does not end", _RESEND),
    _say("B-GROUPING-ROW", "rows of the grouping file cannot be read", "write one row per bill, in the header's "
        "columns"),
    _say(
        "B-GROUPING-DECIMALS", "account numbers of the grouping file end in .0 and are read without it",
        "nothing, or format the column as text and export again",
    ),
    _say(
        "B-NO-BILL", "rows of the grouping file have no bill",
        "send the bills of these accounts too, or leave the rows out",
    ),
    _say(
        "B-TEST", "the bills are marked as a test (ISA15 is T)",
        "if these are the bills that were sent to payers, nothing; otherwise send those (ISA15 is P)",
    ),
    _say(
        "B-SEGMENT-UNKNOWN", "the files have segments that no institutional claim has: nothing is read from them",
        "check the export: if they should be others, bills are read without them",
    ),
    _say(
        "B-ORDER-UNKNOWN",
        "the date of a transaction (BHT04) cannot be read: its bills are taken as made before all others",
        "nothing: no bill's meaning depends on it; or export the bills again with BHT04 as CCYYMMDD",
    ),
    _say("B-NOT-INPATIENT", "bills are not inpatient ones: their facility code is not 11", "nothing"),
    _say("B-REPLACED", "bills are replaced by later ones of the same account", "nothing"),
    _say("B-VOIDED", "bills are removed by later ones of the same account", "nothing"),
    _say(
        "B-REPLACED-DIFFERS",
        "a replacement (frequency 7) has other days (DTP*434) than the bills of its account that it replaces, which are"
        " all that stand before it",
        "nothing if the stay's days were corrected; if it replaces one interim bill, send the others after it again",
    ),
    _say(
        "B-VOID-DIFFERS",
        "a removal (frequency 8) has other days or another amount than the bills of its account that it removes, which"
        " are all that stand before it",
        "nothing if the whole stay is to go; if it removes one of several bills, send the others after it again",
    ),
    _say(
        "B-VOID-ALONE", "bills remove one (frequency 8) that is not in the submission: nothing is removed",
        "to remove a stay of an earlier quarter, send that quarter again without it",
    ),
    _say(
        "B-STILL-A-PATIENT", "interim bills are of stays that have not ended",
        "nothing: send all bills of the stay with the quarter in which it ends",
    ),
)  # fmt: skip
