"""The claim: no copy and no landmark of a test set gets by, and nothing else is taken for one.

Every test photograph is hidden among real search results as a dozen copies, weak and strong; the candidates are to find
each by its photograph and to leave all other images alone. imagededup's pHash and dHash see the same files. Needs the
photographs that developers have beside the repository (`SHARED_DATA`), and `python -m bench peers`.
"""

from collections.abc import Iterator
from time import process_time
from typing import Any, NamedTuple

import cv2
import pandas as pd

from bench.harness.collection import Collection, Photograph, describe, one_native_thread
from bench.harness.peers import interpreter
from bench.harness.result import Comparison, Figure, Result
from bench.harness.surroundings import SHARED_DATA
from bench.leaks.copies import COLLAGE, TRANSFORMATIONS, collage
from bench.pictures.hashes import Hashes, hash_pictures
from demo.views import Pixels
from storage.reasons import Reason
from storage.tables.overlap import OVERLAPS
from tasks.acquire.decode import decode
from tasks.match.settings import MatchSettings
from tasks.overlap.expansion import expand
from tasks.overlap.landmarks import dropped_images
from tasks.overlap.pairs import Comparisons, SignedTests, compare_image
from tasks.overlap.settings import OverlapSettings
from tasks.overlap.testsets import read_test_set

_TEST_SETS = ("holidays", "oxford5k", "paris6k")
_QUICK = 8  # test photographs, and search results of each class
SHOWN = "eiffel_tower"  # the class that shows what a test set does
_ANOTHER_SIDE = ("003", "013", "017")  # of its photographs, those from the tower's foot: no test photograph is
_HARD = ("cropped to 30 % of the area", COLLAGE)
_TARGETS: dict[str, tuple[Comparison, float]] = {
    "worst_copy_recall": (">=", 0.99),
    "worst_hard_copy_recall": (">=", 0.90),
    "false_drops": ("==", 0),
    "false_class_drops": ("==", 0),
    "shown_class_drops": ("==", 1),
    "same_side_found": (">=", 0.9),
    "others_if_of_its_class": ("==", 0),
    "oxford_paris_pairs": ("==", 0),
}


class Planted(NamedTuple):
    """A copy of a test photograph: which, by its position, how it was made, and as a file of a list."""

    position: int
    transformation: str
    photograph: Photograph


def measure(quick: bool) -> Result:
    """Plants, looks, judges; then compares the test sets with each other, and lets the hashes look."""
    beside = interpreter("imagededup")
    with one_native_thread():
        tests, contents = sign(quick)
        results = search_results(quick)
        planted = list(plant(contents, sorted({one.landmark_id for one in results} - {SHOWN})))
        collection = describe([*results, *(copy.photograph for copy in planted)], masked=False)
        begun = process_time()
        overlaps, compared = find(collection, tests)
        seconds = process_time() - begun
        judged = _judge(describe(results), overlaps)
        crossed = _cross(tests)
    others = [one.content for one in results if one.landmark_id != SHOWN]
    copies = [copy.photograph.content for copy in planted]
    hashes = hash_pictures(beside, {"tests": contents, "others": others, "copies": copies})
    recall = _recall(overlaps, planted, tests, hashes)
    print("", recall.to_string(float_format="{:.3f}".format), sep="\n", flush=True)
    figures: dict[str, Figure] = {
        "test_photographs": len(tests.photographs),
        "copies": len(planted),
        "search_results": len(results),
        "worst_copy_recall": recall.drop(list(_HARD)).found.min(),
        "worst_hard_copy_recall": recall.loc[list(_HARD)].found.min(),
        **judged,
        "oxford_paris_pairs": crossed,
        "pairs_per_image": compared / len(collection.members),
        "ms_per_image": 1000 * seconds / len(collection.members),
        **{f"false_drops_{name}": int(bits.near("others", "tests").any(1).sum()) for name, bits in hashes.items()},
    }
    return Result(figures, _TARGETS)


def find(collection: Collection, tests: SignedTests) -> tuple[pd.DataFrame, int]:
    """What the stage `overlap` finds, and how many pairs were compared for it."""
    counts = Comparisons([photograph["test_set"] for photograph in tests.photographs])
    rows = [
        row
        for image, features in zip(collection.members, collection.features, strict=True)
        for row in compare_image(image, features, tests, counts, OverlapSettings(), MatchSettings())
    ]
    return pd.DataFrame(rows, columns=OVERLAPS.schema.names), counts.compared.total()


def sign(quick: bool) -> tuple[SignedTests, list[bytes]]:
    """The test photographs, as the stage `signature` describes them, and their files."""
    photographs, found = list[dict[str, Any]](), list[Photograph]()
    for name in _TEST_SETS:
        test_set = read_test_set(name, SHARED_DATA / "testsets" / name)
        for path, site, role in test_set.photographs:
            content = (test_set.folder / path).read_bytes()
            found.append(Photograph(f"{name} {path}", name, content))
            photographs.append({"test_set": name, "test_image": path, "site": site, "role": role})
    step = len(found) // _QUICK if quick else 1
    found, photographs = found[::step], photographs[::step]
    described = describe(found, masked=False)
    for photograph, image in zip(photographs, described.members, strict=True):
        photograph |= {"width": image["width"], "height": image["height"]}
    return SignedTests(photographs, described.features), [photograph.content for photograph in found]


