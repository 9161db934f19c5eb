"""The claims of a file as read by pyx12, independently of our own reader.

Belongs here: pyx12's loops and elements, under the column names of our tables. Does not belong here: comparing.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from typing import Any

from pyx12 import error_handler, params, x12context, x12n_document

_NATURES = {"1": "3", "2": "4", "3": "5", "4": "2", "5": "3", "9": "9"}


def is_valid(text: str) -> bool:
    """Whether pyx12 finds nothing wrong with the file."""
    logging.disable(logging.CRITICAL)
    try:
        return x12n_document.x12n_document(params.params(), io.StringIO(text), io.StringIO(), None)
    finally:
        logging.disable(logging.NOTSET)


def claims(text: str) -> list[dict[str, Any]]:
    """Each claim in the order of the file, with its lines."""
    reader = x12context.X12ContextReader(params.params(), error_handler.errh_null(), io.StringIO(text))
    return [claim for tree in reader.iter_segments("2000A") if tree.id == "2000A" for claim in _of_provider(tree)]


def _of_provider(provider: Any) -> Iterator[dict[str, Any]]:
    npi = _value(provider, "2010AA/NM109")
    for subscriber in provider.select("2000B"):
        payer = (_value(subscriber, "SBR01"), _value(subscriber, "SBR09"))
        own = tuple(_value(subscriber, f"2010BA/{name}") for name in ("DMG02", "DMG03", "N403"))
        for claim in subscriber.select("2300"):
            yield _claim(claim, own, payer, npi)
        for patient in subscriber.select("2000C"):
            person = tuple(_value(patient, f"2010CA/{name}") for name in ("DMG02", "DMG03", "N403"))
            for claim in patient.select("2300"):
                yield _claim(claim, person, payer, npi)


def _claim(claim: Any, person: tuple[str, ...], payer: tuple[str, str], npi: str) -> dict[str, Any]:
    items = list(_items(claim))
    period = _value(claim, "DTP[434]03")
    first, _, last = period.partition("-")
    orders = [(_value(other, "SBR01"), _value(other, "SBR09")) for other in claim.select("2320")]
    primary = next((indicator for order, indicator in [payer, *orders] if order == "P"), "")
    nature = _value(claim, "CL101")
    return {
        "account_no": _value(claim, "CLM01"),
        "total": float(_value(claim, "CLM02")),
        "facility": _value(claim, "CLM05-1"),
        "frequency": _value(claim, "CLM05-3"),
        "admit_date": _day(_value(claim, "DTP[435]03")[:8]),
        "first_day": _day(first),
        "last_day": _day(last or first),
        "nature_of_admission": _NATURES.get(nature, nature),
        "source_of_admission": _padded(_value(claim, "CL102")),
        "discharge_disposition": _padded(_value(claim, "CL103")),
        "attending_npi": _npi(claim, "2310A"),
        "operating_npi": _npi(claim, "2310B"),
        "birth_date": _day(person[0]),
        "sex": person[1],
        "zip_code": person[2],
        "indicator": primary,
        "principal_diagnosis": next((code for kind, code, _, _ in items if kind == "ABK"), ""),
        "diagnoses": "|".join(f"{code}:{poa}" if poa else code for kind, code, _, poa in items if kind == "ABF"),
        "procedures": "|".join(f"{code}:{_day(day)}" for kind, code, day, _ in items if kind in ("BBR", "BBQ")),
        "billing_npi": npi,
        "lines": [
            (
                _value(line, "SV201"),
                float(_value(line, "SV203")),
                _value(line, "SV205").removesuffix(".00"),
                _day(_value(line, "DTP[472]03")[:8] or first),
            )
            for line in claim.select("2400")
        ],
    }


def _items(claim: Any) -> Iterator[tuple[str, str, str, str]]:
    """Kind, code, day and present-on-admission flag of every code of the segments HI."""
    for segment in claim.select("HI"):
        data = segment.seg_data
        for number in range(1, 13):
            if data.get_value(f"HI{number:02d}-1"):
                yield tuple(data.get_value(f"HI{number:02d}-{part}") or "" for part in (1, 2, 4, 9))  # type: ignore[misc]


def _value(node: Any, path: str) -> str:
    return (node.get_value(path) or "").strip()


def _npi(claim: Any, loop: str) -> str:
    return _value(claim, f"{loop}/NM109") if _value(claim, f"{loop}/NM108") == "XX" else ""


def _day(text: str) -> str:
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if len(text) == 8 else text


def _padded(code: str) -> str:
    return code.zfill(2) if code else ""
