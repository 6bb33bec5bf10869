"""What the shortlist may have missed, estimated from a random sample of the pairs that were never looked at."""

from scipy.special import betaincinv  # scipy.stats takes most of a second to import

_CONFIDENCE = 0.95


def missed_pairs(unseen: int, audited: int, found: int) -> tuple[float, float, float]:
    """Returns how many of the `unseen` pairs would verify, when `found` of the `audited` did.

    Returns:
        The estimate, and the ends of its exact 95 % confidence interval (Clopper & Pearson 1934).
    """
    if not audited:
        return 0.0, 0.0, float(unseen)
    tail = (1 - _CONFIDENCE) / 2
    low = betaincinv(found, audited - found + 1, tail) if found else 0.0
    high = betaincinv(found + 1, audited - found, 1 - tail) if found < audited else 1.0
    return found / audited * unseen, float(low) * unseen, float(high) * unseen
