"""How the name of a received file may be shown: what may identify a patient in it is shown by its shape.

Belongs here: names in messages, receipts, logs and metadata. Does not belong here: which names the product knows.
"""

from __future__ import annotations

import re

#: What may identify a person: a long stretch with a digit in it, or a Medicare beneficiary's or social security
#: number whatever separates its parts.
_IDENTIFIER = re.compile(
    r"(?=[A-Za-z_-]*[0-9])[A-Za-z0-9-]{7,}"
    r"|[1-9][A-Za-z][A-Za-z0-9][0-9][ _.]?[A-Za-z][A-Za-z0-9][0-9][ _.]?[A-Za-z]{2}[0-9]{2}"
    r"|[0-9]{3}[ _.][0-9]{2}[ _.][0-9]{4}",
    re.ASCII,
)
#: A month (as long as an identifier), and an archive or file as CMS names it: no part of it can hold an identifier.
_KNOWN = re.compile(
    r"[0-9]{4}-[0-9]{2}"
    r"|[PT]\.(?:[A-Z0-9]{1,5}\.){1,3}ZC[0-9AB]?[YR][0-9]{2}\.D[0-9]{6}\.T[0-9]{7}(?:\.(?:zip|txt))?",
    re.ASCII | re.IGNORECASE,
)


#: Notes for people, which ``hcip init`` puts into the folders of the inbox.
_NOTES = ("readme", "readme.md", "readme.txt")


def is_left_alone(name: str) -> bool:
    """Whether a file of the inbox is not an input: hidden, or a README."""
    return name.startswith(".") or name.lower() in _NOTES


def shown(name: str) -> str:
    """A file name as a message may show it: printable, short, harmless on a terminal and in a page."""
    return ascii(name)[1:-1][:80]


def shown_unknown(name: str) -> str:
    """The name of a file that no one expected: what may identify a patient in it by its shape (A letter, 9 digit)."""
    return _IDENTIFIER.sub(lambda m: re.sub(r"[0-9]", "9", re.sub("[A-Za-z]", "A", m[0])), shown(name))


def shown_path(path: str) -> str:
    """A path below the inbox, each part as :func:`shown_unknown`; months and CMS's own names are shown in full."""
    return "/".join(part if _KNOWN.fullmatch(part) else shown_unknown(part) for part in path.split("/"))
