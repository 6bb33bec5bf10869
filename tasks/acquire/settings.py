"""The knobs of acquire."""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, AwareDatetime, Field, field_validator

from storage.errors import InputError
from tasks.acquire.address import redact, without_userinfo
from tasks.acquire.guard import read_opening
from tasks.settings import StageSettings

ROBOT = "cairn"
"""The name by which robots.txt and X-Robots-Tag may address us."""
ROBOTS_BYTES = 500 * 1024
"""Of a robots.txt, so many bytes are read; the rest of a longer one is not (RFC 9309, 2.5)."""
LARGE_RUN = 1000
"""Rows of a list above which hosts' owners must be told whom to turn to."""


def _checked(opening: str) -> str:
    read_opening(opening)
    return opening


AllowedHost = Annotated[str, AfterValidator(_checked)]
_ALLOWED_HOSTS = (
    "HOST:PORT that listed addresses reach although it is private, loopback or of another port, or HOST for the usual "
    "ports; nothing redirects there from another host; for tests and mirrors"
)


class ListSettings(StageSettings):
    """The user's list."""

    path: Path = Field(
        description="a CSV or Parquet file of id, url, landmark_id; lines URL CLASS_ID; or a folder of class folders"
    )
    md5: Path | None = Field(None, description="file with one MD5 per line of the list")
    clean: Path | None = Field(
        None, description="Google-Landmarks v2's train_clean.csv: only the ids it names are kept"
    )


class AcquireSettings(StageSettings):
    """What is fetched, and what counts as an image."""

    connect_timeout: float = Field(10.0, gt=0, description="seconds to wait for a connection")
    read_timeout: float = Field(20.0, gt=0, description="seconds to wait for the next bytes")
    deadline: float = Field(60.0, gt=0, description="seconds for one request, from the connection to the last byte")
    attempts: int = Field(3, ge=1, description="tries for failures that can heal: timeouts, 429, 5xx")
    max_bytes: int = Field(50_000_000, gt=0, description="longest body accepted, in bytes")
    max_redirects: int = Field(5, ge=0, description="redirects followed before giving up")
    robots: bool = Field(True, description="whether a host's robots.txt is heeded; X-Robots-Tag headers always are")
    ports: tuple[Annotated[int, Field(gt=0, lt=65_536)], ...] = Field(
        (80, 443), description="ports that are connected to; `allowed_hosts` may have others, each of its host"
    )
    allowed_hosts: tuple[AllowedHost, ...] = Field((), description=_ALLOWED_HOSTS)
    max_pixels: int = Field(100_000_000, gt=0, description="largest picture decoded, in pixels; read from its header")
    min_side: int = Field(64, ge=1, description="smallest shorter side accepted, in pixels")
    inspect_timeout: float = Field(20.0, gt=0, description="seconds that decoding one picture may take")


LIMITS = ("max_bytes", "max_pixels", "min_side", "inspect_timeout")
"""What of `AcquireSettings` decides which bodies are images, stored ones too; the rest decides how hosts are asked."""


class PoliteSettings(StageSettings):
    """How hosts are treated. None of it changes what an image is worth, so none of it makes work anew."""

    contact: str = Field(
        "",
        pattern=r"^[\x20-\x7e]*$",
        description="mail or web address where a host's owner reaches you, sent with each request; large runs need it",
    )
    connections: int = Field(32, ge=1, description="transfers at once")
    bytes_under_way: int = Field(
        512_000_000,
        gt=0,
        description="bytes of bodies at once, from when they arrive until they are looked at and stored; what finds no "
        "room waits, and one body may go beyond",
    )
    host_connections: int = Field(2, ge=1, description="transfers at once from one host")
    host_rate: float = Field(
        5.0, gt=0, description="requests a second to one host, in the long run; `host_connections` may come at once"
    )
    backoff: float = Field(1.0, ge=0, description="seconds before the second try; doubles with each further one")
    host_failures: int = Field(10, ge=1, description="failures in a row that trip a host's circuit breaker")
    breaker_seconds: float = Field(
        30.0, gt=0, description="seconds that a host's circuit breaker stays open; doubles each time"
    )
    breaker_trips: int = Field(3, ge=0, description="trips of its breaker before a host is given up for the run")

    @property
    def user_agent(self) -> str:
        """The User-Agent of each request."""
        return f"{ROBOT}/0.1 (image retrieval research{'; ' if self.contact else ''}{self.contact})"


Refetch = Literal["never", "failed", "failed-older-than", "revalidate"]
"""Which rows are fetched although they were before: none; those that failed, all or if long ago; all, if changed."""


class FetchPolicy(StageSettings):
    """How a run fetches: which rows again, how politely, and with how many processes. Not part of any memo's key."""

    refetch: Refetch = "never"
    before: AwareDatetime | None = Field(None, description="failures from before this moment are long ago")
    polite: PoliteSettings = PoliteSettings()
    inspectors: int = Field(1, ge=1, description="processes that decode what came")

    @property
    def reads_stored(self) -> bool:
        """Whether stored pictures are read to see whether they rotted."""
        return self.refetch in ("failed", "revalidate")


class RemoteFile(StageSettings):
    """A large file to fetch whole, and what is known of it."""

    url: str = Field(pattern=r"^https?://", description="address")
    sha256: str | None = Field(None, pattern="^[0-9a-f]{64}$", description="of its bytes; None: not known, only told")
    bytes: int | None = Field(None, ge=0, description="its length; None: not known, and at most `max_bytes`")

    @field_validator("url")
    @classmethod
    def _without_userinfo(cls, url: str) -> str:
        return without_userinfo(url)

    @property
    def shown(self) -> str:
        """The file's address as it may be shown and kept."""
        return redact(self.url)

    @property
    def name(self) -> str:
        """The last part of its address, which is a plain file name."""
        name = unquote(urlsplit(self.url).path).rsplit("/", 1)[-1]
        if not name or name.startswith(".") or "\\" in name:
            raise InputError(f"{self.shown}: expected an address that ends with a file name")
        return name


class TransferSettings(StageSettings):
    """How a large file is fetched."""

    user_agent: str = Field(PoliteSettings().user_agent, description="User-Agent sent with each request")
    connect_timeout: float = Field(10.0, gt=0, description="seconds to wait for a connection")
    read_timeout: float = Field(60.0, gt=0, description="seconds to wait for the next bytes")
    attempts: int = Field(5, ge=1, description="tries in a row that bring nothing new before a transfer is given up")
    backoff: float = Field(1.0, ge=0, description="seconds before the second try; doubles with each further one")
    max_bytes: int = Field(4_000_000_000, gt=0, description="longest file accepted, in bytes, where none is promised")
    allowed_hosts: tuple[AllowedHost, ...] = Field((), description=_ALLOWED_HOSTS)


class SelectSettings(StageSettings):
    """Which readable images go on."""

    min_class_size: int = Field(3, ge=1, description="readable images a class needs to be compared")
    placeholder_classes: int = Field(
        3,
        ge=2,
        description="classes in which the same pixels must stand, each from an address of its own, to be a placeholder",
    )
    placeholder_addresses: int = Field(
        10,
        ge=2,
        description="addresses of one host that must give the same pixels to be a placeholder, be it in one class",
    )
    ambiguous: Literal["drop", "keep"] = Field(
        "drop",
        description="an image that stands in several classes: dropped from all, or kept in each for `classes` to judge",
    )
    drawings: Literal["keep", "drop"] = Field(
        "keep",
        description="a picture seen to be drawn or set, not photographed: kept like others and listed in the table "
        "`drawings`, or dropped",
    )
