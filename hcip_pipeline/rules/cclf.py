"""What can be wrong with CMS's monthly claim files: archives of CCLF.

Belongs here: the rules. Does not belong here: reading archives and records (``intake.cclf``), and rules on claims.
"""

from __future__ import annotations

from hcip_pipeline.rules.rule import by_id, refusal, warning

_RESEND = "ask CMS for the archive again"

RULES = by_id(
    refusal("CCLF-NAME", "the name is not one that CMS gives its files", "keep the name as delivered"),
    refusal("CCLF-FILE", "the file is not a regular file, or is too large", "put the file itself into the folder"),
    refusal("CCLF-LINK", "a link or special file is in the folder", "put the file itself into the folder"),
    refusal(
        "CCLF-ARCHIVE-CORRUPT",
        "the archive cannot be opened, or contains too many files",
        "ask CMS for the archive again, or transfer it again in binary mode",
    ),
    refusal(
        "CCLF-ARCHIVE-ENCRYPTED",
        "the archive is encrypted",
        "decrypt it and put the archive or its files into the folder",
    ),
    refusal(
        "CCLF-UNSAFE-MEMBER",
        "the archive contains a link, or a file whose path points outside it",
        "do not use this archive",
    ),
    refusal(
        "CCLF-EXPANSION",
        "a file of the archive would decompress to an implausible size",
        "check the source of the archive; if it is genuine, unzip it and put its files into the folder",
    ),
    refusal("CCLF-NO-CONTROL", "there is no control file (CCLF0), so no counts can be checked", _RESEND),
    refusal("CCLF-CONTROL-UNREADABLE", "the control file cannot be read", _RESEND),
    refusal("CCLF-CONTROL-NAMES-TWICE", "the control file lists a file twice", _RESEND),
    refusal("CCLF-FILE-MISSING", "a file that the control file lists is missing", _RESEND),
    refusal("CCLF-FILE-NOT-LISTED", "the archive has a file that the control file does not list", _RESEND),
    refusal("CCLF-FILE-TWICE", "a file is in the archive twice", _RESEND),
    refusal("CCLF-COUNT", "the number of records in a file differs from the control file", _RESEND),
    refusal("CCLF-RECORD-LENGTH", "a record's length matches no published layout", _RESEND),
    refusal("CCLF-TRUNCATED", "a file ends in the middle of a record", _RESEND),
    refusal("CCLF-VALUE", "a date, number or code cannot be read", _RESEND),
    refusal(
        "CCLF-OTHER-MONTH",
        "the archive is not in the folder of its month",
        "put it into the folder of its month, cms/<month>",
    ),
    refusal("CCLF-OTHER-ORGANIZATION", "files of several organizations are mixed", _RESEND),
    refusal(
        "CCLF-OTHER-SERIES",
        "files of several performance years, or run-out and monthly files, are mixed",
        _RESEND,
    ),
    refusal("CCLF-OLDER", "a newer archive of the month was already accepted", "remove this one: the newer one counts"),
    refusal(
        "CCLF-CHANGED",
        "an archive with the same name and different contents was already accepted",
        "keep the archive as first delivered; a correction from CMS has a later date in its name",
    ),
    refusal(
        "CCLF-IDENTIFIER-CYCLE",
        "beneficiary numbers replace each other in a circle",
        "ask CMS which identifier is current; no claim can be assigned until then",
    ),
    warning("CCLF-TEXT-ENCODING", "text in a file is not UTF-8", "nothing"),
    warning("CCLF-CODE-WIDTH", "codes were padded or trimmed to their standard length", "nothing"),
    warning("CCLF-PLACES", "numbers have more decimal places than their format", "nothing"),
    warning(
        "CCLF-TEST-FILE",
        "a test archive counts only until a production archive is accepted",
        "nothing, or send the production archive",
    ),
    warning("CCLF-UNKNOWN-MEMBER", "a file of the archive is not one of CMS's and is ignored", "nothing"),
    warning("CCLF-FILE-DATE", "a file's date differs from its archive's", "nothing"),
    warning("CCLF-CONTROL-LINE-LENGTH", "lines of the control file are not 69 or 70 characters long", "nothing"),
    warning("CCLF-STATED-LENGTH", "the record length in the control file differs from the file", "nothing"),
    warning(
        "CCLF-NOT-LISTED",
        "a file that CMS normally delivers is missing from the control file",
        "ask CMS whether it is due",
    ),
)
