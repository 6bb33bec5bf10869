"""How long the stages of a curation will take, by typical costs: what a terminal says is left while it runs."""

import pyarrow as pa

from flows.planning.sample import Costs
from flows.planning.stage_costs import Photographs, list_works
from flows.settings import CurateSettings
from tasks.acquire.estimate import class_sizes, different_images, fetch_seconds, hosts_of

_TYPICAL = Costs(
    pictures=0,
    inspect=0.004,
    look=0.02,
    describe=0.14,
    mask=0.004,
    propose=0.003,
    verify=0.005,
    illustrate=0.006,
    keypoints=1000.0,
)
"""Of one core, on photographs of 1,024 pixels; `cairn plan` measures them instead."""

_PHOTOGRAPHS = 5000  # of a test set, about as many as the Oxford set has


def forecast(
    listed: pa.Table, new: pa.ChunkedArray, is_folder: bool, test_sets: int, settings: CurateSettings, workers: int
) -> dict[str, float]:
    """Returns seconds that stages will take, by stage: of what is new of a list, as if every address gave an image.

    Args:
        listed: table `sources`. new: those of its addresses that have no outcome yet. test_sets: how many.
        workers: tasks at once.
    """
    images = different_images(listed)
    share = len(new) / max(images.num_rows, 1)
    sizes = class_sizes(images)
    large = sizes[sizes >= settings.select.min_class_size]
    works, _ = list_works(len(new), large, Photographs(_PHOTOGRAPHS * test_sets), _TYPICAL, settings)
    seconds = {work.stage: work.seconds * share / workers for work in works}
    hosts = [] if is_folder else hosts_of(new)
    seconds["acquire"] = max(seconds["acquire"], fetch_seconds(hosts, settings.polite))
    return seconds
