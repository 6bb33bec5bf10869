"""What stands in the list: per class its landmark, its noise, its dead addresses, and the fate of each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from demo.catalogue import PHOTOS
from demo.surroundings import SCENES, TURNS, Surroundings

# Every way an address fails, and the reason codes that tell it rightly. Some faults show in two honest ways.
FAULTS = {
    "missing": ("http-error",),  # 404
    "gone": ("http-error",),  # 410
    "failing": ("http-error",),  # 500, every time
    "refused": ("connection-failed",),
    "unknown-host": ("unknown-host",),
    "malformed": ("invalid-url",),
    "unspecified": ("blocked-address", "connection-failed"),  # http://0.0.0.0:1/…
    "stalled": ("timeout",),
    "loop": ("redirect-limit",),
    "cut": ("truncated-image", "truncated-body"),  # half a JPEG under the length of that half
    "short": ("truncated-body",),  # the length promises more than comes
    "oversized": ("too-large", "truncated-body"),  # promises 50 GB
    "html": ("not-an-image",),
    "garbage": ("broken-image", "not-an-image"),  # a JPEG header, then noise
    "bomb": ("too-many-pixels",),
    "tiny": ("too-small",),
    "placeholder": ("placeholder",),
}
OTHER_SUBJECT = ("no-match", "smaller-group")
TEST_COPY = ("test-copy", "test-landmark")
CLASS_GONE = ("test-landmark-class", "class-too-small", "small-group")

# The test set: file stem → photograph. The part before the number is the site.
TEST_SET = {
    "sacre_coeur_000001": "sacre_coeur",
    "motorcycle_000001": "motorcycle_left",
    "hubble_000001": "hubble",
    "coins_000001": "coins",
    "camera_000001": "camera",
    "retina_000001": "retina",
}


@dataclass(frozen=True)
class Picture:
    """A picture to make: `look` is "shipped", "re-shot", "cropped", "resized", "re-encoded" or "mirrored"."""

    photo: str
    look: str
    name: str  # seeds the recipe and names the file
    surroundings: Surroundings | None = None  # what stands around the landmark instead of its own; None: its own

    @property
    def pixels(self) -> str:
        """`real` for a photograph as shipped (at most reduced), `re-shot` for a view made from one."""
        return "real" if self.look == "shipped" else "re-shot"


@dataclass(frozen=True)
class Entry:
    """One line of the list and its truth. `reasons` are the codes accepted when the line is dropped."""

    image_id: str
    landmark_id: str
    behaviour: str  # of the address: a fault, or "fine", "slow", "redirect", "heals"
    picture: Picture | None
    kept: bool
    reasons: tuple[str, ...]
    view_group: str
    test_overlap: bool = False  # shows a landmark of the test set, or copies one of its photographs


@dataclass(frozen=True)
class Landmark:
    """The make-up of one class. A photograph named twice is re-shot twice.

    `core` pairs photographs of the landmark with the number of re-shots each gets beside itself. `rivals` are
    (view group, photograph, shown as shipped, number of re-shots): other views or look-alikes that must lose.
    `carriers` are behaviours that core pictures arrive by; `duplicates` counts copies at another address.
    """

    name: str
    core: tuple[tuple[str, int], ...]
    faults: tuple[str, ...]
    noise: tuple[str, ...]
    copies: tuple[tuple[str, str], ...] = ()
    rivals: tuple[tuple[str, str, bool, int], ...] = ()
    carriers: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()  # noise whose very bytes stand in another class too
    duplicates: int = 0
    in_test_set: bool = False


# fmt: off
LANDMARKS = (
    Landmark("notre_dame", (("notre_dame", 2), ("notre_dame_rain", 3), ("notre_dame_above", 3)),
             ("missing", "missing", "html", "placeholder", "stalled"), ("coffee", "coffee", "moon"),
             copies=(("sacre_coeur", "cropped"),), rivals=(("chartres", "chartres", False, 4),),
             carriers=("slow", "redirect"), duplicates=1),
    Landmark("st_peters", (("st_peters", 10), ("st_peters_obelisk", 0)),
             ("missing", "gone", "refused", "placeholder"), ("astronaut", "grass"),
             copies=(("sacre_coeur", "mirrored"),), shared=("coffee",), carriers=("slow", "heals"),
             rivals=(("sistine", "sistine_creation", True, 1), ("sistine", "sistine_ceiling", True, 1))),
    Landmark("grand_central", (("grand_central", 11),),
             ("missing", "missing", "unknown-host", "loop", "short"), ("chelsea", "chelsea", "brick"),
             copies=(("hubble", "cropped"),), carriers=("redirect", "slow"),
             rivals=(("grand_central_clock", "grand_central_clock", True, 3),)),
    Landmark("summer_palace", (("summer_palace", 12),),
             ("missing", "cut", "placeholder", "malformed"),
             ("flower", "flower", "ihc", "gravel", "astronaut"),
             copies=(("camera", "cropped"),), carriers=("redirect",), duplicates=1),
    Landmark("kiosk", (("kiosk", 11),),
             ("missing", "tiny", "placeholder", "placeholder", "unspecified", "html"),
             ("satellite", "satellite", "moon"),
             copies=(("coins", "re-encoded"), ("motorcycle_right", "shipped")), shared=("coffee",),
             rivals=(("kiosk_thermal", "kiosk_thermal", True, 0),), carriers=("slow",)),
    Landmark("chartres", (("chartres", 10),),
             ("missing", "garbage", "oversized", "placeholder", "failing", "stalled"),
             ("astronaut", "astronaut", "gravel", "ihc", "brick"),
             copies=(("retina", "mirrored"),), carriers=("redirect", "slow")),
    Landmark("rocket", (("launch_pad", 12),),
             ("missing", "missing", "gone", "bomb", "refused"),
             ("flower", "chelsea", "coffee", "grass", "grass", "ihc"),
             copies=(("hubble", "resized"), ("motorcycle_left", "resized")), carriers=("redirect",)),
    Landmark("sacre_coeur", (("sacre_coeur_terrace", 11),),
             ("missing", "missing", "gone", "unknown-host", "placeholder", "html"),
             ("satellite", "brick", "moon", "chelsea", "chelsea"),
             copies=(("sacre_coeur", "re-encoded"),), in_test_set=True),
)
# fmt: on


def entries() -> list[Entry]:
    """Every line of the list, in its order; ids are `LANDMARK-NN` and depend on nothing but this plan."""
    lines = _surround([entry for landmark in LANDMARKS for entry in _class(landmark)])
    repeated = next(entry for entry in lines if entry.kept and entry.landmark_id == "rocket")
    lonely = Entry(
        "lonely-01",
        "lonely",
        "fine",
        Picture("flower", "shipped", "lonely-flower"),
        False,
        ("class-too-small",),
        "flower",
    )
    return [*lines, lonely, replace(repeated, kept=False, reasons=("duplicate-row",))]


def _surround(lines: list[Entry]) -> list[Entry]:
    """The lines, with other surroundings for each re-shot view of a landmark that has any.

    Views are not to match by their surroundings. No two of a class have the same scene held alike, nor do three in
    all, from which on it would be masked as an overlay; no scene is upright, as the noise of other classes has it.
    """
    noise = {landmark.name: {*landmark.noise, *landmark.shared} for landmark in LANDMARKS}
    taken, chosen = Counter[str](), dict[Picture, Surroundings]()
    for line in lines:
        picture = line.picture
        if picture and picture.look == "re-shot" and PHOTOS[picture.photo].has_surroundings and picture not in chosen:
            scene = min((scene for scene in SCENES if scene not in noise[line.landmark_id]), key=lambda s: taken[s])
            chosen[picture] = Surroundings(scene, 1 + taken[scene] % (TURNS - 1))
            taken[scene] += 1
    return [
        replace(line, picture=replace(line.picture, surroundings=chosen.get(line.picture))) if line.picture else line
        for line in lines
    ]


def _class(landmark: Landmark) -> list[Entry]:
    core = list(_core(landmark))
    made = [*core, *_rivals(landmark), *_noise(landmark), *_copies(landmark), *_faults(landmark)]
    Random(landmark.name).shuffle(made)
    # Exact copies come last: the first line with some bytes is the one that stays.
    originals = [entry for entry in made if entry.kept and entry.behaviour == "fine"][: landmark.duplicates]
    made += [replace(entry, kept=False, reasons=("duplicate-image",)) for entry in originals]
    return [replace(entry, image_id=f"{landmark.name}-{n:02d}") for n, entry in enumerate(made, 1)]


def _core(landmark: Landmark) -> Iterator[Entry]:
    pictures = [
        picture for photo, count in landmark.core for picture in _pictures(landmark.name, photo, count, shipped=True)
    ]
    behaviours = ["fine"] * (len(pictures) - len(landmark.carriers)) + list(landmark.carriers)
    reasons = ("test-landmark", *CLASS_GONE) if landmark.in_test_set else ("kept",)
    for picture, behaviour in zip(pictures, behaviours, strict=True):
        yield Entry(
            "",
            landmark.name,
            behaviour,
            picture,
            not landmark.in_test_set,
            reasons,
            landmark.name,
            landmark.in_test_set,
        )


def _rivals(landmark: Landmark) -> Iterator[Entry]:
    for group, photo, shipped, count in landmark.rivals:
        # A look-alike that has a class of its own may also be told as shared between the two classes.
        known = any(other.name == group for other in LANDMARKS)
        reasons = (*OTHER_SUBJECT, "ambiguous-class") if known else OTHER_SUBJECT
        for picture in _pictures(landmark.name, photo, count, shipped):
            yield Entry("", landmark.name, "fine", picture, False, reasons, group)


def _noise(landmark: Landmark) -> Iterator[Entry]:
    reasons = (*OTHER_SUBJECT, *CLASS_GONE) if landmark.in_test_set else OTHER_SUBJECT
    for n, photo in enumerate(landmark.noise, 1):
        picture = Picture(photo, "re-shot", f"{landmark.name}-{photo}-{n}")
        yield Entry("", landmark.name, "fine", picture, False, reasons, photo)
    for photo in landmark.shared:
        picture = Picture(photo, "re-shot", f"shared-{photo}")
        yield Entry("", landmark.name, "fine", picture, False, ("ambiguous-class",), photo)


def _copies(landmark: Landmark) -> Iterator[Entry]:
    reasons = (*TEST_COPY, *CLASS_GONE) if landmark.in_test_set else TEST_COPY
    for photo, look in landmark.copies:
        picture = Picture(photo, look, f"{landmark.name}-{photo}-{look}")
        yield Entry("", landmark.name, "fine", picture, False, reasons, photo, test_overlap=True)


def _faults(landmark: Landmark) -> Iterator[Entry]:
    for n, fault in enumerate(landmark.faults, 1):
        broken = fault in ("cut", "short")  # these two break a good picture of the landmark
        picture = Picture(landmark.core[0][0], "re-shot", f"{landmark.name}-{fault}-{n}") if broken else None
        yield Entry("", landmark.name, fault, picture, False, FAULTS[fault], landmark.name if broken else "")


def _pictures(landmark: str, photo: str, count: int, shipped: bool) -> Iterator[Picture]:
    if shipped:
        yield Picture(photo, "shipped", f"{landmark}-{photo}")
    for n in range(1, count + 1):
        yield Picture(photo, "re-shot", f"{landmark}-{photo}-{n}")
