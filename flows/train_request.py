"""What the flow `train` is asked for: checked in full before any work, and before anything is written."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from flows.index_request import AskedSet, check_asked_sets
from storage.certificates import list_certificates, read_certificate_table
from storage.errors import InputError
from storage.locks import check_free
from storage.manifest import CaptionManifest, Manifest, NetworkManifest
from storage.root import Root
from storage.versions import find_version, list_names, only_name, source_of
from tasks.describe.installed import check_networks_installed


class TrainRequest(BaseModel):
    """A version and test sets that are known to be usable; all paths absolute."""

    model_config = ConfigDict(frozen=True)

    version: Manifest
    test_sets: dict[str, AskedSet] = Field(description="by name")


class SemanticRequest(TrainRequest):
    """A training that is known to be possible, with captions to learn from."""

    captions: CaptionManifest


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


def check_semantic_request(
    version: str, name: str | None, root: str, captions: str | None, test_sets: Mapping[str, Path]
) -> SemanticRequest:
    """Checks all that a user can get wrong.

    Args:
        version, name, test_sets: as of `check_train_request`.
        captions: NAME, or NAME/VERSION, of captions; None where the root holds only one name of them.

    Raises:
        InputError: as `check_train_request` does, and where there are no such captions.
    """
    asked, store = check_train_request(version, name, root, test_sets), Root(root)
    told, _, which = (captions or "").partition("/")
    found = find_version(store, _captions_name(store, told), which or "latest", CaptionManifest)
    return SemanticRequest(**dict(asked), captions=found)


def _captions_name(root: Root, told: str) -> str:
    names = list_names(root, CaptionManifest)
    if not names:
        raise InputError(f"{root.url} holds no captions to learn from; make them with cairn captions run")
    if told not in names and (told or len(names) > 1):
        raise InputError(
            f"captions {told!r}: {root.url} holds those of {', '.join(names)}; give --captions one of them"
        )
    return told or names[0]


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
