"""What the flow `train` is asked for: checked in full before any work, and before anything is written."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from flows.index_request import AskedSet, check_asked_sets
from storage.certificates import list_certificates, read_certificate_table
from storage.errors import InputError
from storage.locks import check_free
from storage.manifest import Manifest, NetworkManifest
from storage.root import Root
from storage.versions import find_version, only_name, source_of
from tasks.describe.installed import check_networks_installed


class TrainRequest(BaseModel):
    """A version and test sets that are known to be usable; all paths absolute."""

    model_config = ConfigDict(frozen=True)

    version: Manifest
    test_sets: dict[str, AskedSet] = Field(description="by name")


def check_train_request(version: str, name: str | None, root: str, test_sets: Mapping[str, Path]) -> TrainRequest:
    """Checks all that a user can get wrong.

    Args:
        version: as `cairn versions` lists it. name: of the dataset.

    Raises:
        InputError: names the package, the version, the test set or the root, and says what to do; so it does where a
            certificate says that the version shares something with a test set.
    """
    check_networks_installed()
    store = Root(root)
    found = find_version(store, only_name(store, name), version)
    asked = check_asked_sets(store, source_of(found), test_sets)
    _check_leaks(store, found, asked)
    store.check_writable()
    check_free(store, f"{NetworkManifest.shelf}/{found.name}")
    return TrainRequest(version=found, test_sets=asked)


def _check_leaks(root: Root, version: Manifest, test_sets: Mapping[str, AskedSet]) -> None:
    """Refuses test sets that a later certificate of the version found in it; what its own found has been dropped."""
    for made in list_certificates(root, version.name):
        if made.subject != f"version {source_of(version)}":
            continue
        for row in read_certificate_table(root, made, "certificate").to_pylist():
            if row["test_set"] in test_sets and row["images_found"]:
                raise InputError(
                    f"certificate {made.digest[:12]}: {row['images_found']:,} images of {source_of(version)} show the "
                    f"same as photographs of test set {row['test_set']!r}, so scores on it would be worth nothing; "
                    f"curate with --test-set {row['test_set']}=DIR, and train on the new version"
                )
