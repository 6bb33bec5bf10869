"""What stages read and wrote, packet by packet, put together for the next stage."""

from collections.abc import Mapping, Sequence

from storage.tables import TableRef
from tasks.orchestration import Inputs, Output, reference


def join(*parts: Mapping[str, Inputs]) -> dict[str, Inputs]:
    """The inputs of each packet, put together."""
    return {packet: {name: value for part in parts for name, value in part[packet].items()} for packet in parts[0]}


def gather(packets: Mapping[str, Inputs], names: Sequence[str]) -> Inputs:
    """Some inputs of every packet, as lists in the order of the packets."""
    return {name: [reference(packet, name) for packet in packets.values()] for name in names}


def pick(outputs: Mapping[str, Output], table: str) -> dict[str, Inputs]:
    """One table of each packet's output, as an input."""
    return {packet: {table: output.tables[table]} for packet, output in outputs.items()}


def tables(outputs: Mapping[str, Output], table: str) -> list[TableRef]:
    """One table of every output."""
    return [output.tables[table] for output in outputs.values()]
