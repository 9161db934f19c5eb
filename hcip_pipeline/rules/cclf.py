"""What can be wrong with CMS's monthly claim files: archives of CCLF.

Belongs here: the rules. Does not belong here: reading archives and records (``intake.cclf``), and rules on claims.
"""

from __future__ import annotations

from hcip_pipeline.rules.rule import by_id, refusal, warning

_RESEND = "ask CMS for the archive again"

RULES = by_id(
    refusal("CCLF-NAME", "the file's name is none that CMS gives", "keep the name as delivered"),
    refusal("CCLF-FILE", "the file is not a regular file, or is too large", "put the file itself into the folder"),
    refusal("CCLF-LINK", "a link or special file is in the folder", "put the file itself into the folder"),
    refusal(
        "CCLF-ARCHIVE-CORRUPT",
        "the archive cannot be opened, or holds too many files",
        "ask CMS for the archive again, or transfer it again in binary mode",
    ),
    refusal(
        "CCLF-ARCHIVE-ENCRYPTED",
        "the archive is encrypted",
        "decrypt it and put the archive or its files into the folder",
    ),
    refusal(
        "CCLF-UNSAFE-MEMBER",
        "the archive holds a link, or a file whose path leads out of it",
        "do not use this archive",
    ),
    refusal(
        "CCLF-EXPANSION",
        "a file of the archive would grow out of proportion",
        "check where the archive comes from; if it is genuine, unzip it and put its files into the folder",
    ),
    refusal("CCLF-NO-CONTROL", "there is no control file (CCLF0), so that no count can be checked", _RESEND),
    refusal("CCLF-CONTROL-UNREADABLE", "the control file cannot be read", _RESEND),
    refusal("CCLF-CONTROL-NAMES-TWICE", "the control file names a file twice", _RESEND),
    refusal("CCLF-FILE-MISSING", "a file that the control file names is not there", _RESEND),
    refusal("CCLF-FILE-NOT-LISTED", "a file is there that the control file does not name", _RESEND),
    refusal("CCLF-FILE-TWICE", "a file is in the archive twice", _RESEND),
    refusal("CCLF-COUNT", "a file holds another number of records than the control file states", _RESEND),
    refusal("CCLF-RECORD-LENGTH", "a record has a length that no published layout has", _RESEND),
    refusal("CCLF-TRUNCATED", "a file ends in the middle of a record", _RESEND),
    refusal("CCLF-VALUE", "a date, number or code cannot be read", _RESEND),
    refusal(
        "CCLF-OTHER-MONTH",
        "the archive lies in another month's folder than its date",
        "put it into the folder of its month, cms/<month>",
    ),
    refusal("CCLF-OTHER-ORGANIZATION", "files of several organizations are mixed", _RESEND),
    refusal(
        "CCLF-OTHER-SERIES",
        "files of several performance years, or run-out and monthly files, are mixed",
        _RESEND,
    ),
    refusal(
        "CCLF-OLDER", "a newer archive of the month was already accepted", "remove it: the newer one holds the month"
    ),
    refusal(
        "CCLF-CHANGED",
        "an archive of the same name with another content was already accepted",
        "keep the archive as first delivered; a correction by CMS has a later date in its name",
    ),
    refusal(
        "CCLF-IDENTIFIER-CYCLE",
        "beneficiary numbers replace each other in a circle",
        "ask CMS which identifier is current; no claim can be assigned until then",
    ),
    warning("CCLF-TEXT-ENCODING", "texts of a file are not UTF-8", "nothing"),
    warning("CCLF-CODE-WIDTH", "codes were brought to the digits of their kind", "nothing"),
    warning("CCLF-PLACES", "numbers have more places than their format", "nothing"),
    warning(
        "CCLF-TEST-FILE",
        "a test archive counts only while no production archive was accepted",
        "nothing, or send the production archive",
    ),
    warning("CCLF-UNKNOWN-MEMBER", "a file of the archive is not one of CMS's and is ignored", "nothing"),
    warning("CCLF-FILE-DATE", "a file has another date than its archive", "nothing"),
    warning("CCLF-CONTROL-LINE-LENGTH", "lines of the control file are not 69 or 70 long", "nothing"),
    warning("CCLF-STATED-LENGTH", "the control file states another record length than the file has", "nothing"),
    warning("CCLF-NOT-LISTED", "the control file does not name a file that CMS delivers", "ask CMS whether it is due"),
)
