"""The bounds that the edits of a submission compare with (inputs.md, "Edits")."""

from __future__ import annotations

#: More ERROR rows than this share of a file's rows refuse the submission (inputs.md, "Edits").
MAX_ERROR_SHARE = (1, 100)
#: |Σ charge lines − total_charges| may be this many dollars.
CHARGES_TOLERANCE = 1
#: Volume this far from the same quarter a year before is worth a word.
MAX_VOLUME_CHANGE = (20, 100)
MAX_NPI_MISSING = (2, 100)
MAX_UNMAPPED = (1, 100)
#: Without a rate center for more than this share of lines or dollars, components and cost centers mean nothing.
MOST_UNMAPPED = (20, 100)
MAX_PATIENT_ID_MISSING = (1, 100)
MAX_AGE_YEARS = 120
MAX_STAY_DAYS = 365
COST_TO_CHARGE_BOUNDS = ("0.1", "1.5")
#: Text without a length of its own in the contract.
MAX_TEXT = 4000
#: A total line of a bill: never added.
TOTAL_REVENUE_CODE = "0001"
#: APR-DRGs that state "could not be grouped": such a case needs no severity.
UNGROUPABLE = ("955", "956")


def exceeds(part: int, whole: int, share: tuple[int, int]) -> bool:
    """``part / whole > share`` in whole numbers."""
    return part * share[1] > whole * share[0]
