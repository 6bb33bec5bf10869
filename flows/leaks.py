"""What `curate` and `certify` have in common: images are described and compared with the test sets."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from flows.packets import gather, join, pick, tables
from flows.settings import LeakSettings
from storage.tables import TableRef
from storage.versions import check_name
from tasks.features.settings import FeatureSettings
from tasks.features.task import extract_features, mask_pictures
from tasks.match.task import OverlayStageSettings, learn_overlays
from tasks.orchestration import Inputs, Output, Road
from tasks.overlap.namesakes import Aliases, read_aliases
from tasks.overlap.signature import digest_test_set, is_signature
from tasks.overlap.task import OverlapStageSettings, expand_overlaps, find_overlaps, sign_test_set


class TestSets(BaseModel):
    """Test sets that are known to be usable; all paths absolute."""

    model_config = ConfigDict(frozen=True)

    paths: dict[str, Path] = Field(description="folder of photographs, or signature, of each, by name")
    digests: dict[str, str] = Field(description="digest of what is there")
    aliases: Aliases = Field(description="by site, further spellings of its name")

    @property
    def inputs(self) -> dict[str, Inputs]:
        """What the stage `signature` reads, by test set."""
        return {
            name: {"name": name, "folder": str(path), "digest": self.digests[name]} for name, path in self.paths.items()
        }

    @property
    def photographs(self) -> Inputs:
        """Where the photographs are of those sets that came with them, and which these are, for drawings."""
        folders = {name: str(path) for name, path in self.paths.items() if not is_signature(path)}
        return {"folders": json.dumps(folders), "seen": json.dumps(sorted(folders))}


def ask_test_sets(paths: Mapping[str, Path], features: FeatureSettings, aliases: Path | None = None) -> TestSets:
    """Checks all that a user can get wrong about test sets.

    Raises:
        InputError: names the set or the file, and says what to do.
    """
    for name in paths:
        check_name(name)
    absolute = {name: path.absolute() for name, path in sorted(paths.items())}
    digests = {name: digest_test_set(name, path, features) for name, path in absolute.items()}
    return TestSets(paths=absolute, digests=digests, aliases=read_aliases(aliases.absolute() if aliases else None))


class Leaks(NamedTuple):
    """What the stages wrote: `described` has the `images`, `features` and `masks` of each packet.

    `direct` is what its images have in common with test photographs, `overlaps` all that follows from it.
    """

    described: dict[str, Inputs]
    features: dict[str, Output]
    signatures: dict[str, Output]
    direct: dict[str, Output]
    overlaps: dict[str, Output]

    @property
    def test_sets(self) -> dict[str, int]:
        """How many photographs each test set has."""
        return {name: output.counts["photographs"] for name, output in self.signatures.items()}

    @property
    def crashed_pictures(self) -> int:
        return sum(output.counts["crashed"] for output in self.features.values())

    def certified(self, test_sets: TestSets, also: Sequence[TableRef]) -> Inputs:
        """What the certificate is made of; `also` are the tables `passed_over` of what is compared."""
        checked = {
            name: {**output.counts, "signature": output.tables["signature"].digest}
            for name, output in self.signatures.items()
        }
        aliases: dict[str, Any] = dict(sorted(test_sets.aliases.items()))
        return {
            "overlaps": tables(self.overlaps, "overlaps"),
            "comparisons": tables(self.direct, "comparisons"),
            "expansions": tables(self.overlaps, "expansions"),
            "signatures": tables(self.signatures, "signature"),
            "passed_over": [*also, *tables(self.signatures, "passed_over")],
            "checked": json.dumps(checked),
            "aliases": json.dumps(aliases),
        }


def find_leaks(road: Road, images: Mapping[str, Inputs], test_sets: TestSets, settings: LeakSettings) -> Leaks:
    """Compares images with test sets, and masks what lies over many of them.

    Args:
        images: by packet, its `images`; all of a class are in one.
    """
    # Describe each picture once, and each photograph of a test set.
    features = road.each(extract_features, images, settings.features)
    signatures = road.each(sign_test_set, test_sets.inputs, settings.features)

    # Pass each image through both nets.
    described = join(images, pick(features, "features"))
    signed = {packet: {"signatures": tables(signatures, "signature")} for packet in images}
    verification = OverlapStageSettings(overlap=settings.overlap, match=settings.match)
    direct = road.each(find_overlaps, join(described, signed), verification)

    # What photographs of unrelated classes have in common lies over them: mask it.
    shared = gather(described, ("images", "features"))
    overlays = OverlayStageSettings(overlays=settings.overlays, match=settings.match)
    learnt = road.one(learn_overlays, shared, overlays)
    templates: dict[str, Inputs] = {packet: {"templates": learnt.tables["templates"]} for packet in images}
    masks = road.each(mask_pictures, join(described, templates), settings.overlays)
    described = join(described, pick(masks, "masks"))

    # Look for what others of their class show of a test set, and judge images and classes.
    overlaps = road.each(expand_overlaps, join(described, pick(direct, "overlaps")), verification)
    return Leaks(described, features, signatures, direct, overlaps)
