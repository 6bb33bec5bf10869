"""What a case is."""

from dataclasses import dataclass

from demo.adversary.server import Behaviour

FETCHED = "fetched"
"""In the place of a reason code: the picture must arrive and be kept."""


@dataclass(frozen=True)
class Case:
    """An address and what must come of it.

    In `url`, {host} stands for an address of this machine that the case has for itself and where `behaviour` answers,
    {port} for the server's port, {inner} for the address that nothing may reach, {name} for the name of the case,
    {hosts[NAME]} for the host of another case.
    """

    name: str
    does: str
    outcome: str  # a reason code of storage.reasons, or FETCHED
    behaviour: Behaviour | None = None  # None: nobody should be asked, and nobody listens
    url: str = "http://{host}:{port}/{name}.jpg"
    robots: Behaviour | None = None  # None: 404
    deaf: bool = False  # takes no connection, and refuses none
