"""What can be wrong with a hospital's submission: every rule on a row, a file and the submission as a whole.

Belongs here: the rules used by receipts, quarantine, preflight and the data quality report.
Does not belong here: how a rule is evaluated (``intake.hospital``).
"""

from __future__ import annotations

from hcip_pipeline.rules.bills import BILL_RULES
from hcip_pipeline.rules.rule import Rule, by_id


def _error(rule: str, columns: str, description: str, fix: str, *, follows: bool = False) -> Rule:
    return Rule(rule, "ERROR", tuple(columns.split()), description, fix, follows=follows)


def _warn(rule: str, columns: str, description: str, fix: str) -> Rule:
    return Rule(rule, "WARN", tuple(columns.split()), description, fix)


def _refuse(rule: str, description: str, fix: str) -> Rule:
    return Rule(rule, "SUBMISSION", (), description, fix, refuses=True)


def _say(rule: str, description: str, fix: str) -> Rule:
    return Rule(rule, "SUBMISSION", (), description, fix)


_DATES = "write dates as YYYY-MM-DD, such as 2025-03-09"
_MONEY = "write amounts as digits with two decimals, such as 1234.50"
_NO_AMOUNT = "the amount is negative, over $100 billion, or not an amount"
_SCRIPT = "a code contains a letter or digit of another script, such as a full-width digit"
_ASCII = "use only the letters A-Z and the digits 0-9 in codes"
_NO_ACTION = "nothing; to send the value exactly as stored, export the column as text"
_LEFT_EMPTY = "nothing, or leave the cell empty"
_TEXT_COLUMN = "format the column as text and export again: the digits are missing from the file itself"
_RESEND = "correct the file and send both files again as a new version next to this one (<ccn>.r2, .r3, …)"

_RESEND_BILLS = "export the bills again: the separators in ISA are not those of the file, or it is damaged"

