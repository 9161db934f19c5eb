"""How much of the difference between physicians' figures is theirs: one-way random effects by the method of moments.

Belongs here: variance components and reliability, in exact fractions. Does not belong here: reading cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

#: the reliability that is usually required to compare people in public
ENOUGH = Fraction(7, 10)


@dataclass(frozen=True)
class Components:
    """Variance within and between the physicians of one stream.

    Attributes:
        within, between: variances, in the squared unit of the figure.
        physicians, cases: the numbers of physicians and cases behind them.
    """

    within: Fraction
    between: Fraction
    physicians: int
    cases: int

    def reliability(self, cases: int) -> Fraction:
        """σ²_b ÷ (σ²_b + σ²_w ÷ n): the share of a figure's variance that is the physician's own."""
        if self.between == 0:
            return Fraction(0)
        return self.between / (self.between + self.within / cases)

    def cases_needed(self, reliability: Fraction = ENOUGH) -> int | None:
        """The number of cases at which a figure is that reliable; None if no number is enough."""
        if self.between == 0:
            return None
        needed = self.within / self.between * reliability / (1 - reliability)
        return max(1, -(-needed.numerator // needed.denominator))


def components(sums: Mapping[str, tuple[int, int, int]]) -> Components:
    """Variance components of unbalanced groups (one-way random effects, analysis of variance estimator).

    Args:
        sums: physician -> number of cases, Σx, Σx² in integers.

    Returns:
        ``within`` = pooled within variance; ``between`` = max(0, (MS_between − MS_within) ÷ n₀) with
        n₀ = (N − Σn² ÷ N) ÷ (k − 1). Both are 0 if they cannot be estimated.
    """
    k, total = len(sums), sum(n for n, _, _ in sums.values())
    if k < 2 or total <= k:
        return Components(Fraction(0), Fraction(0), k, total)
    grand = sum(s for _, s, _ in sums.values())
    group_squares = sum((Fraction(s * s, n) for n, s, _ in sums.values()), Fraction(0))
    within = (sum(q for _, _, q in sums.values()) - group_squares) / (total - k)
    between_mean_square = (group_squares - Fraction(grand * grand, total)) / (k - 1)
    n0 = (total - Fraction(sum(n * n for n, _, _ in sums.values()), total)) / (k - 1)
    return Components(within, max(Fraction(0), (between_mean_square - within) / n0), k, total)
