"""tf-idf against values worked out by hand, an independent computation in numpy, and scikit-learn."""

import json
import math
from collections import Counter
from functools import cache

import numpy as np
import pyarrow as pa
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from nltk.stem.snowball import SnowballStemmer
from sklearn.feature_extraction.text import TfidfTransformer

from storage.errors import InputError
from storage.tables.annotations import IMAGE_DATA
from tasks.captions.forms import count_forms, count_words, make_stemmer
from tasks.captions.overview import complete_images, empty_vectors, encoded_images
from tasks.captions.settings import EncodeSettings, SplitSettings
from tasks.captions.split import list_images, split_of
from tasks.captions.synsets import NO_SYNSET, count_synsets, find_nothing
from tasks.captions.tfidf import NOT_A_TERM, NOT_IN_TRAIN, TOO_RARE, encode, weigh
from tasks.captions.vocabulary import Vocabulary

IDS = ["1", "2", "3", "4", "5", "6", "16"]  # 1 validates, 16 tests


def regions(path):
    return [
        (str(record.get("id", record.get("image_id"))), region["phrase"])
        for record in json.loads(path.read_text())
        for region in record["regions"]
    ]


def encoded_phrases(pairs, ids, settings=EncodeSettings()):
    """What the flow does between the parsed phrases and the matrix."""
    images = list_images(ids, SplitSettings())
    rows = {image_id: row for row, image_id in enumerate(images["image_id"].to_pylist())}
    described = count_forms(pairs, rows, count_words)
    terms = list(map(make_stemmer(settings), described.forms))
    train = np.array([split == "train" for split in images["split"].to_pylist()])
    return images, described, encode(described.counts, described.forms, terms, train, settings)


@pytest.fixture
def by_hand(annotations):
    return encoded_phrases(regions(annotations / "v1.2.0/region_descriptions.json"), IDS)


# By hand


def test_vocabulary_by_hand(by_hand):
    _, _, encoded = by_hand
    terms = {row["term"]: row for row in encoded.vocabulary.to_pylist()}
    assert encoded.train_images == 5
    assert list(terms) == [
        *("a", "car", "dog", "grass", "green", "is", "on", "red", "road", "run", "s", "sleep", "the", "two", "wheel")
    ]
    df = {"a": 3, "car": 2, "dog": 2, "grass": 2, "green": 1, "on": 2, "road": 2, "run": 1, "the": 4, "wheel": 1}
    assert {term: terms[term]["df"] for term in df} == df
    assert terms["dog"]["idf"] == pytest.approx(math.log(5 / 2))
    assert terms["the"]["idf"] == pytest.approx(math.log(5 / 4))
    assert (terms["dog"]["forms"], terms["dog"]["form_counts"]) == (["dog", "dogs"], [3, 1])
    assert (terms["run"]["forms"], terms["run"]["form_counts"]) == (["running", "runs"], [2, 1])
    assert terms["road"]["occurrences"] == 4
    assert encoded.left_out == {NOT_IN_TRAIN: 2}  # zebra, zebras


def test_weights_by_hand(by_hand):
    _, _, encoded = by_hand
    terms = encoded.vocabulary["term"].to_pylist()
    rows = {image: dict(zip(terms, encoded.weights.toarray()[row], strict=True)) for row, image in enumerate(IDS)}
    raw = {
        "a": math.log(5 / 3), "car": math.log(5 / 2), "road": math.log(5 / 2), "s": math.log(5),
        "the": math.log(5 / 4), "wheel": math.log(5),
    }  # fmt: skip
    length = math.sqrt(sum(value**2 for value in raw.values()))
    assert {t: w for t, w in rows["5"].items() if w} == pytest.approx({t: v / length for t, v in raw.items()}, abs=1e-7)
    # in image 4 words count as often as they come: a ×3, car ×3, on, the, road ×2, red
    ratio = rows["4"]["a"] / rows["4"]["red"]
    assert ratio == pytest.approx(3 * math.log(5 / 3) / math.log(5), abs=1e-6)
    # what only the other splits have is no term, and an image of nothing else is empty
    assert {t for t, w in rows["1"].items() if w} == {"a", "dog", "on", "road", "run"}
    assert not any(rows["6"].values())
    assert not any(rows["16"].values())


def test_empty_vectors_are_listed_with_their_reason(by_hand):
    images, described, encoded = by_hand
    listed = encoded_images(images["image_id"], described, encoded)
    assert [row["unknown"] for row in listed.to_pylist()] == [1, 0, 0, 0, 0, 0, 1]
    assert [row["counted"] for row in listed.to_pylist()][:3] == [7, 9, 6]
    assert empty_vectors("captions", listed).to_pylist() == [
        {"encoding": "captions", "image_id": "6", "reason": "no phrase"},
        {"encoding": "captions", "image_id": "16", "reason": "no word that the vocabulary has"},
    ]


