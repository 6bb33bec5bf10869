"""What the flow `index` is asked for: checked in full before any work, and before anything is written."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from flows.settings import IndexFlowSettings
from storage.certificates import list_certificates, read_certificate_table
from storage.errors import InputError
from storage.locks import check_free
from storage.manifest import IndexManifest, Manifest, NetworkManifest
from storage.parquet import is_intact
from storage.root import Root
from storage.tables.features import SignatureRef
from storage.versions import check_name, find_version, only_name, read_source, read_version_table, source_of
from tasks.describe.installed import check_networks_installed
from tasks.describe.settings import WhitenSettings, settings_of_index
from tasks.index.settings import IndexSettings
from tasks.overlap.signature import signature_path
from tasks.settings import settings_of_manifest


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
    like: IndexManifest | None = Field(None, description="the index that this one is to be like")
    trained: NetworkManifest | None = Field(None, description="the trained network that describes")


def check_index_request(
    version: str,
    name: str | None,
    root: str,
    test_sets: Mapping[str, Path],
    like: str | None = None,
    network: str | None = None,
) -> IndexRequest:
    """Checks all that a user can get wrong.

    Args:
        version: as `cairn versions` lists it. name: of the dataset. like: an index of it.
        network: a trained network of it; it does not go with `like`, which has one.

    Raises:
        InputError: names the package, the version, the test set or the root, and says what to do.
    """
    check_networks_installed()
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    if not found.tables["images"].rows:
        raise InputError(f"{found.folder} has no readable image to index; its report tells what became of each row")
    alike = find_version(store, found.name, like, IndexManifest) if like else None
    if like and network:
        raise InputError("--like takes the network of an index, and --network another one; give one of them")
    trained = find_version(store, found.name, network, NetworkManifest) if network else None
    learnt_from = alike.learnt_from if alike else trained.source if trained else source_of(found)
    asked = check_asked_sets(store, learnt_from, test_sets)
    store.check_writable()
    check_free(store, f"{IndexManifest.shelf}/{found.name}")
    return IndexRequest(version=found, test_sets=asked, like=alike, trained=trained)


def settings_like(index: IndexManifest, trusted: str | None) -> IndexFlowSettings:
    """Returns the settings of an index; see `settings_of_index` for `trusted`."""
    told = index.settings
    return IndexFlowSettings(
        describe=settings_of_index(told.get("describe", {}), trusted),
        whiten=settings_of_manifest(told.get("whiten", {}), WhitenSettings),
        index=settings_of_manifest(told.get("index", {}), IndexSettings),
    )


def check_asked_sets(root: Root, learnt_from: str, test_sets: Mapping[str, Path]) -> dict[str, AskedSet]:
    """Test sets with their digests, and what the version that a network learned from is certified to share with them.

    Raises:
        InputError: names the version, the set or the file, and says what to do.
    """
    from tasks.evaluate.photographs import read_scored_set  # brings torch

    version = read_source(root, learnt_from)
    asked = dict[str, AskedSet]()
    for name, folder in sorted(test_sets.items()):
        check_name(name)
        absolute = folder.absolute()
        digest = read_scored_set(name, absolute).digest()
        asked[name] = AskedSet(folder=absolute, digest=digest, certificates=_certificates(root, version, name))
    return asked


def _certificates(root: Root, version: Manifest, test_set: str) -> dict[str, SignatureRef]:
    """Certificates that a version shares nothing with a test set of this name, whose signatures the root has.

    What its own certificate found was dropped; what a later one found is in it.
    """
    subject, own = f"version {source_of(version)}", version.tables["certificate"].digest
    tables = {own: read_version_table(root, version, "certificate")}
    for made in list_certificates(root, version.name):
        if made.subject == subject:
            tables[made.digest] = read_certificate_table(root, made, "certificate")
    signatures = {
        digest: SignatureRef(
            path=signature_path(test_set, row["signature"]), digest=row["signature"], rows=row["photographs"]
        )
        for digest, table in tables.items()
        for row in table.select(["test_set", "photographs", "signature", "images_found"]).to_pylist()
        if row["test_set"] == test_set and (digest == own or not row["images_found"])
    }
    return {digest: ref for digest, ref in signatures.items() if is_intact(root, ref)}
