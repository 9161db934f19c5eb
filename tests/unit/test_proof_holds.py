"""The proof's own list of holds is the declared one: it shares no code, so nothing else would tell."""

from hcip_pipeline.contracts.payment_reasons import PAYMENT_REASONS
from hcip_pipeline.release.verification.earlier import HOLDS


def test_the_proof_knows_every_hold() -> None:
    assert {reason.code for reason in PAYMENT_REASONS.values() if reason.is_hold} == HOLDS
