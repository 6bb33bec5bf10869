"""What a finished curation shows in the Prefect UI."""

import base64
import logging
from collections.abc import Mapping

import pandas as pd
from prefect import get_run_logger
from prefect.artifacts import create_markdown_artifact, create_table_artifact

from flows.review.changes import find_changes, write_changes
from flows.runtime.publication import News
from storage.errors import DamagedTableError
from storage.manifest import Manifest
from storage.root import Root
from storage.versions import read_version_table
from tasks.publish.attention import TABLES
from tasks.publish.changes import Changes, describe_changes
from tasks.publish.illustrate import contact_sheet
from tasks.publish.passed_over import tell_reasons
from tasks.publish.summary import describe_summary

_CLASSES_SHOWN = 12
_TILES_SHOWN = 20
_SUMMARISED = ("sources", "certificate", *TABLES)


def announce(root: Root, version: Manifest, news: News[Manifest]) -> None:
    """Logs what came of the run, and shows the rest as artifacts, the summary first."""
    logger = get_run_logger()
    listed, kept = version.funnel[0], version.funnel[-1]
    logger.info("%s", news.tell(version))
    logger.info("%d of %d images kept, in %d of %d classes", kept.images, listed.images, kept.classes, listed.classes)
    for missed, sentence in tell_reasons(version.passed_over):
        logger.log(logging.WARNING if missed else logging.INFO, "%s", sentence)
    if version.crashed_pictures:
        logger.warning("%d pictures killed their detector and have no keypoints", version.crashed_pictures)
    if news.last and any(news.last.overrides.values()) and not any(version.overrides.values()):
        logger.warning(
            "%s was made with overrides, and this version without: give them again to keep what a person decided",
            news.last.folder,
        )
    pages = {"report": news.address(root, f"{version.folder}/report/index.html")}
    changes = None
    if news.last and news.last.digest != version.digest:
        try:
            changes = find_changes(root, news.last, version)
            pages["what changed"] = news.address(root, write_changes(root, changes))
        except DamagedTableError as error:  # of the version before, which is no reason to fail
            logger.warning("what changed since %s can't be told: %s", news.last.folder, error)
    _show(root, version, news, changes, pages)


def _show(
    root: Root, version: Manifest, news: News[Manifest], changes: Changes | None, pages: Mapping[str, str]
) -> None:
    tables = {name: read_version_table(root, version, name) for name in _SUMMARISED}
    create_markdown_artifact(
        describe_summary(version, tables, news.refused or news.tell(version), changes, pages),
        key="curate-summary",
        description=version.folder,
    )
    if changes:
        create_markdown_artifact(
            describe_changes(changes), key="curate-changes", description=f"Since version {changes.before.number}"
        )
    rows = [{"step": step.step, "images": step.images, "classes": step.classes} for step in version.funnel]
    create_table_artifact(
        rows, key="curate-funnel", description=f"What is left of the list after each stage: {version.folder}"
    )
    news.link_report(root, version, "curate-report")
    create_markdown_artifact(
        _contact_sheets(root, version), key="curate-contact-sheet", description="Kept and dropped images"
    )


def _contact_sheets(root: Root, version: Manifest) -> str:
    """Markdown with a picture per class, most dropped images first. The server stores it, so pictures are small."""
    verdicts = read_version_table(root, version, "verdicts").to_pandas()
    shown = verdicts[(verdicts.reason != "duplicate-row") & verdicts.sha256.notna()]
    told = "Kept images are framed green, dropped ones red; the report has every image."
    parts = [f"# {version.name} {version.number}\n\n{told}\n"]
    dropped_of = shown[shown.verdict == "dropped"].groupby("landmark_id").size()
    for landmark in dropped_of.sort_values(ascending=False, kind="stable").index[:_CLASSES_SHOWN]:
        members = shown[shown.landmark_id == landmark]
        kept, dropped = (
            _thumbnails(root, version, members[members.verdict == verdict]) for verdict in ("kept", "dropped")
        )
        sheet = base64.b64encode(contact_sheet(kept, dropped)).decode()
        counts = members.verdict.value_counts()
        reasons = members[members.verdict == "dropped"].reason.value_counts()
        told = ", ".join(f"{count} {reason}" for reason, count in reasons.items())
        title = f"{counts.get('kept', 0)} kept, {counts.get('dropped', 0)} dropped: {told}"
        parts.append(f"## {_plain(landmark)}\n\n{title}\n\n![{title}](data:image/jpeg;base64,{sheet})\n")
    return "\n".join(parts)


def _thumbnails(root: Root, version: Manifest, members: pd.DataFrame) -> list[bytes]:
    """The report's own; one that is gone from it is left out rather than fail a run that has published."""
    digests = members.sort_values("image_id").sha256[:_TILES_SHOWN]
    paths = [f"{version.folder}/report/pictures/{sha256}.jpg" for sha256 in digests]
    return [root.read(path) for path in paths if root.exists(path)]


def _plain(text: str) -> str:
    """Class names come from the list; in Markdown they must stay text."""
    return f"`{' '.join(text.split()).replace('`', chr(39))}`"