def search_results(quick: bool) -> list[Photograph]:
    files = sorted((SHARED_DATA / "landmarks").glob("*/*"), key=lambda file: file.stem)
    if quick:
        number = pd.Series([file.parent.name for file in files]).groupby(lambda position: files[position].parent.name)
        files = [file for file, rank in zip(files, number.cumcount(), strict=True) if rank < _QUICK]
    return [Photograph(f"{file.parent.name} {file.stem}", file.parent.name, file.read_bytes()) for file in files]


def plant(contents: list[bytes], classes: list[str]) -> Iterator[Planted]:
    """All copies of a test photograph go to one class, the next one's to the next class."""
    pictures = [decode(content) for content in contents]
    for position, pixels in enumerate(pictures):
        others = [pictures[(position + step) % len(pictures)] for step in (1, 2, 3)]
        made = {name: _encode(change(pixels), quality) for name, (change, quality) in TRANSFORMATIONS.items()}
        made[COLLAGE] = _encode(collage(pixels, others), 90)
        for number, (name, content) in enumerate(made.items()):
            image_id = f"copy {position:03} {number:02}"
            yield Planted(position, name, Photograph(image_id, classes[position % len(classes)], content))


def _encode(pixels: Pixels, quality: int) -> bytes:
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def _judge(results: Collection, overlaps: pd.DataFrame) -> dict[str, Figure]:
    """What the stage `expand` finds besides and drops, of the search results alone: copies would hide false alarms.

    All of them also count as if they were of the class that shows a test landmark: none of another may be drawn in.
    """
    images, settings = pd.DataFrame(results.members), OverlapSettings()
    pictures = {image["sha256"]: own for image, own in zip(results.members, results.features, strict=True)}
    direct, classes = overlaps[overlaps.image_id.isin(images.image_id)], images.set_index("image_id").landmark_id
    through, mixed = (
        pd.DataFrame(expand(members, pictures, own, settings, MatchSettings()).rows, columns=OVERLAPS.schema.names)
        for members, own in ((images, direct), (images.assign(landmark_id=SHOWN), direct.assign(landmark_id=SHOWN)))
    )
    found = pd.concat([direct, through])
    dropped = dropped_images(images, found, settings).merge(images, on="image_id")
    dropped_classes = set(dropped[dropped.reason == Reason.TEST_LANDMARK_CLASS].landmark_id)
    first, second = (set(part[part.landmark_id == SHOWN].image_id) for part in (direct, through))
    same_side = [name for name in classes.index[classes == SHOWN] if not name.endswith(_ANOTHER_SIDE)]
    print(f"of {SHOWN} found: {', '.join(sorted(first))}; through these: {', '.join(sorted(second))}", flush=True)
    return {
        "false_drops": int((dropped.landmark_id != SHOWN).sum()),
        "false_class_drops": len(dropped_classes - {SHOWN}),
        "shown_class_drops": len(dropped_classes & {SHOWN}),
        "shown_found_directly": len(first),
        "shown_found_through": len(second),
        "same_side_found": len((first | second).intersection(same_side)) / len(same_side) if same_side else None,
        "others_if_of_its_class": int((classes[mixed.image_id.unique()] != SHOWN).sum()),
    }


def _cross(tests: SignedTests) -> int:
    """Verified pairs between photographs of Oxford and of Paris."""
    both = {name: _part(tests, name) for name in ("oxford5k", "paris6k")}
    return sum(
        _pairs(both[asking], both[asked]) for asking, asked in (("oxford5k", "paris6k"), ("paris6k", "oxford5k"))
    )


def _part(tests: SignedTests, name: str) -> SignedTests:
    indices = [position for position, photograph in enumerate(tests.photographs) if photograph["test_set"] == name]
    return SignedTests([tests.photographs[p] for p in indices], [tests.features[p] for p in indices])


def _pairs(asking: SignedTests, asked: SignedTests) -> int:
    members = [
        {**photograph, "image_id": name, "landmark_id": photograph["site"], "sha256": name}
        for photograph in asking.photographs
        for name in [photograph["test_image"]]
    ]
    return len(find(Collection(members, list(asking.features)), asked)[0])


def _recall(
    overlaps: pd.DataFrame, planted: list[Planted], tests: SignedTests, hashes: dict[str, Hashes]
) -> pd.DataFrame:
    """By transformation, the share of copies that are found by their photograph, and that a hash finds so."""
    near = {method: bits.near("copies", "tests") for method, bits in hashes.items()}
    kinds = overlaps.set_index(["image_id", "test_set", "test_image"]).kind
    rows = []
    for number, (position, transformation, photograph) in enumerate(planted):
        original = tests.photographs[position]
        kind = kinds.get((photograph.image_id, original["test_set"], original["test_image"]))
        row = {"transformation": transformation, "found": kind is not None, "as a copy": kind == "copy"}
        rows.append({**row, **{method: found[number, position] for method, found in near.items()}})
    return pd.DataFrame(rows).groupby("transformation", sort=False).mean()
