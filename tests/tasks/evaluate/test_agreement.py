"""Agreement worked out by hand, its laws, and the demo's own score of the same verdicts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.plan import entries
from demo.truth import Truth, score
from storage.errors import InputError
from storage.tables.acquisition import IMAGES, SOURCES
from storage.tables.groups import BOXES
from storage.tables.versions import VERDICTS
from tasks.evaluate.agreement import (
    ALL,
    READABLE,
    Comparison,
    compare,
    judged_images,
    score_keeping,
)
from tasks.evaluate.boxes import intersection_over_union
from tasks.evaluate.reference import BOX, Reference

NONE = (np.nan,) * 4
SQUARE = (0.0, 0.0, 10.0, 10.0)


@dataclass(frozen=True)
class Image:
    """A row of the list as a version judged it; the bytes are known by one letter, None where nothing was read."""

    name: str
    kept: bool = False
    bytes: str | None = "x"
    box: tuple[float, ...] = NONE
    overlaps: bool = False
    url: str | None = None
    orientation: int = 1

    def row(self) -> dict[str, Any]:
        size = {"width": 100.0, "height": 50.0} if self.bytes else {"width": np.nan, "height": np.nan}
        return {
            "image_id": self.name,
            "landmark_id": self.name[0],
            "url": self.url or f"http://h/{self.name}",
            "kept": self.kept,
            "overlaps": self.overlaps,
            "readable": self.bytes is not None,
            "md5": self.bytes,
            "orientation": self.orientation if self.bytes else np.nan,
            **size,
            **dict(zip(BOX, self.box, strict=True)),
        }


def images_of(*images: Image) -> pd.DataFrame:
    return pd.DataFrame([image.row() for image in images])


def by_url(*rows: tuple[Any, ...]) -> Reference:
    """A reference of rows (name of the image, bytes, box); all but the name may be left out."""
    full = [(row[0], row[1] if len(row) > 1 else None, row[2] if len(row) > 2 else NONE) for row in rows]
    found = [(f"http://h/{name}", name[0], md5, *box) for name, md5, box in full]
    return Reference("clean.txt", "url", pd.DataFrame(found, columns=["url", "landmark_id", "md5", *BOX]))


LIST = images_of(
    Image("a1", kept=True),
    Image("a2", kept=True),
    Image("a3"),
    Image("a4", bytes=None),
    Image("a5"),
    Image("a6", overlaps=True),
    Image("b1", kept=True),
    Image("b2", bytes=None),
)
WANTED = [(name,) for name in ("a1", "a3", "a4", "a6", "b1", "c1")]


# Keep and discard


def test_overall_over_all_rows_and_over_the_readable_ones() -> None:
    overall = compare(LIST, by_url(*WANTED)).overall
    assert list(overall.index) == [ALL, READABLE]
    assert overall.loc[ALL].to_list() == pytest.approx([7, 4, 3, 2, 2 / 3, 1 / 2, 4 / 7, 4 / 7, 3 / 7])
    assert overall.loc[READABLE].to_list() == pytest.approx([5, 3, 3, 2, 2 / 3, 2 / 3, 2 / 3, 3 / 5, 3 / 5])


def test_class_by_class() -> None:
    classes = compare(LIST, by_url(*WANTED)).classes
    assert list(classes.index) == [(name, scope) for name in ("a", "b") for scope in (ALL, READABLE)]
    assert classes.loc[("a", ALL)].to_list() == pytest.approx([5, 3, 2, 1, 1 / 2, 1 / 3, 2 / 5, 3 / 5, 2 / 5])
    assert classes.loc[("a", READABLE)].to_list() == pytest.approx([4, 2, 2, 1, 1 / 2, 1 / 2, 1 / 2, 1 / 2, 1 / 2])
    assert classes.loc[("b", ALL)].to_list() == pytest.approx([2, 1, 1, 1, 1, 1, 1, 1 / 2, 1 / 2])


def test_what_is_only_on_one_side_is_counted() -> None:
    found = compare(LIST, by_url(*WANTED))
    assert (found.reference_images, found.not_in_list) == (6, 1)
    assert (found.listed_images, found.not_in_reference) == (8, 3)


def test_overlap_with_a_test_set_is_counted_and_has_no_other_say() -> None:
    found = compare(LIST, by_url(*WANTED))
    assert (found.overlapping, found.overlapping_wanted) == (1, 1)
    without = compare(LIST[~LIST.overlaps], by_url(*WANTED))
    pd.testing.assert_frame_equal(without.overall, found.overall)
    pd.testing.assert_frame_equal(without.classes, found.classes)


def test_ids_join_what_addresses_do_not() -> None:
    rows = pd.DataFrame({"landmark_id": ["x", "x"], "image_id": ["a1", "a3"]}).assign(md5=None, **dict.fromkeys(BOX))
    found = compare(LIST, Reference("train_clean.csv", "image_id", rows))
    assert found.overall.right[ALL] == 1
    assert found.overall.wanted[ALL] == 2


def test_a_class_of_another_name_does_not_matter() -> None:
    reference = by_url(*WANTED)
    renamed = Reference("clean.txt", "url", reference.rows.assign(landmark_id="586"))
    pd.testing.assert_frame_equal(compare(LIST, renamed).classes, compare(LIST, reference).classes)


def test_an_address_in_several_classes_needs_its_class() -> None:
    images = images_of(Image("a1", url="http://h/b7"), Image("b7", kept=True), Image("c1", url="http://h/b7"))
    overall = compare(images, by_url(("b7",))).overall
    assert overall.loc[ALL, ["wanted", "kept", "right"]].to_list() == [1, 1, 1]


def test_an_image_that_the_reference_names_twice_is_one() -> None:
    found = compare(LIST, by_url(*WANTED, ("a1",), ("c1",)))
    assert found.reference_images == 6
    assert found.overall.rows[ALL] == 7


def test_a_stand_in_that_came_instead_is_not_readable(tables: Any) -> None:
    truth = [
        Truth(1, "a1", "a", False, ("placeholder",), box=None),
        Truth(2, "a2", "a", False, ("no-match",), box=None),
    ]
    read = {name: table.to_pandas() for name, table in tables(truth).items()}
    facts = {"md5": "0" * 32, "width": 9, "height": 9, "orientation": 1}
    images = pd.DataFrame([{"image_id": name, "landmark_id": "a", **facts} for name in ("a1", "a2")])
    judged = judged_images(**{**read, "images": images}).set_index("image_id")
    assert judged.readable.to_dict() == {"a1": False, "a2": True}


def test_nothing_readable_is_no_error() -> None:
    overall = compare(images_of(Image("a1", bytes=None)), by_url(("a1",))).overall
    assert overall.loc[READABLE, ["rows", "wanted", "kept"]].to_list() == [0, 0, 0]
    assert overall.loc[ALL, "recall"] == 0


def test_everything_shared_with_a_test_set_is_no_error() -> None:
    found = compare(images_of(Image("a1", overlaps=True)), by_url(("a1",)))
    assert found.overall.rows.to_list() == [0, 0]
    assert found.overlapping == 1


def test_a_reference_of_another_list_is_refused() -> None:
    with pytest.raises(InputError, match=r"clean\.txt: none of its 2 images .* url"):
        compare(LIST, by_url(("z1",), ("z2",)))


flags = st.lists(st.tuples(st.sampled_from("ab"), st.booleans(), st.booleans()), min_size=1, max_size=30)


@given(flags)
def test_precision_and_recall_change_places_with_the_sides(rows: list[tuple[str, bool, bool]]) -> None:
    images = pd.DataFrame(rows, columns=["landmark_id", "kept", "wanted"])
    there = score_keeping(images, ["landmark_id"])
    back = score_keeping(images.rename(columns={"kept": "wanted", "wanted": "kept"}), ["landmark_id"])
    for one, other in (("precision", "recall"), ("f1", "f1"), ("kept_ratio", "wanted_ratio"), ("right", "right")):
        np.testing.assert_array_equal(there[one], back[other])
        np.testing.assert_array_equal(there[other], back[one])


@given(flags)
def test_f1_is_the_harmonic_mean(rows: list[tuple[str, bool, bool]]) -> None:
    images = pd.DataFrame(rows, columns=["landmark_id", "kept", "wanted"])
    found = score_keeping(images[images.kept | images.wanted], ["landmark_id"])
    total = found.precision + found.recall
    harmonic = (2 * found.precision * found.recall / total).where(total > 0, 0.0)
    np.testing.assert_allclose(found.f1, harmonic)


# Boxes


def test_intersection_over_union() -> None:
    pairs = [
        (SQUARE, SQUARE, 1.0),
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
        ((0, 0, 1, 1), (1, 0, 2, 1), 0.0),  # half-open boxes that touch do not meet
        ((0, 0, 1, 1), (5, 5, 6, 6), 0.0),
        ((0, 0, 4, 4), (1, 1, 3, 2), 1 / 8),
        ((3, 3, 3, 3), (3, 3, 3, 3), 0.0),
    ]
    a, b, expected = (np.array(column, np.float64) for column in zip(*pairs, strict=True))
    np.testing.assert_allclose(intersection_over_union(a, b), expected)
    np.testing.assert_allclose(intersection_over_union(b, a), expected)


def test_boxes_are_compared_on_the_same_bytes_alone() -> None:
    images = images_of(
        Image("a1", kept=True, bytes="p", box=SQUARE),
        Image("a2", kept=True, bytes="q", box=SQUARE),
        Image("a3", kept=True, bytes="other", box=SQUARE),
        Image("a4", bytes="s"),
        Image("a5", bytes=None),
        Image("a6", kept=True, bytes="u", box=SQUARE),
        Image("a7", kept=True, bytes="v", box=SQUARE),
        Image("a8", kept=True, bytes="w", box=SQUARE, orientation=6),
    )
    reference = by_url(
        ("a1", "p", (0, 0, 5, 10)),  # exactly a half is not above it
        ("a2", "q", SQUARE),
        ("a3", "r", SQUARE),
        ("a4", "s", SQUARE),
        ("a5", "t", SQUARE),
        ("a6", "u"),
        ("a7", None, SQUARE),
        ("a8", "w", SQUARE),
    )
    boxes = compare(images, reference).boxes
    assert (boxes.promised, boxes.unread, boxes.other_bytes, boxes.not_kept, boxes.turned) == (6, 1, 1, 1, 1)
    assert boxes.ious.tolist() == [0.5, 1.0]
    assert (boxes.mean_iou, boxes.iou_above_half) == (0.75, 0.5)


def test_without_boxes_there_is_no_mean() -> None:
    boxes = compare(LIST, by_url(*WANTED)).boxes
    assert boxes.promised == 0
    assert np.isnan([boxes.mean_iou, boxes.iou_above_half]).all()


def _boxed(count: int) -> pd.DataFrame:
    """Images of 100 by 50 pixels, with boxes as wide."""
    return images_of(*(Image(f"a{n}", kept=True, box=(0, 0, 100, 50)) for n in range(count)))


@pytest.mark.parametrize("wrong", [(0, 0, 50, 100), (0, 0, 101, 50), (-1, 0, 100, 50), (10, 0, 10, 50)])
def test_boxes_that_reach_out_of_their_images_are_refused(wrong: tuple[int, ...]) -> None:
    reference = by_url(*((f"a{n}", "x", wrong) for n in range(3)))
    with pytest.raises(InputError, match=r"3 of 3 boxes .* 'http://h/a0', 100 by 50 pixels; expected .* x1 x2 y1 y2"):
        compare(_boxed(3), reference)


@pytest.mark.parametrize(("wrong", "refused"), [(1, False), (2, False), (3, True)])
def test_nearly_all_boxes_must_lie_in_their_images(wrong: int, refused: bool) -> None:
    boxes = [(0, 0, 50, 100)] * wrong + [(0, 0, 100, 50)] * (200 - wrong)
    reference = by_url(*((f"a{n}", "x", box) for n, box in enumerate(boxes)))
    if refused:
        with pytest.raises(InputError, match="3 of 200 boxes"):
            compare(_boxed(200), reference)
    else:
        assert len(compare(_boxed(200), reference).boxes.ious) == 200


# All of it


def assert_same(one: Comparison, other: Comparison) -> None:
    pd.testing.assert_frame_equal(one.overall, other.overall)
    pd.testing.assert_frame_equal(one.classes, other.classes)
    assert one.boxes.ious.tobytes() == other.boxes.ious.tobytes()
    rest = [
        {name: value for name, value in vars(found).items() if name not in ("overall", "classes", "boxes")}
        | {name: value for name, value in vars(found.boxes).items() if name != "ious"}
        for found in (one, other)
    ]
    assert rest[0] == rest[1]


@st.composite
def versions(draw: st.DrawFn) -> tuple[pd.DataFrame, Reference]:
    images, wanted = [], [("a0", "p", SQUARE)]
    edges = st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(10, 50), st.integers(10, 50))
    for number in range(draw(st.integers(1, 12))):
        name = f"{draw(st.sampled_from('ab')) if number else 'a'}{number}"
        content = draw(st.sampled_from(["p", "q", None]))
        kept = content is not None and draw(st.booleans())
        box = draw(edges) if kept else NONE
        overlaps, orientation = not kept and draw(st.booleans()), draw(st.sampled_from([1, 8]))
        images.append(Image(name, kept, content, box, overlaps, orientation=orientation))
        for _ in range(draw(st.integers(0, 2))):
            wanted.append((name, draw(st.sampled_from(["p", "q", None])), draw(edges)))
    return images_of(*images), by_url(*wanted)


@given(versions(), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(made: tuple[pd.DataFrame, Reference], random: Any) -> None:
    images, reference = made

    def shuffled(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.iloc[random.sample(range(len(rows)), len(rows))].reset_index(drop=True)

    other = Reference(reference.files, reference.joined_by, shuffled(reference.rows))
    assert_same(compare(images, reference), compare(shuffled(images), other))


@given(versions())
def test_the_states_of_promised_boxes_add_up(made: tuple[pd.DataFrame, Reference]) -> None:
    boxes = compare(*made).boxes
    assert boxes.unread + boxes.other_bytes + boxes.not_kept + boxes.turned + len(boxes.ious) == boxes.promised
    assert ((boxes.ious >= 0) & (boxes.ious <= 1)).all()


# The demo's list, with every seventh verdict turned


@pytest.fixture
def tables() -> Callable[[list[Truth]], dict[str, pa.Table]]:
    """The tables of a version that errs on every seventh row, and moves its boxes by the number of the row."""

    def make(truth: list[Truth]) -> dict[str, pa.Table]:
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in ("sources", "verdicts", "images", "boxes")}
        for true in truth:
            who = {"image_id": true.image_id, "landmark_id": true.landmark_id}
            kept = true.kept != (true.row % 7 == 0 and true.reasons != ("duplicate-row",))
            reason = "kept" if kept else "no-match" if true.kept else true.reasons[0]
            stage = "publish" if kept else "overlap" if reason.startswith("test-") else "cluster"
            verdict = {"verdict": "kept" if kept else "dropped", "stage": stage, "reason": reason, "evidence": "{}"}
            rows["sources"].append({"row": true.row, "url": f"http://h/{true.image_id}", **who})
            rows["verdicts"].append({"row": true.row, **who, **verdict})
            if kept:
                facts = {"md5": "0" * 32, "width": 1000, "height": 1000, "orientation": 1}
                moved = (0, 0, 100, 100 + true.row)
                rows["images"].append({**who, **facts})
                rows["boxes"].append({"image_id": true.image_id, **dict(zip(BOX, moved, strict=True))})
        schemas = {spec.name: spec.schema for spec in (SOURCES, VERDICTS, IMAGES, BOXES)}
        return {
            name: pa.Table.from_pylist(found, pa.schema([field.with_nullable(True) for field in schemas[name]]))
            for name, found in rows.items()
        }

    return make


def test_agrees_with_the_score_of_the_demo(tables: Any) -> None:
    truth = [
        Truth(row, entry.image_id, entry.landmark_id, entry.kept, entry.reasons, box=(0, 0, 100, 100))
        for row, entry in enumerate(entries())
    ]
    version = tables(truth)
    expected = score(version["verdicts"], version["boxes"], truth)
    kept = [(true.image_id, true.landmark_id) for true in truth if true.kept]
    reference = pd.DataFrame(
        [(f"http://h/{image}", landmark, "0" * 32, 0, 0, 100, 100) for image, landmark in kept],
        columns=["url", "landmark_id", "md5", *BOX],
    )
    tables_read = {name: table.to_pandas() for name, table in version.items()}
    found = compare(judged_images(**tables_read), Reference("clean.txt", "url", reference))

    names = ["wanted", "kept", "right", "precision", "recall", "f1"]
    for name, agreement in (("overall", expected.overall), *expected.classes.items()):
        row = found.overall.loc[ALL] if name == "overall" else found.classes.loc[(name, ALL)]
        assert row[names].to_list() == pytest.approx([getattr(agreement, column) for column in names]), name
    assert 0.5 < expected.overall.f1 < 1
    assert found.boxes.ious.tolist() == pytest.approx(sorted(expected.ious))
    repeated, overlapping = 1, found.overlapping
    assert found.overall.rows[ALL] == expected.overall.rows - repeated - overlapping
    assert overlapping > 0
