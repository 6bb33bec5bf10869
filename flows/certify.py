"""The flow `certify`: what a published version, or a folder of photographs, shares with test sets."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from prefect import flow, get_run_logger
from prefect.artifacts import create_link_artifact

from flows import leaks
from flows.fetching import acquire
from flows.leaks import Leaks, TestSets, check_test_sets, find_leaks
from flows.runtime.naming import run_name
from flows.runtime.prefect_runner import PrefectRunner
from flows.runtime.task_runner import task_runner
from flows.settings import LeakSettings, RememberSettings, RunSettings
from storage.certificates import read_certificate
from storage.errors import InputError
from storage.manifest import Certificate, Examined, Manifest
from storage.root import Root
from storage.runs import one_of_many
from storage.tables.acquisition import IMAGES, DropsRef, ImagesRef, PassedOverRef
from storage.tables.versions import VERDICTS
from storage.versions import check_name, find_version, only_name, read_manifest, version_ref
from tasks.acquire.settings import FetchPolicy, ListSettings
from tasks.acquire.sources import folder_digest, read_list, skipped_files
from tasks.acquire.task import ListInputs, PackInputs, acquire_shard, list_sources, pack_images
from tasks.contracts import StageRunner
from tasks.features.detect import check_installed
from tasks.publish.contracts import CertifyInputs, OverlapDrawingInputs, PublishedCertificate
from tasks.publish.drawing_task import illustrate_overlaps
from tasks.publish.task import publish_check

STAGES = (list_sources, acquire_shard, pack_images, *leaks.STAGES, illustrate_overlaps, publish_check)
"""All stages, in their order; the first two for a folder alone."""


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


@flow(name="certify", flow_run_name=run_name("what"), persist_result=False)
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
    subject = check_subject(what, test_sets, root, name, settings, aliases)
    store = Root(subject.root)
    with one_of_many(store, "certify"), task_runner(run) as runner:
        stages = PrefectRunner(store, runner, STAGES)
        published = run_certification(stages, subject, settings, FetchPolicy(inspectors=run.workers))
    made = read_certificate(store, published.folder)
    _announce(store, made, published)
    return made


def check_subject(
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
    path = Path(what)
    if path.is_dir() and not (path / "manifest.json").is_file():
        checked = check_test_sets(test_sets, settings.features, aliases)
        folder, own = path.absolute(), name or path.resolve().name
        check_name(own)
        listed = read_list(folder, any_depth=True, longest=settings.acquire.max_bytes).table
        content = folder_digest(listed, skipped_files(folder))
        found = Subject(own, root, checked, folder=folder, content=content)
    else:
        root, version = _find_version(what, root, name)
        checked = check_test_sets(test_sets, settings.features, aliases)
        found = Subject(version.name, root, checked, version=version)
    Root(root).check_writable()
    return found


def _find_version(what: str, root: str, name: str | None) -> tuple[str, Manifest]:
    """The root and the manifest of a version that is named, or whose folder is given."""
    path = Path(what)
    if not path.is_dir():
        return root, find_version(Root(root), only_name(Root(root), name), what)
    path = path.resolve()
    if path.parent.parent.name != "versions":
        raise InputError(f"{what}: a version is a folder ROOT/versions/NAME/N-DIGEST; give --root and the version")
    root = str(path.parents[2])
    return root, read_manifest(Root(root), path.parent.name, path.name)


class Examinable(NamedTuple):
    """Images that are to be compared, and what is known of those that can't be."""

    inputs: PackInputs
    drops: list[DropsRef]
    passed_over: list[PassedOverRef]


def run_certification(
    runner: StageRunner, subject: Subject, settings: LeakSettings, policy: FetchPolicy
) -> PublishedCertificate:
    """Runs the stages, in their order."""
    found = _of_version(subject.version) if subject.version else _of_folder(runner, subject, settings, policy)
    packets = runner.one(pack_images, found.inputs, None).packets
    name, anew = f"certificate-{subject.name}", RememberSettings(overlays=0)
    compared = find_leaks(runner, name, packets, subject.test_sets, settings, anew)
    drawings = {
        name: OverlapDrawingInputs(images=images, overlaps=compared.drawing(name, subject.test_sets))
        for name, images in packets.items()
    }
    drawn = runner.each(illustrate_overlaps, drawings, None)
    inputs = CertifyInputs(
        images=list(packets.values()),
        masks=[packet.masks for packet in compared.packets.values()],
        drops=[*found.drops, *(expanded.drops for expanded in compared.expanded.values())],
        leaks=compared.evidence(subject.test_sets, found.passed_over),
        thumbnails=[drawing.thumbnails for drawing in drawn.values()],
        facts=_facts(subject, settings, compared),
    )
    return runner.one(publish_check, inputs, None)


def _of_version(version: Manifest) -> Examinable:
    """What a version keeps."""
    inputs = PackInputs(images=[version_ref(version, IMAGES)], verdicts=version_ref(version, VERDICTS))
    return Examinable(inputs, [], [])


def _of_folder(runner: StageRunner, subject: Subject, settings: LeakSettings, policy: FetchPolicy) -> Examinable:
    """The images of a folder, by the stages that list and fetch for curation; their memo is apart from datasets'."""
    assert subject.folder
    listed = ListInputs(content=subject.content, any_depth=True, longest=settings.acquire.max_bytes)
    sources = runner.one(list_sources, listed, ListSettings(path=subject.folder))
    name = f".folder-{subject.name}"
    acquired = acquire(runner, sources.shards, name, subject.folder, settings.acquire, policy)
    images: list[ImagesRef] = [shard.images for shard in acquired.values()]
    return Examinable(PackInputs(images=images), [shard.drops for shard in acquired.values()], [sources.passed_over])


def _facts(subject: Subject, settings: LeakSettings, compared: Leaks) -> Examined:
    return Examined(
        subject=str(subject),
        name=subject.name,
        test_sets=compared.test_sets,
        settings={name: getattr(settings, name).model_dump(mode="json") for name in LeakSettings.model_fields},
        crashed_pictures=compared.crashed_pictures,
    )


def _announce(root: Root, made: Certificate, published: PublishedCertificate) -> None:
    """Logs what came of it, and shows the way to the certificate."""
    logger = get_run_logger()
    logger.info("%s: %d of %d images share something with a test set", made.subject, published.found, published.images)
    page = f"{root.url}/{made.folder}/index.html"
    link = f"file://{page}" if root.is_local else page
    create_link_artifact(link, link_text=page, key="certify-report", description="Open it from disk")
