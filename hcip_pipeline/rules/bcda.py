"""What can be wrong with Medicare claims as FHIR: exports of CMS's Beneficiary Claims Data API.

Belongs here: the rules. Does not belong here: reading exports and resources (``intake.bcda``), and rules on claims.
"""

from __future__ import annotations

from hcip_pipeline.rules.rule import by_id, refusal, warning

_DOWNLOAD_AGAIN = "download the job's files again"
_NEW_JOB = "start the job again, and put its files into the folder once it reports no errors"
_NDJSON = "use the files of a bulk export ($export), which are ndjson"
_FROM_CMS = "ask CMS for the export again"
_V3 = "export from BCDA v3 (/api/v3/)"

RULES = by_id(
    refusal(
        "BCDA-NO-MANIFEST",
        "there is no manifest, or more than one, in the export's folder",
        "save the response to the job's status request as manifest.json next to its files, each export in its own "
        "folder",
    ),
    refusal(
        "BCDA-MANIFEST",
        "the manifest cannot be read",
        "save the response to the job's status request, unchanged, as manifest.json",
    ),
    refusal("BCDA-FILE-MISSING", "a file that the manifest lists is missing", _DOWNLOAD_AGAIN),
    refusal(
        "BCDA-FILE-NOT-LISTED",
        "the folder has a file that the manifest does not list",
        "put each export into its own folder, with its manifest",
    ),
    refusal("BCDA-FILE", "the file is not a regular file, or is too large", "put the file itself into the folder"),
    refusal("BCDA-LINK", "a link or special file is in the folder", "put the file itself into the folder"),
    refusal("BCDA-JOB-ERRORS", "the job reports errors, in its manifest or in a file of errors", _NEW_JOB),
    refusal(
        "BCDA-OTHER-MONTH",
        "the export is in a different month's folder than its date",
        "put it into the folder of its month, cms/<month>",
    ),
    refusal(
        "BCDA-CHANGED",
        "an export with the same transactionTime but different contents was already accepted",
        "keep the export as first delivered; a later job has a later transactionTime",
    ),
    refusal("BCDA-VERSION", "the resources are version 1 or 2, without claim id and adjustment code", _V3),
    refusal("BCDA-BUNDLE", "the file is a Bundle (one JSON document), not ndjson", _NDJSON),
    refusal("BCDA-NOT-NDJSON", "the file is one JSON document over several lines, or a list", _NDJSON),
    refusal("BCDA-TRUNCATED", "the file ends in the middle of a resource", _DOWNLOAD_AGAIN),
    refusal("BCDA-DAMAGED", "the compressed file cannot be read to its end", _DOWNLOAD_AGAIN),
    refusal(
        "BCDA-EXPANSION",
        "the compressed file would decompress to an implausible size",
        "check the source of the file; if it is genuine, decompress it and put it into the folder",
    ),
    refusal(
        "BCDA-LINE", "a line is not a resource: it is not a JSON object, or a key appears twice in it", _DOWNLOAD_AGAIN
    ),
    refusal("BCDA-LINE-TOO-LONG", "a line is longer than a resource can be", _DOWNLOAD_AGAIN),
    refusal("BCDA-NUL", "a line contains a NUL byte", _DOWNLOAD_AGAIN),
    refusal(
        "BCDA-RESOURCE",
        "a file contains a resource of the wrong type",
        "download the job's files again, and keep each under the name that the manifest gives it",
    ),
    refusal("BCDA-COUNT", "the number of resources in a file differs from the manifest", _DOWNLOAD_AGAIN),
    refusal(
        "BCDA-EXPONENT",
        "an amount is written with an exponent (1E+05)",
        "use the file as CMS delivers it, not a copy rewritten by another program",
    ),
    refusal(
        "BCDA-CURRENCY",
        "an amount is not in US dollars",
        "use the file as CMS delivers it: Medicare pays in dollars",
    ),
    refusal(
        "BCDA-MODIFIER",
        "a resource has a modifierExtension or implicitRules, which may change the meaning of its other elements",
        "ask CMS what it means; no export with it can be ingested until this program reads it",
    ),
    refusal("BCDA-VALUE", "a date, number or code cannot be read, or is too large", _FROM_CMS),
    refusal(
        "BCDA-PERIOD",
        "a claim's billablePeriod ends before it starts, or a Part A claim's billablePeriod has no start or no end",
        _FROM_CMS,
    ),
    refusal(
        "BCDA-SEQUENCE",
        "two different lines, procedures or physicians of a claim have the same sequence, or a line has none",
        _FROM_CMS,
    ),
    refusal(
        "BCDA-REPEATED",
        "a claim has two different values of something that is read once: claim id, adjustment code, a line's payment "
        "or rendering physician",
        _FROM_CMS,
    ),
    refusal("BCDA-ADJUSTMENT", "the adjustment code of a Part A, B or equipment claim is not 0, 1 or 2", _FROM_CMS),
    refusal(
        "BCDA-VERSIONS",
        "a resource appears twice with the same timestamp (meta.lastUpdated) but different contents",
        "start the job again; files of two jobs must not be in one folder",
    ),
    refusal("BCDA-NO-CLAIM-ID", "a claim has no claim id (identifier of type uc)", _V3),
    refusal(
        "BCDA-PATIENT-UNKNOWN",
        "no Patient resource has the patient of a claim",
        "export the Patient resources of the whole group (without _since), and put them into the month's folder too",
    ),
    refusal(
        "BCDA-IDENTIFIER-CYCLE",
        "beneficiary numbers replace each other in a circle",
        "ask CMS which identifier is current; no claim can be assigned until then",
    ),
    warning(
        "BCDA-NOT-ADJUDICATED",
        "claims of a shared system, incomplete claims or preauthorizations (use): counted, but not used to settle",
        "nothing",
    ),
    warning(
        "BCDA-WITHDRAWN",
        "claims with a status other than active: neither they nor their earlier versions are used to settle",
        "nothing",
    ),
    warning(
        "BCDA-NO-AMOUNT",
        "Part A claims without a payment, or lines of Part B and equipment claims without one: they count as unpaid",
        "ask CMS, if they are many",
    ),
    warning(
        "BCDA-NO-LINES",
        "Part B and equipment claims without a line (item): they do not count",
        "ask CMS for the export again",
    ),
    warning(
        "BCDA-NO-DATE",
        "lines of Part B and equipment claims without a date of service: they count in no period",
        "ask CMS, if they are many",
    ),
    warning(
        "BCDA-NO-ADJUSTMENT", "claims without an adjustment code: they count as originals", "ask CMS, if they are many"
    ),
    warning(
        "BCDA-PROFILE",
        "claims name no version of their profile, or another version than the one that is read",
        "compare a few of them with the lake",
    ),
    warning(
        "BCDA-SHARED-NUMBER",
        "Patient resources with different birth dates or sexes have the same Medicare number: their claims count as "
        "one beneficiary's",
        "ask CMS whose number it is; a later export with a correction replaces this one",
    ),
    warning("BCDA-CLAIM-TYPE", "claims are of types that CCLF does not have", "nothing"),
    warning("BCDA-OTHER-RESOURCES", "files of other resources are ignored", "nothing"),
    warning("BCDA-NOT-EXPORTED", "the export lacks one of Patient, Coverage and ExplanationOfBenefit", "export it too"),
    warning(
        "BCDA-PATIENT-ELSEWHERE",
        "claims belong to patients who are not in this export",
        "nothing, if an earlier export of the home has them",
    ),
    warning(
        "BCDA-LACKS",
        "BCDA has no county, ZIP code, age or hospice range of beneficiaries: rates by hospital area are not available",
        "nothing",
    ),
    warning(
        "BCDA-OLDER",
        "resources are older versions or copies of others in the same export; the newest version counts once",
        "nothing",
    ),
    warning("BCDA-CODE-WIDTH", "codes were padded or trimmed to their standard length", "nothing"),
    warning("BCDA-PLACES", "numbers have more decimal places than their format", "nothing"),
    warning(
        "BCDA-TEST",
        "an export from the sandbox counts only until a production export is accepted",
        "nothing, or send the production export",
    ),
)
