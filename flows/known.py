"""What the latest version of a dataset knows of a list: rows with an outcome, and pictures to measure on."""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from storage.root import Root
from storage.versions import check_name, latest_version, read_version_table


@dataclass(frozen=True)
class Known:
    """Outcomes of addresses, and readable images.

    Attributes:
        outcomes: image_id and url as one text, and `outcome`: `fetched`, or the reason of the failure.
        images: landmark_id, path and bytes.
    """

    outcomes: pa.Table
    images: pa.Table

    @property
    def mean_bytes(self) -> float | None:
        """Of an image; None where there is none."""
        return pc.mean(self.images["bytes"]).as_py()  # type: ignore[no-any-return]


NOTHING = Known(
    pa.table({"address": pa.array([], pa.string()), "outcome": pa.array([], pa.string())}),
    pa.table({"landmark_id": pa.array([], pa.string()), "path": pa.array([], pa.string()), "bytes": pa.array([])}),
)


def read_known(root: Root, name: str) -> Known:
    """What the latest version of this name knows; nothing before the first.

    Raises:
        InputError: the name can't be one. DamagedTableError: the version is not what its manifest says.
    """
    check_name(name)
    version = latest_version(root, name)
    if version is None:
        return NOTHING
    log = read_version_table(root, version, "fetch_log", ["image_id", "url", "outcome"])
    images = read_version_table(root, version, "images", ["landmark_id", "path", "bytes"])
    return Known(pa.table({"address": _address(log), "outcome": log["outcome"]}), images)


def without_known(images: pa.Table, known: Known) -> tuple[pa.Table, int, int]:
    """The images (image_id, url, …) that have no outcome yet, and how many of the others were fetched and failed."""
    fetched = pc.equal(known.outcomes["outcome"], "fetched")
    addresses = _address(images)
    found, failed = (
        pc.is_in(addresses, value_set=known.outcomes.filter(chosen)["address"].combine_chunks())
        for chosen in (fetched, pc.invert(fetched))
    )
    new = images.filter(pc.invert(pc.or_(found, failed)))
    return new, pc.sum(found).as_py() or 0, pc.sum(failed).as_py() or 0


def _address(table: pa.Table) -> pa.ChunkedArray:
    """The id and the address as one text: a row whose address has changed is another one."""
    return pc.binary_join_element_wise(table["image_id"], table["url"], " ")
