"""How the name of a received file may be shown: any part that may identify a patient only by its shape.

Belongs here: names in messages, receipts, logs and metadata. Does not belong here: which names the product knows.
"""

from __future__ import annotations

import re

#: Text that may identify a person: a long stretch with a digit in it, or a Medicare beneficiary's or social security
#: number with any separator between its parts.
_IDENTIFIER = re.compile(
    r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9-]{7,}"
    r"|[1-9][A-Za-z][A-Za-z0-9][0-9][ _.]?[A-Za-z][A-Za-z0-9][0-9][ _.]?[A-Za-z]{2}[0-9]{2}"
    r"|[0-9]{3}[ _.][0-9]{2}[ _.][0-9]{4}",
    re.ASCII,
)
#: A month (as long as an identifier), or an archive or file with a CMS name: no part of these can be an identifier.
_KNOWN = re.compile(
    r"[0-9]{4}-[0-9]{2}"
    r"|[PT]\.(?:[A-Z0-9]{1,5}\.){1,3}ZC[0-9AB]?[YR][0-9]{2}\.D[0-9]{6}\.T[0-9]{7}(?:\.(?:zip|txt))?",
    re.ASCII | re.IGNORECASE,
)


#: Notes for people, which ``hcip init`` puts into the inbox's folders.
_NOTES = ("readme", "readme.md", "readme.txt")


def is_left_alone(name: str) -> bool:
    """Whether a file in the inbox is not an input: hidden, or a README."""
    return name.startswith(".") or name.lower() in _NOTES


def shown(name: str) -> str:
    """A file name as a message may show it: printable, short, harmless on a terminal and in a page."""
    return ascii(name)[1:-1][:80]


def shown_unknown(name: str) -> str:
    """The name of an unexpected file: parts that may identify a patient as shapes (A for letters, 9 for digits)."""
    return _IDENTIFIER.sub(lambda m: re.sub(r"[0-9]", "9", re.sub("[A-Za-z]", "A", m[0])), shown(name))


def shown_path(path: str) -> str:
    """A path below the inbox, each part as in :func:`shown_unknown`, but months and CMS's own names in full."""
    return "/".join(part if _KNOWN.fullmatch(part) else shown_unknown(part) for part in path.split("/"))