def test_what_all_training_images_have_weighs_nothing():
    images, described, encoded = encoded_phrases([("2", "a"), ("3", "a"), ("4", "a dog")], ["2", "3", "4"])
    listed = encoded_images(images["image_id"], described, encoded)
    reason = "only what every training image has: its idf is 0"
    assert [(row["image_id"], row["reason"]) for row in empty_vectors("captions", listed).to_pylist()] == [
        ("2", reason),
        ("3", reason),
    ]
    assert encoded.weights.nnz == 1


def test_objects_by_hand(annotations):
    records = json.loads((annotations / "v1.2.0/objects.json").read_text())
    objects = [(str(r["image_id"]), (o["names"], o["synsets"])) for r in records for o in r["objects"]]
    images = list_images(IDS, SplitSettings())
    rows = {image_id: row for row, image_id in enumerate(IDS)}
    described = count_forms(objects, rows, lambda part: count_synsets(part, find_nothing))
    terms = [None if synset == NO_SYNSET else synset for synset, _ in described.forms]
    train = np.array([split == "train" for split in images["split"].to_pylist()])
    encoded = encode(described.counts, [name for _, name in described.forms], terms, train, EncodeSettings())
    vocabulary = {row["term"]: (row["df"], row["forms"]) for row in encoded.vocabulary.to_pylist()}
    assert vocabulary == {
        "car.n.01": (1, ["automobile", "car"]), "dog.n.01": (2, ["dog", "puppy"]), "grass.n.01": (1, ["grass"]),
        "road.n.01": (1, ["road"]),
    }  # fmt: skip
    assert encoded.left_out == {NOT_A_TERM: 1, NOT_IN_TRAIN: 2}  # the wheel; two zebras
    car, road = encoded.weights[[3]].toarray()[0][[0, 3]]
    assert car / road == pytest.approx(2)
    listed = encoded_images(images["image_id"], described, encoded)
    assert [row["reason"] for row in empty_vectors("objects", listed).to_pylist()] == [
        *("no synset that the vocabulary has", "no object", "no synset that the vocabulary has")
    ]


def test_images_are_told_whole(by_hand):
    images, described, encoded = by_hand
    listed = encoded_images(images["image_id"], described, encoded)
    data = pa.Table.from_pylist([{"record": 0, "image_id": "4", "coco_id": 77, "width": 640}], IMAGE_DATA.schema)
    rows = complete_images(images, listed, listed, data).to_pylist()
    assert [row["image_id"] for row in rows] == IDS
    assert [(row["coco_id"], row["width"]) for row in rows[2:5]] == [(None, None), (77, 640), (None, None)]
    assert (rows[3]["phrases"], rows[3]["tokens"], rows[3]["distinct_stems"]) == (3, 13, 6)


# Against numpy and scikit-learn


def plain_weights(pairs, ids):
    """12.2 in loops: stems, counts, idf of the training images, length 1; (terms, idf, float64 matrix)."""
    stem = cache(SnowballStemmer("english").stem)
    counts = {image: Counter() for image in ids}
    for image, phrase in pairs:
        word = ""
        for letter in phrase.lower() + " ":
            if "a" <= letter <= "z":
                word += letter
            elif word:
                counts[image][stem(word)] += 1
                word = ""
    train = [image for image in ids if split_of(image, SplitSettings()) == "train"]
    df = Counter(term for image in train for term in counts[image])
    terms = sorted(df)
    idf = np.array([math.log(len(train) / df[term]) for term in terms])
    tf = np.array([[counts[image][term] for term in terms] for image in ids], float)
    weights = tf * idf
    lengths = np.linalg.norm(weights, axis=1, keepdims=True)
    return terms, idf, np.divide(weights, lengths, out=np.zeros_like(weights), where=lengths > 0)


