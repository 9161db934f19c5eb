"""What can be wrong with Medicare claims as FHIR: exports of CMS's Beneficiary Claims Data API.

Belongs here: the rules. Does not belong here: reading exports and resources (``intake.bcda``), and rules on claims.
"""

from __future__ import annotations

from hcip_pipeline.rules.rule import by_id, refusal, warning

_AGAIN = "download the job's files again"
_ANEW = "start the job again, and put its files into the folder once it reports no errors"
_NDJSON = "use the files of a bulk export ($export), which are ndjson"
_FROM_CMS = "ask CMS for the export again"
_V3 = "export from BCDA v3 (/api/v3/)"

RULES = by_id(
    refusal(
        "BCDA-NO-MANIFEST",
        "there is no manifest, or more than one, in the export's folder",
        "save the answer of the job's status request as manifest.json next to its files, each export in a folder of "
        "its own",
    ),
    refusal(
        "BCDA-MANIFEST",
        "the manifest cannot be read",
        "save the answer of the job's status request, unchanged, as manifest.json",
    ),
    refusal("BCDA-FILE-MISSING", "a file that the manifest names is not there", _AGAIN),
    refusal(
        "BCDA-FILE-NOT-LISTED",
        "a file is there that the manifest does not name",
        "put each export into a folder of its own, with its manifest",
    ),
    refusal("BCDA-FILE", "the file is not a regular file, or is too large", "put the file itself into the folder"),
    refusal("BCDA-LINK", "a link or special file is in the folder", "put the file itself into the folder"),
    refusal("BCDA-JOB-ERRORS", "the job reports errors, in its manifest or in a file of errors", _ANEW),
    refusal(
        "BCDA-OTHER-MONTH",
        "the export is in a different month's folder than its date",
        "put it into the folder of its month, cms/<month>",
    ),
    refusal(
        "BCDA-CHANGED",
        "an export of the same moment with another content was already accepted",
        "keep the export as first delivered; a later job has a later transactionTime",
    ),
    refusal("BCDA-VERSION", "the resources are of version 1 or 2, without claim id and adjustment code", _V3),
    refusal("BCDA-BUNDLE", "the file is a Bundle, one JSON document, not ndjson", _NDJSON),
    refusal("BCDA-NOT-NDJSON", "the file is one JSON document over several lines, or a list", _NDJSON),
    refusal("BCDA-TRUNCATED", "the file ends in the middle of a resource", _AGAIN),
    refusal("BCDA-DAMAGED", "the compressed file cannot be read to its end", _AGAIN),
    refusal(
        "BCDA-EXPANSION",
        "the compressed file would grow out of proportion",
        "check where the file comes from; if it is genuine, decompress it and put it into the folder",
    ),
    refusal("BCDA-LINE", "a line is not a resource: it is not a JSON object, or a key appears twice in it", _AGAIN),
    refusal("BCDA-LINE-TOO-LONG", "a line is longer than any resource", _AGAIN),
    refusal("BCDA-NUL", "a line holds a NUL", _AGAIN),
    refusal(
        "BCDA-RESOURCE",
        "a file holds a resource of another type than its own",
        "download the job's files again, and keep each under the name that the manifest gives it",
    ),
    refusal("BCDA-COUNT", "a file holds another number of resources than the manifest states", _AGAIN),
    refusal(
        "BCDA-EXPONENT",
        "an amount is written with an exponent (1E+05)",
        "use the file as CMS delivers it, not as another program has written it again",
    ),
    refusal(
        "BCDA-CURRENCY",
        "an amount is not in US dollars",
        "use the file as CMS delivers it: Medicare pays in dollars",
    ),
    refusal(
        "BCDA-MODIFIER",
        "a resource has a modifierExtension or implicitRules, which may change the meaning of its other elements",
        "ask CMS what it means; until this program reads it, no export with it can be ingested",
    ),
    refusal("BCDA-VALUE", "a date, number or code cannot be read, or is beyond the greatest that is read", _FROM_CMS),
    refusal(
        "BCDA-PERIOD",
        "a claim's billablePeriod ends before it starts, or that of a Part A claim has no start or no end",
        _FROM_CMS,
    ),
    refusal(
        "BCDA-SEQUENCE",
        "two lines, procedures or physicians of a claim that differ have the same sequence, or a line has none",
        _FROM_CMS,
    ),
    refusal(
        "BCDA-REPEATED",
        "a claim has twice, and not alike, what is read once: claim id, adjustment code, a line's payment or rendering "
        "physician",
        _FROM_CMS,
    ),
    refusal("BCDA-ADJUSTMENT", "the adjustment code of a Part A, B or equipment claim is not 0, 1 or 2", _FROM_CMS),
    refusal(
        "BCDA-VERSIONS",
        "a resource is there twice with the same time stamp (meta.lastUpdated) and different content",
        "start the job again; files of two jobs must not be in one folder",
    ),
    refusal("BCDA-NO-CLAIM-ID", "a claim has no claim id (identifier of type uc)", _V3),
    refusal(
        "BCDA-PATIENT-UNKNOWN",
        "no Patient resource names the patient of a claim",
        "export the Patient resources of the whole group (without _since), and put them into the month's folder too",
    ),
    refusal(
        "BCDA-IDENTIFIER-CYCLE",
        "beneficiary numbers replace each other in a circle",
        "ask CMS which identifier is current; no claim can be assigned until then",
    ),
    warning(
        "BCDA-NOT-ADJUDICATED",
        "claims of a shared system, not complete, or preauthorizations (use): counted, and nothing is settled on them",
        "nothing",
    ),
    warning(
        "BCDA-WITHDRAWN",
        "claims with a status other than active: nothing is settled on them, nor on what was delivered of them before",
        "nothing",
    ),
    warning(
        "BCDA-NO-AMOUNT",
        "Part A claims without a payment, or lines of Part B and equipment claims without one: they count as unpaid",
        "ask CMS, if they are many",
    ),
    warning(
        "BCDA-NO-LINES",
        "Part B and equipment claims without a line (item): nothing of them counts",
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
        "claims name another version of their profile than the one that is read, or none",
        "compare a few of them with what the lake holds",
    ),
    warning(
        "BCDA-SHARED-NUMBER",
        "Patient resources with different birth dates or sexes have the same Medicare number: their claims count as "
        "one beneficiary's",
        "ask CMS whose number it is; a later export that corrects it is read in its place",
    ),
    warning("BCDA-CLAIM-TYPE", "claims are of types that CCLF does not hold", "nothing"),
    warning("BCDA-OTHER-RESOURCES", "files of other resources are left alone", "nothing"),
    warning("BCDA-NOT-EXPORTED", "the export lacks one of Patient, Coverage and ExplanationOfBenefit", "export it too"),
    warning(
        "BCDA-PATIENT-ELSEWHERE",
        "claims belong to patients whom this export does not name",
        "nothing, if an earlier export of the home does",
    ),
    warning(
        "BCDA-LACKS",
        "BCDA has no county, ZIP code, age or hospice range of beneficiaries: rates by hospital area are not available",
        "nothing",
    ),
    warning(
        "BCDA-OLDER",
        "resources are older versions or repeats of others in the same export; the newest version counts, once",
        "nothing",
    ),
    warning("BCDA-CODE-WIDTH", "codes were padded or trimmed to their standard length", "nothing"),
    warning("BCDA-PLACES", "numbers have more decimal places than their format", "nothing"),
    warning(
        "BCDA-TEST",
        "an export of the sandbox counts only until a production export is accepted",
        "nothing, or send the production export",
    ),
)
