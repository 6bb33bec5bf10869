"""What the flow `index` is asked for: checked in full before any work, and before anything is written."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from storage.certificates import list_certificates, read_certificate_table
from storage.locks import check_free
from storage.manifest import IndexManifest, Manifest
from storage.parquet import is_intact
from storage.root import Root
from storage.tables.features import SignatureRef
from storage.versions import check_name, find_version, only_name, read_version_table
from tasks.describe.installed import check_networks_installed
from tasks.overlap.signature import signature_path


class AskedSet(BaseModel):
    """A test set that is known to be usable.

    Attributes:
        certificates: by digest, certificates of the version against a set of this name, with the signature of the
            photographs that they are of.
    """

    model_config = ConfigDict(frozen=True)

    folder: Path
    digest: str
    certificates: dict[str, SignatureRef]


class IndexRequest(BaseModel):
    """A version and test sets that are known to be usable; all paths absolute."""

    model_config = ConfigDict(frozen=True)

    version: Manifest
    test_sets: dict[str, AskedSet] = Field(description="by name")


def check_index_request(version: str, name: str | None, root: str, test_sets: Mapping[str, Path]) -> IndexRequest:
    """Checks all that a user can get wrong.

    Args:
        version: as `cairn versions` lists it. name: of the dataset.

    Raises:
        InputError: names the package, the version, the test set or the root, and says what to do.
    """
    check_networks_installed()
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    asked = check_asked_sets(store, found, test_sets)
    store.check_writable()
    check_free(store, f"{IndexManifest.shelf}/{found.name}")
    return IndexRequest(version=found, test_sets=asked)


def check_asked_sets(root: Root, version: Manifest, test_sets: Mapping[str, Path]) -> dict[str, AskedSet]:
    """Test sets with their digests, and what the version is certified to share with them.

    Raises:
        InputError: names the set or the file, and says what to do.
    """
    from tasks.evaluate.photographs import read_scored_set  # brings torch

    asked = dict[str, AskedSet]()
    for name, folder in sorted(test_sets.items()):
        check_name(name)
        absolute = folder.absolute()
        digest = read_scored_set(name, absolute).digest()
        asked[name] = AskedSet(folder=absolute, digest=digest, certificates=_certificates(root, version, name))
    return asked


def _certificates(root: Root, version: Manifest, test_set: str) -> dict[str, SignatureRef]:
    """Certificates of a version against a test set of this name, its own among them, whose signatures the root has."""
    subject = f"version {version.folder.removeprefix(f'{Manifest.shelf}/')}"
    tables = {version.tables["certificate"].digest: read_version_table(root, version, "certificate")}
    for made in list_certificates(root, version.name):
        if made.subject == subject:
            tables[made.digest] = read_certificate_table(root, made, "certificate")
    signatures = {
        digest: SignatureRef(
            path=signature_path(test_set, row["signature"]), digest=row["signature"], rows=row["photographs"]
        )
        for digest, table in tables.items()
        for row in table.select(["test_set", "photographs", "signature"]).to_pylist()
        if row["test_set"] == test_set
    }
    return {digest: ref for digest, ref in signatures.items() if is_intact(root, ref)}