@pytest.mark.parametrize(
    "file",
    [
        "slice_15/region_graphs.json",
        "official_v1.0.0/region_descriptions.json",
        "official_v1.2.0/region_descriptions.json",
    ],
)
def test_real_captions_agree_with_numpy_and_scikit_learn(shared_data, file):
    pairs = regions(shared_data / "visual_genome" / file)
    ids = sorted({image for image, _ in pairs}, key=int)
    images, described, encoded = encoded_phrases(pairs, ids)
    terms, idf, weights = plain_weights(pairs, ids)
    assert encoded.vocabulary["term"].to_pylist() == terms
    np.testing.assert_allclose(encoded.vocabulary["idf"].to_numpy(), idf, atol=1e-12)
    np.testing.assert_allclose(encoded.weights.toarray(), weights, atol=1e-6)
    similarity = (encoded.weights @ encoded.weights.T).toarray()
    np.testing.assert_allclose(similarity, weights @ weights.T, atol=1e-6)

    train = np.array(images["split"].to_pylist()) == "train"
    stems = [SnowballStemmer("english").stem(word) for word in described.forms]
    columns = [[n for n, stem in enumerate(stems) if stem == term] for term in terms]
    by_term = np.stack([described.counts.toarray()[:, members].sum(axis=1) for members in columns], axis=1)
    theirs = TfidfTransformer(smooth_idf=False).fit(by_term[train]).idf_
    np.testing.assert_allclose(theirs - 1, encoded.vocabulary["idf"].to_numpy(), atol=1e-12)


# Options


def test_min_df_stop_words_and_sublinear(annotations):
    pairs = regions(annotations / "v1.2.0/region_descriptions.json")
    settings = EncodeSettings(min_df=2, stop_words=("the", "a"), sublinear=True)
    _, _, encoded = encoded_phrases(pairs, IDS, settings)
    assert encoded.vocabulary["term"].to_pylist() == ["car", "dog", "grass", "on", "road"]
    rare = {"is": 1, "green": 1, "red": 1, "run": 3, "s": 1, "sleep": 1, "two": 1, "wheel": 1}
    assert encoded.left_out == {NOT_A_TERM: 12, NOT_IN_TRAIN: 2, TOO_RARE: sum(rare.values())}
    car, road = encoded.weights[[3]].toarray()[0][[0, 4]]  # three cars and two roads
    assert car / road == pytest.approx((1 + math.log(3)) / (1 + math.log(2)), abs=1e-6)


def test_without_training_images_there_is_no_idf():
    with pytest.raises(InputError, match="no image falls into the training split"):
        encoded_phrases([("1", "a dog")], ["1"])


def test_without_a_term_all_vectors_are_empty():
    _, _, encoded = encoded_phrases([], ["2", "3"])
    assert encoded.weights.shape == (2, 0)
    assert encoded.vocabulary.num_rows == 0


# Laws


matrices = st.lists(st.lists(st.integers(0, 3), min_size=4, max_size=4), min_size=1, max_size=8)


@given(matrices, st.lists(st.floats(0.1, 5), min_size=4, max_size=4), st.booleans())
def test_rows_have_length_one_or_none(counts, idf, sublinear):
    counts = sp.csr_array(np.array(counts, np.int32))
    weights = weigh(counts, np.array(idf), EncodeSettings(sublinear=sublinear))
    assert weights.dtype == np.float32
    lengths = np.linalg.norm(weights.toarray(), axis=1)
    np.testing.assert_allclose(lengths, (counts.toarray().sum(axis=1) > 0).astype(float), atol=1e-6)
    assert (weights.data > 0).all()
    assert weights.has_sorted_indices


# A published vocabulary


def test_a_vocabulary_encodes_its_own_images_as_they_were(by_hand, annotations):
    _, _, encoded = by_hand
    pairs = regions(annotations / "v1.2.0/region_descriptions.json")
    weights, images = Vocabulary(encoded.vocabulary, EncodeSettings()).encode(reversed(pairs))
    for number, image in enumerate(images["image_id"].to_pylist()):
        assert (weights[[number]] != encoded.weights[[IDS.index(image)]]).nnz == 0
    assert dict(zip(images["image_id"].to_pylist(), images["unknown"].to_pylist(), strict=True))["16"] == 1


def test_a_vocabulary_of_strangers_words_is_empty(by_hand):
    weights, images = Vocabulary(by_hand[2].vocabulary, EncodeSettings()).encode([("x", "zebras!"), ("y", "")])
    assert weights.nnz == 0
    assert images["distinct_terms"].to_pylist() == [0, 0]
    assert Vocabulary(by_hand[2].vocabulary, EncodeSettings()).encode([])[0].shape[0] == 0


def test_words_that_a_vocabulary_lacks_are_told(by_hand):
    told = Vocabulary(by_hand[2].vocabulary, EncodeSettings(stop_words=("the",)))
    assert told.unknown_words("Zebras and the DOGS; two zebras.") == ["zebras", "and", "the"]
    assert told.unknown_words("") == told.unknown_words("1, 2") == []
