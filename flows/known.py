"""What the latest version of a dataset knows of a list: addresses with an outcome, and pictures to measure on."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from storage.root import Root
from storage.tables import FETCH_LOG, IMAGES
from storage.versions import check_name, latest_version, read_version_table


@dataclass(frozen=True)
class Known:
    """Addresses that were asked for, `log` (image_id, url), and what they brought, `images`."""

    log: pa.Table
    images: pa.Table


NOTHING = Known(FETCH_LOG.schema.empty_table(), IMAGES.schema.empty_table())


def read_known(root: Root, name: str) -> Known:
    """What the latest version of this name knows; nothing before the first.

    Raises:
        InputError: the name can't be one. DamagedTableError: the version is not what its manifest says.
    """
    check_name(name)
    version = latest_version(root, name)
    if version is None:
        return NOTHING
    log = read_version_table(root, version, "fetch_log", ["image_id", "url"])
    return Known(log, read_version_table(root, version, "images", ["image_id", "landmark_id", "path"]))


def without_known(addresses: pa.ChunkedArray, known: Known) -> tuple[pa.ChunkedArray, int, int]:
    """The addresses that have no outcome yet, and of how many others an image was fetched, and of how many none."""
    readable = pc.is_in(known.log["image_id"], value_set=known.images["image_id"].combine_chunks())
    fetched, asked = (
        pc.is_in(addresses, value_set=log["url"].combine_chunks()) for log in (known.log.filter(readable), known.log)
    )
    count, total = (pc.sum(found).as_py() or 0 for found in (fetched, asked))
    return addresses.filter(pc.invert(asked)), count, total - count
