"""Captions of the collages follow from what they show, and scores are right where they are known."""

import numpy as np
import scipy.sparse as sp

from bench.training.semantic_collages import PHRASES, make_collages
from bench.training.semantic_run import compare
from demo.catalogue import PHOTOS
from tasks.evaluate.methods import ByCaptions, ByVectors


def test_what_is_said_of_a_collage_is_true_of_what_it_shows() -> None:
    made = make_collages(50)
    assert made == make_collages(50)
    assert {thing for own in made for thing in own.things} <= PHRASES.keys() <= PHOTOS.keys()
    assert all(phrase in PHRASES[thing] for own in made for thing, phrase in zip(own.things, own.phrases, strict=True))
    assert all(len({*own.things}) == 3 for own in made)


def test_captions_score_in_full_by_themselves_and_their_opposite_does_not() -> None:
    said = np.random.default_rng(0).random((40, 5)).astype(np.float32)
    said /= np.linalg.norm(said, axis=1, keepdims=True)
    captions = ByCaptions(sp.csr_array(said))
    itself, opposite = compare(captions, captions), compare(ByVectors(-said, said), captions)
    assert np.allclose([itself[name] for name in ("agreement", "NDCG", "PCC")], 1)
    assert opposite["agreement"] == 0
    assert opposite["NDCG"] < itself["NDCG"]
    assert np.isclose(opposite["PCC"], -1)
