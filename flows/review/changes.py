"""The page that says what a version changed of another."""

import pandas as pd

from storage.compare import compare_versions
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import read_version_table
from tasks.publish.changes import Changes, render_changes, summarise_changes


def find_changes(root: Root, before: Manifest, after: Manifest) -> Changes:
    """Returns what changed between two versions of a name."""
    rows = compare_versions(root, before, after)
    return summarise_changes(before, after, rows, _kept_classes(root, before), _kept_classes(root, after))


def write_changes(root: Root, changes: Changes) -> str:
    """Writes the page of changes, whose pictures are those of the two reports; gives its path below the root."""
    before, after = changes.before.folder_name, changes.after.folder_name
    pictures: dict[str, str] = {}
    for folder in (before, after):  # the later one has newer thumbnails
        names = root.names(f"versions/{changes.after.name}/{folder}/report/pictures")
        pictures |= {name.removesuffix(".jpg"): f"../../{folder}/report/pictures/{name}" for name in names}
    target = f"versions/{changes.after.name}/changes/{before}-to-{after}"
    for path, content in render_changes(changes, pictures):
        root.write(f"{target}/{path}", content, flush=False)
    return f"{target}/index.html"


def _kept_classes(root: Root, version: Manifest) -> pd.Series:
    verdicts = read_version_table(root, version, "verdicts", ["landmark_id", "verdict"]).to_pandas()
    return verdicts.landmark_id[verdicts.verdict == "kept"]