ROW_RULES = (
    _error(
        "D-ROW-SHAPE", "", "the line does not have the header's columns (number of cells, or quotation marks)",
        "quote cells that contain commas, double a quotation mark inside a cell, and keep every row on one line",
    ),
    _error(
        "D-CONTROL-CHARACTER", "", "the row contains a control character (tab, end of file, …)",
        "remove the character at its source, or when exporting",
    ),
    _error("D-KEY-MISSING", "hospital_ccn account_no", "part of the key is empty", "fill hospital_ccn and account_no"),
    _error(
        "D-KEY-PLACEHOLDER", "account_no", "the account number is a placeholder such as NULL, N/A or 0",
        "send the account number of the bill; rows with a placeholder cannot be distinguished",
    ),
    _error(
        "D-KEY-REPEATED", "account_no", "several discharges have this key; none of them is accepted",
        "send one row per stay; a corrected abstract replaces the first one and is not added to it",
    ),
    _error(
        "D-CCN-UNKNOWN", "hospital_ccn", "the CCN is not in the table of hospitals",
        "write the six-character CMS certification number, with its leading zeros",
    ),
    _error(
        "D-CCN-NOT-FOLDER", "hospital_ccn", "the CCN is not that of the submission",
        "send each hospital's discharges in a separate submission",
    ),
    _error("D-DATE-UNREADABLE", "birth_date admit_date discharge_date", "the date cannot be read", _DATES),
    _error(
        "D-DISCHARGE-BEFORE-ADMISSION", "discharge_date", "the discharge is before the admission",
        "correct one of the two dates",
    ),
    _error(
        "D-DISCHARGE-OUTSIDE-QUARTER", "discharge_date", "the discharge is not in the submission's quarter",
        "send the discharge with the quarter of its discharge date",
    ),
    _error(
        "D-APR-DRG-UNKNOWN", "apr_drg", "the APR-DRG is not in the table of its grouper version",
        "check the code against the list of its version",
    ),
    _error(
        "D-SEVERITY-INVALID", "severity_of_illness", "severity of illness is not 1, 2, 3 or 4",
        "send the grouper's severity; it may be empty only if the case could not be grouped (955, 956 or no APR-DRG)",
    ),
    _error(
        "D-DISPOSITION-UNKNOWN", "discharge_disposition", "the disposition is not a UB-04 patient status",
        "write the two digits on the bill, with the leading zero (01)",
    ),
    _error(
        "D-CHARGES-DIFFER", "total_charges", "total_charges differs from the sum of the charge lines by more than $1",
        "send every line of the account once (revenue code 0001 is a total and is not added), or correct total_charges",
    ),
    _error(
        "D-GROUPER-UNKNOWN", "grouper_version", "the grouper version is not in the APR-DRG table",
        "put the licensed list of that version into reference/apr_drg.csv, or send a version that the table has",
    ),
    _error("D-MONEY-INVALID", "total_charges reported_cost", _NO_AMOUNT, _MONEY),
    _error("D-CODE-SCRIPT", "", _SCRIPT, _ASCII),
    _error("D-TEXT-TOO-LONG", "", "the cell is longer than its column allows", "check that columns are not shifted"),
    _error(
        "D-CELL-EMPTY", "grouper_version", "a required cell is empty",
        "enter the APR-DRG version that grouped the case",
    ),
    _error(
        "D-COMPLICATION-UNNAMED", "hac_flags",
        "hac_flags contains items that are not complication codes (YES, 1); each item counts as a complication",
        "list the codes, such as HAC04|HAC07, and leave the cell empty if there are none",
    ),
    _error(
        "D-LINE-QUARANTINED", "", "a charge line of this discharge is quarantined, so its cost would be understated",
        "correct the charge line", follows=True,
    ),
    _warn(
        "D-ATTENDING-NPI", "attending_npi", "the attending NPI is missing or fails its check digit",
        "look up the physician in the NPI registry; without the NPI a medical case has no responsible physician",
    ),
    _warn(
        "D-OPERATING-NPI-MISSING", "operating_npi", "a surgical APR-DRG has no operating NPI",
        "send the surgeon of the principal procedure; without it the case earns nothing",
    ),
    _warn(
        "D-OPERATING-NPI-INVALID", "operating_npi", "the operating NPI fails its check digit",
        "look up the physician in the NPI registry",
    ),
    _warn(
        "D-PATIENT-ID-MISSING", "patient_id", "the statewide patient id is missing",
        "send it: readmissions to other hospitals cannot be found without it",
    ),
    _warn(
        "D-PATIENT-ID-SHARED", "patient_id", "the same patient id appears with different dates of birth",
        "check that the id is the patient's own and not a word such as TEST or ANONYMOUS: it links stays to "
        "readmissions",
    ),
    _warn("D-STAY-LONG", "discharge_date", "the stay is longer than 365 days", "check both dates"),
    _warn(
        "D-COST-TO-CHARGE", "total_charges", "cost is less than 0.1 or more than 1.5 times the charges",
        "check the charges, and check the hospital's rates with the regulator",
    ),
    _warn("D-AGE", "birth_date", "the patient is over 120, or born after the discharge", "check the date of birth"),
    _warn(
        "D-CODE-UNKNOWN",
        "sex nature_of_admission source_of_admission primary_payer risk_of_mortality",
        "the column does not allow this code; the cell is treated as empty",
        "use the codes that docs/data_dictionary.md lists for the column",
    ),
    _warn(
        "D-CODE-MALFORMED", "principal_diagnosis diagnoses procedures",
        "an item is not an ICD-10 code, or its present-on-admission flag or day is not valid; the cell is kept "
        "unchanged",
        "write diagnoses as code:poa|code:poa and procedures as code:YYYY-MM-DD|code:YYYY-MM-DD",
    ),
    _warn(
        "D-LIST-FORM", "",
        "codes are written in another form (I63.9, or I10;E11.9) and read as the contract expects (I639, I10|E119)",
        _NO_ACTION,
    ),
    _warn(
        "D-PLACEHOLDER", "", "the cell contains a word for 'empty' (NULL, N/A, nan) and is read as empty", _LEFT_EMPTY
    ),
    _warn(
        "D-ID-FORM", "", "every identifier ends in .0, as data frames write numbers, and is read without it", _NO_ACTION
    ),
    _warn(
        "D-CODE-PADDED", "", "a code is shorter than its column and is read with leading zeros (45 as 045)",
        _NO_ACTION,
    ),
    _warn("D-CODE-SPELLING", "", "a code is spelled out and read as the code (Female as F)", _NO_ACTION),
    _warn("D-DATE-FORM", "", "a date is in another format and read as a date (3/14/2025, month first)", _NO_ACTION),
    _warn("D-MONEY-FORM", "", "an amount is in another format and read as money ($1,234.50, (12.00), 600)", _NO_ACTION),
    _warn("D-BLANKS", "", "blanks or a spreadsheet's text markers are removed from the cell", _NO_ACTION),
    _warn(
        "D-ROW-REPEATED", "", "the row repeats an earlier row byte for byte and counts once",
        "send each row once",
    ),
    _error(
        "C-ROW-SHAPE", "", "the line does not have the header's columns (number of cells, or quotation marks)",
        "quote cells that contain commas, and keep every row on one line",
    ),
    _error(
        "C-CONTROL-CHARACTER", "", "the row contains a control character (tab, end of file, …)",
        "remove the character at its source, or when exporting",
    ),
    _error("C-KEY-MISSING", "hospital_ccn account_no", "part of the key is empty", "fill hospital_ccn and account_no"),
    _error(
        "C-CCN-UNKNOWN", "hospital_ccn", "the CCN is not in the table of hospitals",
        "write the six-character CMS certification number, with its leading zeros",
    ),
    _error(
        "C-CCN-NOT-FOLDER", "hospital_ccn", "the CCN is not that of the submission",
        "send each hospital's charges in a separate submission",
    ),
    _error(
        "C-NO-DISCHARGE", "account_no", "no discharge of the submission has this account number",
        "send the discharge with its lines; account numbers are text and must be written the same way in both files",
    ),
    _error("C-DATE-UNREADABLE", "service_date", "the date cannot be read", _DATES),
    _error("C-MONEY-INVALID", "charge", "the charge is over $100 billion, or not an amount", _MONEY),
    _error("C-CODE-SCRIPT", "", _SCRIPT, _ASCII),
    _error(
        "C-NET-NEGATIVE", "charge", "the lines of this account and revenue code total less than zero",
        "send the charges that the credits belong to, in the same submission",
    ),
    _error("C-TEXT-TOO-LONG", "", "the cell is longer than its column allows", "check that columns are not shifted"),
    _error("C-CELL-EMPTY", "revenue_code", "the revenue code is empty", "send the four-digit UB-04 revenue code"),
    _error(
        "C-CODE-PLACEHOLDER", "revenue_code", "the revenue code is a placeholder such as NULL or N/A",
        "send the four-digit UB-04 revenue code",
    ),
    _error(
        "C-DISCHARGE-QUARANTINED", "", "the line is valid, but its discharge is quarantined",
        "correct the discharge; its lines are then accepted with it", follows=True,
    ),
    _warn(
        "C-REVENUE-CODE-UNMAPPED", "revenue_code", "the revenue code has no rate center; the line counts as UNMAPPED",
        "check the code, or have it added to reference/revenue_codes.csv",
    ),
    _warn(
        "C-CODE-PADDED", "revenue_code", "a code is shorter than its column and is read with leading zeros",
        _NO_ACTION,
    ),
    _warn(
        "C-PLACEHOLDER", "", "the cell contains a word for 'empty' (NULL, N/A, nan) and is read as empty", _LEFT_EMPTY
    ),
    _warn(
        "C-ID-FORM", "account_no", "every number ends in .0, as data frames write numbers, and is read without it",
        _NO_ACTION,
    ),
    _warn("C-DATE-FORM", "service_date", "a date is in another format and read as a date (month first)", _NO_ACTION),
    _warn("C-MONEY-FORM", "charge", "an amount is in another format and read as money", _NO_ACTION),
    _warn("C-UNITS-FORM", "units", "a whole number is in another format (1.0) and is read as one", _NO_ACTION),
    _warn("C-BLANKS", "", "blanks or a spreadsheet's text markers are removed from the cell", _NO_ACTION),
    _warn(
        "C-ROW-REPEATED", "", "the line repeats an earlier line byte for byte, and the account adds up without it",
        "send each line once",
    ),
    _warn(
        "C-UNITS-UNREADABLE", "units", "the units are not a whole number; the cell is treated as "
                                       "empty", "write digits only"
    ),
)  # fmt: skip

