"""A class is the surer of its landmark, the more its largest group leads."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.cluster.confidence import SURE, confidence_of


@given(photographs=st.integers(1, 10_000), margin=st.integers(0, 9_999))
def test_more_lead_is_surer(photographs, margin):
    margin = min(margin, photographs - 1)
    less, more = confidence_of(np.array([margin, margin + 1]), np.array([photographs, photographs]))
    assert 0.5 < less < more < 1


def test_a_lead_of_two_fifths_is_sure_and_of_a_third_is_not():
    sure, not_sure = confidence_of(np.array([40, 33]), np.array([100, 100]))
    assert sure >= SURE > not_sure
