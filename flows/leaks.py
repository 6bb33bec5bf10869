"""What `curate` and `certify` have in common: images are described and compared with the test sets."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from flows.overlays import recall_overlays
from flows.settings import LeakSettings, RememberSettings
from storage.tables.acquisition import ImagesRef, PassedOverRef
from storage.tables.features import TemplatesRef
from storage.versions import check_name
from tasks.contracts import StageRunner
from tasks.features.contracts import Packet
from tasks.features.known import KnownOverlays
from tasks.features.settings import FeatureSettings
from tasks.features.task import Extracted, FeatureInputs, MaskInputs, extract_features, join_overlays, mask_pictures
from tasks.match.task import learn_overlays, sample_pictures
from tasks.overlap.namesakes import Aliases, read_aliases
from tasks.overlap.signature import digest_test_set, is_signature
from tasks.overlap.task import (
    Compared,
    Expanded,
    ExpandInputs,
    OverlapInputs,
    OverlapStageSettings,
    SignatureInputs,
    Signed,
    expand_overlaps,
    find_overlaps,
    sign_test_set,
)
from tasks.publish.contracts import LeakEvidence, OverlapEvidence, PhotographFolders

STAGES = (
    *(extract_features, sign_test_set, find_overlaps, sample_pictures, learn_overlays, join_overlays),
    *(mask_pictures, expand_overlaps),
)
"""The stages that `find_leaks` runs."""


class TestSets(BaseModel):
    """Test sets that are known to be usable; all paths absolute."""

    model_config = ConfigDict(frozen=True)

    paths: dict[str, Path] = Field(description="folder of photographs, or signature, of each, by name")
    digests: dict[str, str] = Field(description="digest of what is there")
    aliases: Aliases = Field(description="by site, further spellings of its name")

    @property
    def inputs(self) -> dict[str, SignatureInputs]:
        """What the stage `signature` reads, by test set."""
        return {
            name: SignatureInputs(name=name, folder=path, digest=self.digests[name])
            for name, path in self.paths.items()
        }

    @property
    def photographs(self) -> PhotographFolders:
        """Where the photographs are of those sets that came with them, for drawings."""
        folders = {name: path for name, path in self.paths.items() if not is_signature(path)}
        return PhotographFolders(folders=folders, names=sorted(folders))


def check_test_sets(paths: Mapping[str, Path], features: FeatureSettings, aliases: Path | None = None) -> TestSets:
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
    """What images share with test sets, packet by packet.

    Attributes:
        packets: the images of each, described. overlaps: what its images have in common with test photographs.
        expanded: all that follows from it. templates: what overlays look like. overlays_changed: share of the sampled
        photographs that came, went or changed their class since that was learnt.
    """

    packets: dict[str, Packet]
    features: dict[str, Extracted]
    signatures: dict[str, Signed]
    overlaps: dict[str, Compared]
    expanded: dict[str, Expanded]
    templates: TemplatesRef
    overlays_changed: float

    @property
    def test_sets(self) -> dict[str, int]:
        """How many photographs each test set has."""
        return {name: signed.checked.photographs for name, signed in self.signatures.items()}

    @property
    def crashed_pictures(self) -> int:
        """How many pictures killed their detector."""
        return sum(features.crashed for features in self.features.values())

    def evidence(self, test_sets: TestSets, passed_over: Sequence[PassedOverRef]) -> LeakEvidence:
        """Returns what the certificate is made of.

        Args:
            passed_over: tables of files of the list, or of the folder, that were not compared.
        """
        return LeakEvidence(
            overlaps=[expanded.overlaps for expanded in self.expanded.values()],
            comparisons=[overlaps.comparisons for overlaps in self.overlaps.values()],
            expansions=[expanded.expansions for expanded in self.expanded.values()],
            signatures=[signed.signature for signed in self.signatures.values()],
            passed_over=[*passed_over, *(signed.passed_over for signed in self.signatures.values())],
            checked={name: signed.checked for name, signed in self.signatures.items()},
            aliases=dict(test_sets.aliases),
        )

    def drawing(self, packet: str, test_sets: TestSets) -> OverlapEvidence:
        """Returns what is drawn of a packet's overlaps."""
        return OverlapEvidence(overlaps=self.expanded[packet].overlaps, photographs=test_sets.photographs)


def find_leaks(
    runner: StageRunner,
    name: str,
    images: Mapping[str, ImagesRef],
    test_sets: TestSets,
    settings: LeakSettings,
    remember: RememberSettings,
    known: KnownOverlays | None = None,
) -> Leaks:
    """Compares images with test sets, and masks what lies over many of them.

    Args:
        name: of the dataset or folder, under which the root keeps what is known of each image.
        images: by packet; all of a class are in one.
        remember: how long stands what was learnt of overlays. known: overlays that were learnt elsewhere.
    """
    # Describe each picture once, and each photograph of a test set.
    pictures = {packet: FeatureInputs(images=ref, shard=f"{name}-{packet}") for packet, ref in images.items()}
    features = runner.each(extract_features, pictures, settings.features)
    signatures = runner.each(sign_test_set, test_sets.inputs, settings.features)

    # Compare each image with the photographs of all test sets.
    signed = [found.signature for found in signatures.values()]
    compared = {
        packet: OverlapInputs(
            images=ref, features=features[packet].features, signatures=signed, shard=f"{name}-{packet}"
        )
        for packet, ref in images.items()
    }
    verification = OverlapStageSettings(overlap=settings.overlap, match=settings.match)
    overlaps = runner.each(find_overlaps, compared, verification)

    # What photographs of unrelated classes have in common lies over them: mask it.
    overlays = recall_overlays(runner, name, images, features, settings, remember.overlays, known)
    packets = _mask(runner, images, features, overlays.templates, settings)

    # Look for what others of their class show of a test set, and judge images and classes.
    found = {name: ExpandInputs(packet=packet, overlaps=overlaps[name].overlaps) for name, packet in packets.items()}
    expanded = runner.each(expand_overlaps, found, verification)
    return Leaks(packets, features, signatures, overlaps, expanded, overlays.templates, overlays.changed)


def _mask(
    runner: StageRunner,
    images: Mapping[str, ImagesRef],
    features: Mapping[str, Extracted],
    templates: TemplatesRef,
    settings: LeakSettings,
) -> dict[str, Packet]:
    """The packets, described, with masks over what unrelated classes have in common."""
    unmasked = {
        name: MaskInputs(images=ref, features=features[name].features, templates=templates)
        for name, ref in images.items()
    }
    masks = runner.each(mask_pictures, unmasked, settings.overlays)
    return {
        name: Packet(images=ref, features=features[name].features, masks=masks[name].masks)
        for name, ref in images.items()
    }
