"""Seeded randomness that gives the same numbers on every machine.

Belongs here: random streams and the arithmetic that keeps them portable. Does not belong here: what is drawn.

This module and its callers use only +, −, ×, ÷ and square roots on floating-point numbers: their results are the same
on every processor. Those of ``exp`` are not, and float sums depend on the width of the vector unit.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]

_STEPS = 512  # a step of the exponential table is 0.2%
_SPAN = 8
_POWERS = np.cumprod(np.full(_SPAN * _STEPS, 1.0019550335910028))  # e^(1/512); a running product has only one order
_EXP = np.concatenate((1.0 / _POWERS[::-1], [1.0], _POWERS))


def stream(seed: int, *purpose: str) -> np.random.Generator:
    """The random stream of one purpose, such as ``("stays", "2025Q1")``, independent of all others."""
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32("/".join(purpose).encode())]))


def exp(x: Floats) -> Floats:
    """e^x in steps of 0.2%, for −8 to 8, from a table."""
    return _EXP[np.clip(np.rint(x * _STEPS), -_SPAN * _STEPS, _SPAN * _STEPS).astype(np.int64) + _SPAN * _STEPS]


def cumulative(weights: Floats) -> Floats:
    """Running shares along the last axis; the last one with any weight, and those after it, are exactly 1."""
    running = np.cumsum(weights, axis=-1)
    return running / running[..., -1:]


def draw_rows(u: Floats, rows: Integers, shares: Floats) -> Integers:
    """For each ``u`` in [0, 1), the column that it falls into in its row of the running ``shares``."""
    return draw_grouped(u, rows, (shares + np.arange(len(shares))[:, None]).ravel()) - rows * shares.shape[1]


def draw_grouped(u: Floats, groups: Integers, keys: Floats) -> Integers:
    """For each ``u`` in [0, 1), the element of its group that it falls on.

    ``keys`` contains, ordered by group, each element's group number plus its running share (from ``cumulative``).
    """
    # A sum of group and u must not round up to the next group.
    return np.searchsorted(keys, np.minimum(u, 1 - 1e-9) + groups, side="right")


def largest_remainder(total: int, weights: Floats) -> Integers:
    """``total`` in whole parts by ``weights``; the rest after rounding goes to the largest remainders, in order."""
    exact = weights / cumulative_total(weights) * total
    parts = np.floor(exact).astype(np.int64)
    left = total - int(parts.sum())
    parts[np.argsort(parts - exact, kind="stable")[:left]] += 1
    return parts


def cumulative_total(weights: Floats) -> float:
    """The sum of ``weights`` in their order (``np.sum`` adds in an order that depends on the processor)."""
    return float(np.cumsum(weights)[-1])


def triangular(rng: np.random.Generator, low: Floats, mode: Floats, high: Floats) -> Floats:
    """Draws between ``low`` and ``high`` with their peak at ``mode``, one for each element."""
    u = rng.random(len(low))
    rise = (mode - low) / (high - low)
    left = low + np.sqrt(u * (high - low) * (mode - low))
    return np.where(u < rise, left, high - np.sqrt((1 - u) * (high - low) * (high - mode)))


def exactly(rng: np.random.Generator, eligible: Flags, groups: Integers, counts: Integers) -> Integers:
    """Row numbers picked at random from the ``eligible``: in group g ``counts[g]`` of them, or all if fewer."""
    rows = np.flatnonzero(eligible)
    order = np.lexsort((rng.random(len(rows)), groups[rows]))
    rows = rows[order]
    group = groups[rows]
    rank = np.arange(len(rows)) - np.searchsorted(group, group, side="left")
    return np.sort(rows[rank < counts[group]])
