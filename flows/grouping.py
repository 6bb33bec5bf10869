"""Inside each class: which images show the same thing, which group of them is kept, and where the thing is."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from flows.leaks import Leaks
from flows.settings import CurateSettings
from storage.tables.acquisition import DropsRef
from tasks.boxes.task import Boxed, BoxInputs, estimate_boxes
from tasks.cluster.settings import Overrides
from tasks.cluster.task import Grouped, GroupInputs, PinInputs, check_pins, cluster_images, regroup_images
from tasks.contracts import StageRunner
from tasks.match.task import Matched, MatchInputs, match_pairs
from tasks.overlap.classes_task import ClassInputs, ClassStageSettings, GroupedPacket, Related, compare_classes

STAGES = (check_pins, match_pairs, cluster_images, compare_classes, regroup_images, estimate_boxes)
"""The stages that `find_groups` and `find_boxes` run."""


class Groups(NamedTuple):
    """The verified pairs inside classes, what classes show of each other, and the groups, packet by packet."""

    pairs: dict[str, Matched]
    related: Related
    groups: dict[str, Grouped]


def find_groups(
    runner: StageRunner,
    name: str,
    leaks: Leaks,
    dropped: Sequence[DropsRef],
    overrides: Overrides,
    settings: CurateSettings,
) -> Groups:
    """Matches the images of each class, keeps its largest or pinned group, and settles what several classes show.

    Args:
        name: of the dataset. dropped: all that is dropped by now. overrides: what a person decided instead.
    """
    runner.one(check_pins, PinInputs(pins=overrides.pin, drops=list(dropped)), None)
    inputs = {
        packet: MatchInputs(packet=described, drops=leaks.expanded[packet].drops, shard=f"{name}-{packet}")
        for packet, described in leaks.packets.items()
    }
    pairs = runner.each(match_pairs, inputs, settings.match)

    # Classes may show the same landmark: an image goes where most photographs match it. Group the rest anew.
    groups = runner.each(cluster_images, _inputs_of_groups(leaks, pairs, overrides, {}), settings.cluster)
    grouped = {
        name: GroupedPacket(described=packet, pairs=pairs[name].pairs, groups=groups[name].groups)
        for name, packet in leaks.packets.items()
    }
    verification = ClassStageSettings(classes=settings.classes, match=settings.match)
    classes = ClassInputs(packets=grouped, pins=overrides.pin, name=name, keep=tuple(sorted(overrides.keep)))
    related = runner.one(compare_classes, classes, verification)
    rest = _inputs_of_groups(leaks, pairs, overrides, related.drops)
    return Groups(pairs, related, runner.each(regroup_images, rest, settings.cluster))


def _inputs_of_groups(
    leaks: Leaks, pairs: Mapping[str, Matched], overrides: Overrides, reassigned: Mapping[str, DropsRef]
) -> dict[str, GroupInputs]:
    """What grouping reads, by packet; `reassigned` are the drops of images that another class shows, once known."""
    return {
        name: GroupInputs(
            images=packet.images,
            pairs=pairs[name].pairs,
            near_misses=pairs[name].near_misses,
            drops=[leaks.expanded[name].drops, *([reassigned[name]] if reassigned else [])],
            overrides=overrides.model_copy(update={"merge": {}}),  # the list is read by it already
        )
        for name, packet in leaks.packets.items()
    }


def find_boxes(runner: StageRunner, leaks: Leaks, found: Groups, settings: CurateSettings) -> dict[str, Boxed]:
    """Boxes what the kept images of each group have in common."""
    inputs = {
        name: BoxInputs(images=packet.images, pairs=found.pairs[name].pairs, groups=found.groups[name].groups)
        for name, packet in leaks.packets.items()
    }
    return runner.each(estimate_boxes, inputs, settings.boxes)
