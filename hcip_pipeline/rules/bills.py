"""The rules on bills (formats.md §2): a row is a claim or a charge line, and its line number counts segments."""

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
        "add the grouper's result for the stay, under the bill's account number (CLM01)",
    ),
    _error(
        "B-GROUPING-REPEATED", "account_no", "the grouping file has several different rows for this account number",
        "keep the correct one",
    ),
    _error(
        "B-FACILITY", "account_no", "the bill's facility code (CLM05-1) does not have two digits",
        "send the bill with the type of bill (CLM05) it was billed under; an inpatient bill has facility code 11",
    ),
    _error(
        "B-FREQUENCY", "account_no", "the bill's frequency (CLM05-3) is not 1, 2, 3, 4, 5, 7 or 8",
        "send the bill with the frequency it was billed under",
    ),
    _error(
        "B-LATE-ALONE", "account_no", "there is no bill that the late charges (frequency 5) belong to",
        "send every bill of the stay in the same submission",
    ),
    _error(
        "B-SAME-DAYS", "account_no",
        "two bills of the stay are for the same days, or late charges (frequency 5) appear twice",
        "send each bill once; a bill that replaces another has frequency 7",
    ),
    _error(
        "B-OTHER-PATIENT", "account_no",
        "the bills of the stay, or a bill and the bills it replaces or voids (frequencies 7 and 8), have different"
        " birth dates or sexes: the account number may be another patient's",
        "give each stay its own account number, or send the bills with the patient's own data",
    ),
    _error(
        "B-DAYS-MISSING", "account_no",
        "interim bills (frequencies 2, 3 and 4) do not begin with the first bill (2), skip days, or follow a bill for"
        " the whole stay (1)",
        "send every bill of the stay in the same submission",
    ),
    _error(
        "B-STATEMENT", "account_no", "the statement period (DTP*434) ends before it begins",
        "correct the dates and send the bill again",
    ),
    _error(
        "B-HIERARCHY", "account_no",
        "the claim's levels (HL) are not in order: provider 20, below it subscriber 22, below that patient 23",
        "export the bills again: it is unclear whose bill this is",
    ),
    _error(
        "B-REPEATED", "account_no",
        "the claim, its patient or its provider has two different values of something that may occur once: CL1,"
        " DTP*434, DTP*435, NM1*71, NM1*72, DMG, N4, SBR, a principal code, a line's day, or an element with the"
        " repetition separator",
        "send the claim with only the correct one",
    ),
    _error(
        "B-MISPLACED", "account_no",
        "a segment of the claim (CL1, DTP, HI, NM1*71) is in another payer's part or among the charge lines, or a"
        " segment of its levels (DMG, N4, SBR, NM1*85) is not with the person or in the level it describes",
        "export the bills again, with the segments of each claim in order",
    ),
    _error(
        "B-LINE", "account_no",
        "a charge line (SV2) shares its loop (LX) with another, or is in no loop",
        "export the bills again, with each charge line in its own loop (LX)",
    ),
    _warn(
        "B-STATUS", "account_no",
        "a bill ends the stay (frequency 1 or 4), but the last patient status is 30, still a patient: the settlement"
        " excludes the stay (STILL_PATIENT)",
        "send the status at discharge (CL103), or the frequency of an interim bill",
    ),
    _warn(
        "B-LATE-MOVES", "account_no",
        "late charges (frequency 5) have an earlier first day or admission, a later last day or a different patient"
        " status than the bill they belong to; the values of the late charges are used",
        "bill late charges for the same days; to correct a bill, replace it (frequency 7)",
    ),
    _warn(
        "B-LATE-DIFFERS", "account_no",
        "late charges (frequency 5) have a different attending or operating physician or principal diagnosis than the"
        " bill they belong to; the values of that bill are used",
        "nothing, if that bill is right; otherwise replace it (frequency 7)",
    ),
    _warn(
        "B-LAST-MISSING", "account_no",
        "the latest bill of the stay has a discharge status (CL103) but is an interim bill (frequency 2 or 3): the"
        " final bill (4) may be missing",
        "send the final bill of the stay; if there is none, send the latest one with frequency 4",
    ),
    _warn(
        "B-DATE-UNREAD", "account_no",
        "a date (DTP) has a qualifier that institutional claims do not use, or the day of a charge line (DTP*472) is"
        " empty: it is not read, and a line without a day gets the first day of the statement",
        "send the days of service as DTP*472",
    ),
    _warn(
        "B-BILLS-DIFFER", "account_no",
        "bills of the stay have different attending physicians, principal diagnoses, patient statuses (other than"
        " 30) or admission dates; the bill whose statement ends last is used, with the earliest admission date",
        "nothing, if the last bill is right; otherwise replace it (frequency 7)",
    ),
    _warn(
        "B-CODE-KIND", "account_no",
        "the bill has codes (HI) of a kind that institutional claims do not use: they are not read",
        "send diagnoses as ABK and ABF, procedures as BBR and BBQ",
    ),
    _warn(
        "B-ICD-9", "account_no", "the bill has ICD-9 codes (BK, BF, BR, BQ), which are not read",
        "send ICD-10 codes (ABK, ABF, BBR, BBQ)",
    ),
    _warn(
        "B-OTHER-PROVIDER", "account_no", "the billing provider's NPI is not the hospital's in reference/hospitals.csv",
        "check that the bills are this hospital's, or correct the NPI in the table",
    ),
    _refuse(
        "B-ENVELOPE", "the file is not an X12 interchange, or its segments ISA, GS, ST, SE, GE and IEA are not in "
                      "order",
        "export the bills again, as they are sent to the clearinghouse",
    ),
    _refuse(
        "B-TRUNCATED", "the file ends before its last segment, IEA", "send the whole file: the transfer was cut off",
    ),
    _refuse(
        "B-CONTROL", "a trailer (SE, GE, IEA) has a count or a control number that does not match",
        "send the file as it was created: something was removed or added",
    ),
    _refuse(
        "B-VERSION", "the file contains transactions other than institutional claims (005010X223A2 or A3)",
        "send the 837 institutional file (837I); 837P and 837D are other kinds of claims",
    ),
    _refuse(
        "B-OUTSIDE-CLAIM",
        "a segment of a claim (CL1, DTP, HI, SV2) is outside any claim: the segment CLM is missing or damaged",
        "export the bills again",
    ),
    _refuse(
        "B-ORDER",
        "the date of a transaction (BHT04) cannot be read, although the meaning of its bills depends on it",
        "export the bills again with BHT04 as CCYYMMDD",
    ),
    _refuse("B-CONTROL-CHARACTER", "the file contains control characters that are not separators", _RESEND),
    _refuse("B-SEGMENT-ENDLESS", "a segment does not end", _RESEND),
    _say("B-GROUPING-ROW", "rows of the grouping file cannot be read", "write one row per bill, with the header's "
        "columns"),
    _say(
        "B-GROUPING-DECIMALS", "account numbers in the grouping file end in .0 and are read without it",
        "nothing, or format the column as text and export again",
    ),
    _say(
        "B-NO-BILL", "rows of the grouping file have no bill",
        "send the bills of these accounts too, or leave the rows out",
    ),
    _say(
        "B-TEST", "the bills are marked as a test (ISA15 is T)",
        "nothing, if these are the bills that were sent to payers; otherwise send those (ISA15 is P)",
    ),
    _say(
        "B-SEGMENT-UNKNOWN", "the files have segments that institutional claims do not use: they are not read",
        "check the export: if a segment's name is wrong, its contents are missing from the bills",
    ),
    _say(
        "B-ORDER-UNKNOWN",
        "the date of a transaction (BHT04) cannot be read: its bills are treated as older than all others",
        "nothing, as no bill's meaning depends on it; or export the bills again with BHT04 as CCYYMMDD",
    ),
    _say("B-NOT-INPATIENT", "bills are not inpatient bills: their facility code is not 11", "nothing"),
    _say("B-REPLACED", "bills are replaced by later bills of the same account", "nothing"),
    _say("B-VOIDED", "bills are voided by later bills of the same account", "nothing"),
    _say(
        "B-REPLACED-DIFFERS",
        "a replacement (frequency 7) has different days (DTP*434) than the bills it replaces: all earlier bills of its"
        " account",
        "nothing, if the stay's days were corrected; if it should replace only one interim bill, send the others again"
        " after it",
    ),
    _say(
        "B-VOID-DIFFERS",
        "a void (frequency 8) has different days or a different amount than the bills it voids: all earlier bills of"
        " its account",
        "nothing, if the whole stay should be removed; if it should void only one of several bills, send the others"
        " again after it",
    ),
    _say(
        "B-VOID-ALONE", "bills void (frequency 8) a bill that is not in the submission: nothing is removed",
        "to remove a stay of an earlier quarter, send that quarter again without it",
    ),
    _say(
        "B-STILL-A-PATIENT", "interim bills belong to stays that have not ended",
        "nothing: send all bills of the stay with the quarter in which it ends",
    ),
)  # fmt: skip
