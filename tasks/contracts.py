"""What a stage reads, under which settings, and what it writes: a typed contract that flow, memo and stage share.

A stage is a plain function of references to stored files and of small values; frames, lists of rows and pixels never
pass between stages. It imports no Prefect: `flows.runtime.prefect_runner` carries stages out as Prefect tasks, and a
test calls them as the functions that they are.

    class MatchInputs(Inputs):
        images: ImagesRef
        folder: Annotated[Path | None, Unkeyed("the digest of `images` stands for it")]

    class Matched(Output):
        pairs: PairsRef

    @stage("match", version=6, software=("numpy", "opencv-contrib-python-headless"))
    def match_pairs(run: Run, inputs: MatchInputs, settings: MatchSettings) -> Matched: ...
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Generic, Protocol, TypeVar, get_type_hints

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from storage.parquet import write_table
from storage.root import Root
from storage.tables.spec import FileRef, R, TableSpec


@dataclass(frozen=True)
class Unkeyed:
    """Marks an input that is no part of the memo's key; `why` says what stands for it, or why it changes no result."""

    why: str


class Inputs(BaseModel):
    """What a stage reads: references to stored files, and small values. A field per input."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def keyed(self) -> dict[str, Any]:
        """Returns what decides the result, as plain JSON: every field that is not `Unkeyed`.

        Of files, their digests.
        """
        return {
            name: _content(getattr(self, name))
            for name, own in type(self).model_fields.items()
            if not any(isinstance(mark, Unkeyed) for mark in own.metadata)
        }


class Output(BaseModel):
    """What a stage writes: references to stored files, and numbers for people to read. A field per output."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def refs(self) -> Iterator[FileRef]:
        """Yields every reference in it. The memo stands as long as all of these files do."""
        yield from _refs(list(dict(self).values()))


def _refs(value: Any) -> Iterator[FileRef]:
    if isinstance(value, FileRef):
        yield value
    elif isinstance(value, Mapping):
        yield from _refs(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _refs(item)


def _content(value: Any) -> Any:
    if isinstance(value, FileRef):
        return value.digest
    if isinstance(value, Inputs):
        return value.keyed()
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return {name: _content(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_content(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise TypeError(f"{value!r} can't be part of a memo's key; mark its field as Unkeyed and say what stands for it")


@dataclass(frozen=True)
class Run:
    """Where a stage runs: the dataset root, the key of its memo, and whom it tells how far it is."""

    root: Root
    key: str
    on_progress: Callable[[int, int, str], None] = field(default=lambda *_: None, compare=False)

    @property
    def folder(self) -> str:
        """Where the stage's files go, below the root: `stages/NAME/DIGEST`."""
        name, digest = self.key.rsplit("-", 1)
        return f"stages/{name}/{digest}"

    @property
    def partial(self) -> str:
        """Where the stage may keep what it has so far, below the root.

        After a kill, the next run of the same key finds it there; it is removed when the stage has succeeded.
        """
        return f"{self.folder}/partial"

    def path(self, name: str, suffix: str = ".parquet") -> str:
        """Returns where a file of the stage goes, below the root."""
        return f"{self.folder}/{name}{suffix}"

    def write(self, spec: TableSpec[R], table: pa.Table, name: str | None = None, *, flush: bool = True) -> R:
        """Stores a table of the stage under its own name, or under another one, and returns its reference.

        Args:
            flush: whether it has to survive a loss of power from now on, and not only from the root's next `flush`.
        """
        return write_table(self.root, self.path(name or spec.name), spec, table, flush=flush)

    def write_rows(self, spec: TableSpec[R], rows: list[dict[str, Any]], name: str | None = None) -> R:
        """Stores rows, as `write` stores a table."""
        return self.write(spec, pa.Table.from_pylist(rows, spec.schema), name)

    def write_file(self, name: str, content: bytes) -> FileRef:
        """Stores a file of the stage that is no table, and returns its reference."""
        self.root.write(f"{self.folder}/{name}", content)
        return FileRef(path=f"{self.folder}/{name}", digest=hashlib.sha256(content).hexdigest())

    def report(self, done: int, total: int, note: str = "") -> None:
        """Tells how far the stage is, for the progress that people see."""
        self.on_progress(done, total, note)


I = TypeVar("I", bound=Inputs)  # noqa: E741 - of a contract: inputs, settings, output
S = TypeVar("S", bound=BaseModel | None)
O = TypeVar("O", bound=Output)  # noqa: E741


@dataclass(frozen=True)
class Stage(Generic[I, S, O]):
    """A stage and what its runner must know of it.

    Attributes:
        version: raised whenever the stage would give another result for the same inputs and settings.
        software: packages whose versions its result depends on; one that is not installed counts as such.
        threads: native threads that it may use, or None for all that there are.
        retries: how often an error of disk or network, which may heal by itself, is tried again.
    """

    name: str
    version: int
    function: Callable[[Run, I, S], O]
    output: type[O]
    software: tuple[str, ...]
    threads: int | None
    retries: int

    def __call__(self, run: Run, inputs: I, settings: S) -> O:
        """Carries the stage out in this thread."""
        return self.function(run, inputs, settings)

    def key(self, inputs: I, settings: S) -> str:
        """Returns the memo's key: the stage's name, and a digest of all that its result depends on."""
        parts = {
            "stage": self.name,
            "version": self.version,
            "software": {name: installed_version(name) for name in self.software},
            "settings": settings.model_dump(mode="json") if settings is not None else None,
            "inputs": inputs.keyed(),
        }
        return f"{self.name}-{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]}"

    def identity(self, settings: S, *others: str) -> str:
        """Returns a digest of all that its result depends on but its inputs, of which `others` adds some."""
        parts = {
            "version": self.version,
            "software": {name: installed_version(name) for name in self.software},
            "settings": settings.model_dump(mode="json") if settings is not None else None,
            "others": others,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]

    def __reduce__(self) -> tuple[Callable[[str, str], Any], tuple[str, str]]:
        """A stage travels to a worker by its name: the decorated function is found where it is defined."""
        return _import, (self.function.__module__, self.function.__qualname__)


def stage(
    name: str, version: int, software: tuple[str, ...] = (), threads: int | None = 1, retries: int = 2
) -> Callable[[Callable[[Run, I, S], O]], Stage[I, S, O]]:
    """Makes a stage of a function of (run, inputs, settings); see `Stage` for the arguments.

    pyarrow, which writes all tables, is part of the `software` of every stage.
    """

    def decorate(function: Callable[[Run, I, S], O]) -> Stage[I, S, O]:
        output = get_type_hints(function)["return"]
        return Stage(name, version, function, output, ("pyarrow", *software), threads, retries)

    return decorate


def _import(module: str, name: str) -> Any:
    return getattr(import_module(module), name)


@cache
def installed_version(package: str) -> str | None:
    """Returns the version of a package, or None where it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


class StageRunner(Protocol):
    """Runs the stages of a flow over a dataset root."""

    root: Root

    def one(self, stage: Stage[I, S, O], inputs: I, settings: S) -> O:
        """Runs a stage once."""
        ...

    def each(self, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S) -> dict[str, O]:
        """Runs a stage once for every shard, packet or test set; the outputs come in the order of the inputs."""
        ...

    def each_here(self, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S, at_once: int) -> dict[str, O]:
        """Does the same by threads of this process, wherever other stages run.

        It is for what has one owner, such as the limits of hosts.
        """
        ...
