"""What a root knows of descriptors: the newest table of each network and shard, so that none is computed twice."""

from pydantic import ValidationError

from storage.root import Root
from storage.tables.descriptors import DescriptorsRef


def newest_descriptors(root: Root, network: str, shard: str) -> DescriptorsRef | None:
    """The newest table of a shard by a network, or None before its first, or where the record is damaged."""
    try:
        return DescriptorsRef.model_validate_json(root.read(_record(network, shard)))
    except (FileNotFoundError, ValidationError):
        return None


def keep_newest_descriptors(root: Root, network: str, shard: str, table: DescriptorsRef) -> None:
    """Keeps a table as the newest one, in place of the one before; what it tells of is flushed first."""
    root.flush()
    root.write(_record(network, shard), table.model_dump_json().encode())


def _record(network: str, shard: str) -> str:
    return f"stages/describe/newest/{network}/{shard}.json"
