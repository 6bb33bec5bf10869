"""What a root knows of a list: addresses with an outcome, and pictures to measure on."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from storage.errors import DamagedTableError
from storage.heads import SPARE_IMAGES, SPARE_LOG, Journal, read_head, shard_folder
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DROPS, FETCH_LOG, IMAGES
from storage.versions import check_name

_LOG, _IMAGES = ["image_id", "url"], ["image_id", "landmark_id", "path"]


@dataclass(frozen=True)
class PriorOutcomes:
    """Addresses that were asked for, `log` (image_id, url), and what they brought, `images`."""

    log: pa.Table
    images: pa.Table


NOTHING = PriorOutcomes(FETCH_LOG.schema.empty_table().select(_LOG), IMAGES.schema.empty_table().select(_IMAGES))


def read_prior_outcomes(root: Root, name: str) -> PriorOutcomes:
    """Returns what is known of the addresses of a dataset, from all runs, one that was interrupted included.

    Raises:
        InputError: the name can't be one.
    """
    check_name(name)
    shards = root.names(shard_folder(name, ""))
    parts = [NOTHING, *(part for shard in shards for part in _read_shard(root, shard_folder(name, shard)))]
    return PriorOutcomes(pa.concat_tables(part.log for part in parts), pa.concat_tables(part.images for part in parts))


def without_outcome(addresses: pa.ChunkedArray, known: PriorOutcomes) -> tuple[pa.ChunkedArray, int, int]:
    """Lists the addresses without an outcome yet; of the others, counts those with an image and those without."""
    fetched = _are_fetched(addresses, known)
    asked = pc.is_in(addresses, value_set=known.log["url"].combine_chunks())
    count, total = (pc.sum(found).as_py() or 0 for found in (fetched, asked))
    return addresses.filter(pc.invert(asked)), count, total - count


def without_image(addresses: pa.ChunkedArray, known: PriorOutcomes) -> pa.ChunkedArray:
    """Returns the addresses that no image was fetched from."""
    return addresses.filter(pc.invert(_are_fetched(addresses, known)))


def _are_fetched(addresses: pa.ChunkedArray, known: PriorOutcomes) -> pa.ChunkedArray:
    readable = pc.is_in(known.log["image_id"], value_set=known.images["image_id"].combine_chunks())
    return pc.is_in(addresses, value_set=known.log.filter(readable)["url"].combine_chunks())


def _read_shard(root: Root, folder: str) -> list[PriorOutcomes]:
    """The newest outcome of a shard, and what interrupted runs wrote down since; nothing of what is damaged."""
    known = []
    if head := read_head(root, folder):
        try:
            for of_log, of_images in ((FETCH_LOG.name, IMAGES.name), (SPARE_LOG, SPARE_IMAGES)):
                if of_log in head.tables:  # the second pair is not in a root of long ago
                    log = read_table(root, head.tables[of_log], _LOG)
                    known.append(PriorOutcomes(log, read_table(root, head.tables[of_images], _IMAGES)))
        except DamagedTableError:
            pass  # it will be worked out anew
    for name in root.names(folder):
        if name != "head.json":
            journal = Journal(root, f"{folder}/{name}", (IMAGES, DROPS, FETCH_LOG))
            known.append(PriorOutcomes(journal.read(FETCH_LOG).select(_LOG), journal.read(IMAGES).select(_IMAGES)))
    return known
