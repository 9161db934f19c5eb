"""Exact numbers (methodology §0): every quantity is calculated exactly and rounded once, half away from zero."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, DivisionByZero, Inexact, InvalidOperation

#: Addition and multiplication must be exact here: a lost digit is an error, not a rounding.
EXACT = Context(prec=80, traps=[Inexact, InvalidOperation, DivisionByZero])

_ROUNDING = Context(prec=80, rounding=ROUND_HALF_UP, traps=[InvalidOperation])

ZERO = Decimal(0)
ONE = Decimal(1)
CENTS, MEAN, RATIO = 2, 4, 8


def rounded(value: Decimal, places: int) -> Decimal:
    """``value`` rounded once, half away from zero."""
    return value.quantize(ONE.scaleb(-places), context=_ROUNDING)


def quotient(numerator: Decimal | int, denominator: Decimal | int, places: int) -> Decimal | None:
    """numerator ÷ denominator as a ratio of integers, rounded once; None if the denominator is zero."""
    if not denominator:
        return None
    top, over = numerator.as_integer_ratio()
    bottom, under = denominator.as_integer_ratio()
    top, bottom = top * under * 10**places, over * bottom
    units = (2 * abs(top) + abs(bottom)) // (2 * abs(bottom))
    return Decimal(units if (top >= 0) == (bottom > 0) else -units).scaleb(-places)


def clamp(value: Decimal, low: Decimal, high: Decimal) -> Decimal:
    """``value``, at least ``low`` and at most ``high``."""
    return max(low, min(high, value))


def percentile(ordered: Sequence[Decimal], share: Decimal) -> Decimal:
    """Linear interpolation between order statistics (Hyndman–Fan type 7), exact."""
    rank = (len(ordered) - 1) * share
    below = int(rank)
    low, high = ordered[below], ordered[min(below + 1, len(ordered) - 1)]
    return low + (rank - below) * (high - low)


def power(fraction: Decimal, exponent: Decimal) -> Decimal:
    """fraction ^ exponent, rounded to 8 places at once (methodology §0, §7)."""
    if exponent == 1:
        return fraction
    return rounded(_ROUNDING.power(fraction, exponent), RATIO) if fraction else ZERO


def apportioned(amounts: Mapping[str, Decimal], limit: Decimal) -> dict[str, Decimal]:
    """``amounts`` scaled down pro rata to ``limit``, to cents by largest remainder, ties by key ascending (§9)."""
    cents = {key: int(amount.scaleb(CENTS)) for key, amount in amounts.items()}
    total, available = sum(cents.values()), int(limit.scaleb(CENTS))
    if total <= available:
        return dict(amounts)
    shares = {key: divmod(own * available, total) for key, own in cents.items()}
    left = available - sum(whole for whole, _ in shares.values())
    first = sorted(shares, key=lambda key: (-shares[key][1], key))[:left]
    return {key: Decimal(whole + (key in first)).scaleb(-CENTS) for key, (whole, _) in shares.items()}
