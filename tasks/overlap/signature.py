"""The signature of a test set: a file by which a team checks against it without having its photographs."""

import hashlib
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import NamedTuple, get_args

import numpy as np
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from storage.errors import InputError
from storage.foreign import read_foreign, read_foreign_schema
from storage.reasons import PassedOver, may_be_missed
from storage.tables.features import SIGNATURE
from tasks.acquire.folder import Skipped
from tasks.features.settings import FeatureSettings
from tasks.overlap.groundtruth import Role
from tasks.overlap.testsets import read_test_set

METHOD = 5
"""Raised whenever the same photograph under the same settings would get other keypoints."""

SUFFIX = ".parquet"
_KEY = "cairn.signature"
_KEYPOINT, _DESCRIPTOR = 6 * 4, 128  # bytes


class About(BaseModel):
    """What a signature says of itself, in its file's metadata."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    test_set: str
    method: int = Field(description="`METHOD`, when it was made")
    features: FeatureSettings = Field(description="how its photographs were described")
    ground_truth: bool = Field(description="whether sites and roles come from a ground truth, not file names")
    skipped: tuple[Skipped, ...] = Field(description="files that are compared with nothing, and why")

    def counts(self) -> dict[str, int]:
        """Returns how many photographs are absent, files ignored since they are corrupt, and others not compared."""
        reasons = [entry.reason for entry in self.skipped if may_be_missed(entry.reason)]
        absent = reasons.count(PassedOver.ABSENT)
        ignored = sum(entry.reason == PassedOver.KNOWN_CORRUPT for entry in self.skipped)
        return {"absent": absent, "ignored": ignored, "not_compared": len(reasons) - absent}

    def metadata(self) -> dict[str, str]:
        """Returns the facts as the metadata of a table's file."""
        return {_KEY: self.model_dump_json()}


class Signature(NamedTuple):
    """A signature that someone shared: its file's bytes, what it says of itself, and its rows."""

    content: bytes
    about: About
    table: pa.Table


def signature_path(test_set: str, digest: str) -> str:
    """Returns where a root keeps the signature of a test set, by the sha256 of its file."""
    return f"signatures/{test_set}-{digest[:12]}{SUFFIX}"


def is_signature(path: Path) -> bool:
    """Returns whether a path given for a test set is that of a signature rather than of a folder of photographs."""
    return path.suffix.lower() == SUFFIX and not path.is_dir()


def digest_test_set(name: str, path: Path, features: FeatureSettings) -> str:
    """Returns the digest of what stands for a test set: a folder of photographs, or a signature.

    Raises:
        InputError: it can't be used; see `read_test_set` and `read_signature`.
    """
    if is_signature(path):
        return hashlib.sha256(read_signature(name, path, features).content).hexdigest()
    return read_test_set(name, path).digest()


def read_signature(name: str, path: Path, features: FeatureSettings) -> Signature:
    """Reads a signature as one reads what a stranger sent.

    Raises:
        InputError: there is no such file; it is no signature, one of another test set, or made with other settings of
            `[features]`, which its keypoints could not be compared under; or its rows are not what they should be.
    """
    where = f"test set {name!r}: {path}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{where}: can't be read ({error.strerror}); give a signature or a folder") from error
    about = _read_about(where, read_foreign_schema(where, pa.py_buffer(content)))
    if about.test_set != name:
        raise InputError(f"{where}: is the signature of {about.test_set!r}; give --test-set {about.test_set}={path}")
    if (about.method, about.features) != (METHOD, features):
        raise InputError(f"{where}: {_difference(about, features)}; sign the photographs again, or change the settings")
    table = read_foreign(where, pa.py_buffer(content), SIGNATURE.schema.names)
    _check_rows(where, name, table)
    return Signature(content, about, table)


def _read_about(where: str, schema: pa.Schema) -> About:
    metadata: Mapping[bytes, bytes] = schema.metadata or {}
    try:
        about = About.model_validate_json(metadata[_KEY.encode()])
    except (KeyError, ValidationError) as error:
        raise InputError(f"{where}: says nothing of how it was made; expected a file that `cairn` signed") from error
    if not schema.equals(SIGNATURE.schema):
        raise InputError(f"{where}: columns are {', '.join(schema.names)}; expected those of the table `signature`")
    return about


def _difference(about: About, features: FeatureSettings) -> str:
    """Names the first difference between two ways to describe a photograph."""
    theirs, ours = about.features.model_dump(), features.model_dump()
    for name, value in ours.items():
        if theirs[name] != value:
            return f"was made with features.{name} = {theirs[name]!r}, and this run has {value!r}"
    return f"was made by method {about.method}, and this version of Cairn describes by method {METHOD}"


def _check_rows(where: str, name: str, table: pa.Table) -> None:
    if not table.num_rows:
        raise InputError(f"{where}: has no photographs")
    seen: set[str] = set()
    rows = chain.from_iterable(batch.to_pylist() for batch in table.to_batches(max_chunksize=64))  # few in memory
    for number, row in enumerate(rows):
        wrong = _flaw(row, name)
        if wrong or row["test_image"] in seen:
            raise InputError(f"{where}: row {number}: {wrong or 'test_image stands there twice'}; get the file anew")
        seen.add(row["test_image"])


def _flaw(row: Mapping[str, object], name: str) -> str:
    """What is wrong with a row, or nothing."""
    keypoints, descriptors = row["keypoints"], row["descriptors"]
    if any(value is None for value in row.values()):
        return "a cell is empty"
    if row["test_set"] != name or row["role"] not in get_args(Role):
        return f"test_set {row['test_set']!r}, role {row['role']!r}; expected {name!r} and one of {get_args(Role)}"
    assert isinstance(keypoints, bytes)
    assert isinstance(descriptors, bytes)
    assert isinstance(row["width"], int)
    assert isinstance(row["height"], int)
    if min(row["width"], row["height"]) < 1:
        return f"{row['width']} × {row['height']} pixels"
    count, rest = divmod(len(keypoints), _KEYPOINT)
    if rest or len(descriptors) != count * _DESCRIPTOR:
        return f"{len(keypoints)} bytes of keypoints and {len(descriptors)} of descriptors do not go together"
    return "" if np.isfinite(np.frombuffer(keypoints, "<f4")).all() else "a keypoint is not a number"
