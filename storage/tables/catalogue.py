"""Every table there is."""

from typing import Any

from storage.tables import (
    acquisition,
    annotations,
    captions,
    descriptors,
    features,
    groups,
    overlap,
    retrieval,
    training,
    versions,
)
from storage.tables.spec import TableSpec


def _specs_of(module: Any) -> list[TableSpec[Any]]:
    return [value for value in vars(module).values() if isinstance(value, TableSpec)]


_ROOMS = (acquisition, features, overlap, groups, versions, annotations, captions, descriptors, retrieval, training)
ALL_TABLES = tuple({spec.name: spec for room in _ROOMS for spec in _specs_of(room)}.values())
"""All tables, in the order of the stages that write them."""
