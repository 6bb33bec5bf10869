"""The knobs of acquire."""

from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field

from storage.errors import InputError
from tasks.settings import StageSettings


class AcquireSettings(StageSettings):
    """How images are fetched and what counts as one."""

    user_agent: str = Field(
        "cairn/0.1 (image retrieval research)",
        description="User-Agent sent with each request; add an address where a host's owner can reach you",
    )
    connect_timeout: float = Field(10.0, gt=0, description="seconds to wait for a connection")
    read_timeout: float = Field(20.0, gt=0, description="seconds to wait for the next bytes")
    deadline: float = Field(60.0, gt=0, description="seconds for the whole transfer of one attempt")
    attempts: int = Field(3, ge=1, description="tries for failures that can heal: timeouts, 429, 5xx")
    backoff: float = Field(1.0, ge=0, description="seconds before the second try; doubles with each further one")
    max_bytes: int = Field(50_000_000, gt=0, description="longest body accepted, in bytes")
    max_redirects: int = Field(5, ge=0, description="redirects followed before giving up")
    connections: int = Field(16, ge=1, description="simultaneous transfers of one shard")
    connections_per_host: int = Field(
        4, ge=1, description="simultaneous transfers from one host, over all shards of a process"
    )
    allowed_hosts: tuple[str, ...] = Field(
        (), description="hosts reached although their address is private or loopback; for tests and mirrors"
    )
    max_pixels: int = Field(100_000_000, gt=0, description="largest picture decoded, in pixels; read from its header")
    min_side: int = Field(64, ge=1, description="smallest shorter side accepted, in pixels")


class PoliteSettings(StageSettings):
    """How hosts are treated. None of it changes what an image is worth, so none of it makes work anew."""

    contact: str = Field(
        "",
        pattern=r"^[\x20-\x7e]*$",
        description="mail or web address where a host's owner reaches you, sent with each request; large runs need it",
    )
    connections: int = Field(32, ge=1, description="transfers at once")
    host_connections: int = Field(2, ge=1, description="transfers at once from one host")
    host_rate: float = Field(
        5.0, gt=0, description="requests a second to one host, in the long run; `host_connections` may come at once"
    )
    backoff: float = Field(1.0, ge=0, description="seconds before the second try; doubles with each further one")
    host_failures: int = Field(10, ge=1, description="failures in a row after which a host is left alone for a while")
    host_parking: float = Field(30.0, gt=0, description="seconds of that while; doubles each time")
    host_parkings: int = Field(3, ge=0, description="such whiles before a host is given up for the run")


class RemoteFile(StageSettings):
    """A large file to fetch whole, and what is known of it."""

    url: str = Field(pattern=r"^https?://", description="address")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of its bytes; None: not known, only told")
    bytes: int | None = Field(None, ge=0, description="its length; None: not known, and at most `max_bytes`")

    @property
    def name(self) -> str:
        """The last part of its address, which is a plain file name."""
        name = unquote(urlsplit(self.url).path).rsplit("/", 1)[-1]
        if not name or name.startswith(".") or "\\" in name:
            raise InputError(f"{self.url}: expected an address that ends with a file name")
        return name


class TransferSettings(StageSettings):
    """How a large file is fetched."""

    user_agent: str = Field("cairn/0.1 (image retrieval research)", description="User-Agent sent with each request")
    connect_timeout: float = Field(10.0, gt=0, description="seconds to wait for a connection")
    read_timeout: float = Field(60.0, gt=0, description="seconds to wait for the next bytes")
    attempts: int = Field(5, ge=1, description="tries in a row that bring nothing new before a transfer is given up")
    backoff: float = Field(1.0, ge=0, description="seconds before the second try; doubles with each further one")
    max_bytes: int = Field(4_000_000_000, gt=0, description="longest file accepted, in bytes, where none is promised")
    allowed_hosts: tuple[str, ...] = Field(
        (), description="hosts reached although their address is private or loopback; for tests and mirrors"
    )


class SelectSettings(StageSettings):
    """Which readable images go on."""

    min_class_size: int = Field(3, ge=1, description="readable images a class needs to be compared")
    placeholder_classes: int = Field(
        3,
        ge=2,
        description="classes in which the same bytes must stand to be a placeholder, not an ambiguous photograph",
    )


Refetch = Literal["never", "failed"]
"""Which rows are fetched although they were before: none, or those that failed."""