SUBMISSION_RULES = (
    _refuse(
        "S-FOLDER-NAME", "the folder's name is neither a CCN nor a CCN with .r2, .r3, …",
        "name it <ccn> for a first submission and <ccn>.r2, <ccn>.r3 … for the next",
    ),
    _refuse(
        "S-OUTSIDE-INBOX", "a link points outside the submission", "put the files themselves into the folder"
    ),
    _refuse(
        "S-HOSPITAL-UNKNOWN", "the submission's CCN is not in the table of hospitals",
        "check the folder's name; a new hospital is added to reference/hospitals.csv",
    ),
    _refuse(
        "F-MISSING", "a file is missing",
        "put the missing file into the same folder, as .csv, .csv.gz, .csv.zip, .xlsx or .parquet",
    ),
    _refuse(
        "F-AMBIGUOUS", "a table was sent more than once, or it is not clear which workbook holds it",
        "send each table once, in one workbook with sheets discharges and charges or in separate files",
    ),
    _refuse("F-NOT-A-FILE", "it is not a regular file", "put the file itself there"),
    _refuse("F-TOO-LARGE", "the file is over a limit on bytes, rows or columns", "check that it is the right file"),
    _refuse("F-EMPTY", "the file is empty", _RESEND),
    _refuse("F-NO-ROWS", "the file has a header but no rows", _RESEND),
    _refuse(
        "F-COMPRESSION", "the compressed file cannot be unpacked: it is truncated, encrypted or in another format",
        "send it again",
    ),
    _refuse("F-ENCODING", "the file is neither UTF-8 nor Windows-1252 text", "save it as CSV UTF-8"),
    _refuse("F-NUL", "the file contains NUL bytes", "export it again as CSV UTF-8"),
    _refuse("F-LINE-ENDS", "line endings are mixed (LF and CR LF)", "export it again with one kind of line ending"),
    _refuse("F-HEADER", "the first line is not a header", "write the column names in the first line"),
    _refuse("F-TITLE-ROW", "there is text above the header", "remove everything above the column names"),
    _refuse("F-HEADER-REPEATED", "the header is repeated among the rows", "remove the second header"),
    _refuse("F-TOTAL-ROW", "there is a totals row among the rows", "remove the row; totals belong in "
        "control_totals.json"),
    _refuse("F-DIGITS-LOST", "the spreadsheet has lost digits (2.5E+10)", _TEXT_COLUMN),
    _refuse(
        "F-ID-MIXED", "identifiers end in .0 in some rows and not in others",
        "format the column as text and export again: 1234.0 and 1234 would be two identifiers",
    ),
    _refuse("F-FORMULA", "cells have formulas without a stored value", "open the workbook, save it and send it again"),
    _refuse("F-UNREADABLE", "the file's contents do not match its extension", "export it and send it again"),
    _refuse("F-COLUMN-MISSING", "a column is missing", "add the column; the order of columns does not matter"),
    _refuse("F-COLUMN-REPEATED", "a column appears twice in the header", "remove one of them"),
    _refuse(
        "F-COLUMN-TYPE", "a Parquet column has the wrong type for its contents",
        "write codes as text, dates as DATE, money as DECIMAL(18,2): numbers lose leading zeros, and timestamps "
        "may lose their day",
    ),
    _refuse("S-CONTROL-UNREADABLE", "control_totals.json cannot be read",
            'write {"discharges": 123, "charge_lines": 4567, "total_charges": "89012.34"}'),
    _refuse("S-CONTROL-DIFFERS", "the files do not match control_totals.json",
            "send the files that the totals were counted from, or correct the totals"),
    _refuse(
        "S-UNMAPPED-MOST", "over 20% of charge lines or dollars have no rate center", "see C-REVENUE-CODE-UNMAPPED"
    ),
    _refuse("S-ERROR-RATE", "more than 1% of a file's rows break an ERROR rule", _RESEND),
    _refuse(
        "S-COST-FACTOR-MISSING", "the hospital has no cost factor for a rate center it charges, and none for ALL",
        "add the regulator's rates of the rate year to reference/cost_factors.csv",
    ),
    _say("F-DELIMITER", "cells are separated by a character other than a comma", "nothing"),
    _say("F-WINDOWS-1252", "the file is Windows-1252 text", "nothing, or save it as CSV UTF-8"),
    _say("F-LETTER-CASE", "column names are not in lowercase", "nothing"),
    _say("F-PARQUET-TYPE", "columns have other types than expected, but nothing is lost", "nothing"),
    _say("F-SHEETS-IGNORED", "sheets of a workbook are ignored", "nothing, if they contain no rows of the tables"),
    _say("F-BLANK-ROWS", "empty rows are skipped", "nothing, or remove them"),
    _say(
        "F-DATE-FORMS", "a column of dates is written in several forms, or with the day before the month",
        "write every date as YYYY-MM-DD",
    ),
    _say("S-GROUPER-VERSION", "a grouper version is not in the APR-DRG table", "see D-GROUPER-UNKNOWN"),
    _say("F-COLUMN-UNKNOWN", "an unknown column is ignored", "nothing, or leave it out"),
    _say("S-FILE-UNKNOWN", "an unknown file is ignored", "nothing, or leave it out"),
    _say("S-CONTROL-KEY-UNKNOWN", "control_totals.json has an unknown entry", "nothing, or leave it out"),
    _say(
        "S-COST-FACTORS-ABSENT", "there is no table of cost factors, so every factor is 1",
        "add reference/cost_factors.csv to compare costs of several hospitals",
    ),
    _say("S-VOLUME", "the number of discharges differs by over 20% from the same quarter a year earlier",
         "check that the quarter is complete and sent once"),
    _say(
        "S-NPI-MISSING", "more than 2% of discharges are missing their physician's NPI",
        "see D-ATTENDING-NPI and D-OPERATING-NPI-MISSING",
    ),
    _say("S-UNMAPPED", "over 1% of charge lines have no rate center", "see C-REVENUE-CODE-UNMAPPED"),
    _say("S-PATIENT-ID-MISSING", "over 1% of discharges have no patient_id", "see D-PATIENT-ID-MISSING"),
    _say("S-REPEATED", "the same files were sent before", "nothing, if that was intended"),
    _say("S-CHANGED", "the folder was changed after it was ingested; the lake keeps the ingested version",
         "leave the folder unchanged and put the correction next to it as <ccn>.r2/, <ccn>.r3/ …"),
)  # fmt: skip

RULES = by_id(*ROW_RULES, *BILL_RULES, *SUBMISSION_RULES)
