"""The flow `certify`: what a published version, or a folder of photographs, shares with test sets."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from prefect import flow, get_run_logger
from prefect.artifacts import create_link_artifact

from flows.fetching import acquire
from flows.leaks import TestSets, ask_test_sets, find_leaks
from flows.packets import join, pick, tables
from flows.runner import task_runner
from flows.settings import LeakSettings, RunSettings
from storage.certificates import read_certificate
from storage.errors import InputError
from storage.manifest import Certificate, Manifest
from storage.root import Root
from storage.tables import TableRef
from storage.versions import check_name, find_version, only_name, read_manifest
from tasks.acquire.settings import FetchPolicy
from tasks.acquire.sources import folder_digest, read_list, skipped_files
from tasks.acquire.task import ListSettings, list_sources, pack_images
from tasks.features.detect import check_installed
from tasks.orchestration import Inputs, Output, PrefectRoad, Road
from tasks.publish.task import illustrate_overlaps, publish_check

STAGES = 11
"""How many stages `travel` runs for a folder; for the progress."""


class Subject(NamedTuple):
    """What is to be certified, and against what; known to be usable.

    Attributes:
        name: of the dataset, or given to the folder. root: URL of the dataset root. version: of that root; or
        folder: of photographs, absolute, and content: digest of what is in it.
    """

    name: str
    root: str
    test_sets: TestSets
    version: Manifest | None = None
    folder: Path | None = None
    content: str = ""

    def __str__(self) -> str:
        return f"version {self.version.folder.removeprefix('versions/')}" if self.version else f"folder {self.name}"


@flow(name="certify", flow_run_name="{what}", persist_result=False)
def certify(
    what: str,
    test_sets: dict[str, Path],
    root: str = "./data",
    name: str | None = None,
    settings: LeakSettings = LeakSettings(),
    run: RunSettings = RunSettings(),
    aliases: Path | None = None,
) -> Certificate:
    """Certifies what a version or a folder shares with test sets; nothing need have been curated before.

    Args:
        what: a version, as `cairn versions` lists it, or its folder; or a folder of photographs.
        test_sets: name to folder, or signature, of each test set.
        root: dataset root: of the version; for a folder, where the memo and the certificate go.
        name: of the dataset; for a folder, the name that the certificate gives it, its own by default.
        settings: what decides the result.
        run: how it runs.
        aliases: file of further spellings of test sets' landmarks; classes named so are listed.
    """
    check_installed(settings.features)
    subject = ask_certificate(what, test_sets, root, name, settings, aliases)
    store = Root(subject.root)
    with task_runner(run) as runner:
        published = travel(PrefectRoad(store, runner, STAGES), subject, settings, FetchPolicy(inspectors=run.workers))
    made = read_certificate(store, published.tables["certificate"].path.rpartition("/")[0])
    _announce(store, made, published)
    return made


def ask_certificate(
    what: str,
    test_sets: Mapping[str, Path],
    root: str,
    name: str | None,
    settings: LeakSettings,
    aliases: Path | None = None,
) -> Subject:
    """Checks all that a user can get wrong, before anything is written.

    Raises:
        InputError: names the test set, the version, the folder, the name or the root, and says what to do.
    """
    if not test_sets:
        raise InputError("no test set: give --test-set NAME=DIR, such as --test-set paris6k=./paris6k")
    place = Path(what)
    if place.is_dir() and not (place / "manifest.json").is_file():
        asked = ask_test_sets(test_sets, settings.features, aliases)
        folder, own = place.absolute(), name or place.resolve().name
        check_name(own)
        listed = read_list(folder, any_depth=True, longest=settings.acquire.max_bytes).table
        content = folder_digest(listed, skipped_files(folder))
        found = Subject(own, root, asked, folder=folder, content=content)
    else:
        root, version = _find_version(what, root, name)
        asked = ask_test_sets(test_sets, settings.features, aliases)
        found = Subject(version.name, root, asked, version=version)
    Root(root).check_writable()
    return found


def _find_version(what: str, root: str, name: str | None) -> tuple[str, Manifest]:
    """The root and the manifest of a version that is named, or whose folder is given."""
    place = Path(what)
    if not place.is_dir():
        return root, find_version(Root(root), only_name(Root(root), name), what)
    place = place.resolve()
    if place.parent.parent.name != "versions":
        raise InputError(f"{what}: a version is a folder ROOT/versions/NAME/N-DIGEST; give --root and the version")
    root = str(place.parents[2])
    return root, read_manifest(Root(root), place.parent.name, place.name)


def travel(road: Road, subject: Subject, settings: LeakSettings, policy: FetchPolicy) -> Output:
    """The whole road to a certificate."""
    listed = _list(road, subject, settings) if subject.folder else None
    acquired = _acquire(road, listed, subject, settings, policy) if listed else {}
    own: Inputs = {"images": tables(acquired, "images"), "verdicts": None}
    packed = road.one(pack_images, _of_version(subject.version) if subject.version else own, None)
    images: dict[str, Inputs] = {packet: {"images": ref} for packet, ref in packed.tables.items()}

    leaks = find_leaks(road, images, subject.test_sets, settings)
    seen = dict.fromkeys(images, subject.test_sets.photographs)
    drawn = road.each(illustrate_overlaps, join(images, pick(leaks.overlaps, "overlaps"), seen), None)

    facts: dict[str, Any] = {
        "subject": str(subject),
        "name": subject.name,
        "test_sets": leaks.test_sets,
        "settings": {name: getattr(settings, name).model_dump(mode="json") for name in LeakSettings.model_fields},
        "crashed_pictures": leaks.crashed_pictures,
    }
    parts: Inputs = {
        "images": list(packed.tables.values()),
        "drops": [*tables(acquired, "drops"), *tables(leaks.overlaps, "drops")],
        "thumbnails": tables(drawn, "thumbnails"),
        "facts": json.dumps(facts),
    }
    skipped = [listed.tables["passed_over"]] if listed else []
    return road.one(publish_check, {**parts, **leaks.certified(subject.test_sets, skipped)}, None)


def _list(road: Road, subject: Subject, settings: LeakSettings) -> Output:
    """The files of a folder, by the stage that lists one for curation."""
    assert subject.folder
    how: Inputs = {"merge": "{}", "any_depth": 1, "longest": settings.acquire.max_bytes}
    return road.one(list_sources, {"content": subject.content, **how}, ListSettings(path=subject.folder))


def _acquire(
    road: Road, listed: Output, subject: Subject, settings: LeakSettings, policy: FetchPolicy
) -> dict[str, Output]:
    """The images of a folder, likewise; their memo is apart from that of datasets."""
    return acquire(road, listed, f".folder-{subject.name}", str(subject.folder), settings.acquire, policy)


def _of_version(version: Manifest) -> Inputs:
    """The images and verdicts of a version."""

    def ref(name: str) -> TableRef:
        own = version.tables[name]
        return own.model_copy(update={"path": f"{version.folder}/{own.path}"})

    return {"images": [ref("images")], "verdicts": ref("verdicts")}


def _announce(root: Root, made: Certificate, published: Output) -> None:
    """Logs what came of it, and shows the way to the certificate."""
    found, images = published.counts["found"], published.counts["images"]
    get_run_logger().info("%s: %d of %d images share something with a test set", made.subject, found, images)
    page = f"{root.url}/{made.folder}/index.html"
    link = f"file://{page}" if root.is_local else page
    create_link_artifact(link, link_text=page, key="certify-report", description="Open it from disk")
