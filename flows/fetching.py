"""Acquires all shards of a list in this process, so that each host has one queue, and shows how it goes."""

import contextvars
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from uuid import UUID

import pyarrow as pa
from prefect import get_run_logger
from prefect.artifacts import create_progress_artifact, create_table_artifact, update_progress_artifact
from prefect.context import FlowRunContext

from flows.runtime.progress import listener
from flows.settings import RunSettings
from storage.parquet import read_table
from storage.root import Root
from storage.tables.acquisition import DrawingsRef, SourcesRef
from tasks.acquire.by_host import WELL, by_host
from tasks.acquire.drawings_task import DrawingInputs, find_drawings
from tasks.acquire.prior import next_generation
from tasks.acquire.settings import AcquireSettings, FetchPolicy, PoliteSettings
from tasks.acquire.shared import share
from tasks.acquire.tally import Tally
from tasks.acquire.task import Acquired, ShardInputs, acquire_shard
from tasks.contracts import StageRunner

_ROWS_AT_ONCE = 200_000
"""Rows of the shards that are open at once: enough that no host waits for another, few enough for memory."""
_MOST_SHARDS = 128
_MOST_HOSTS = 200  # in Prefect's UI
_SECONDS = 2.0  # between two looks at what has come


def policy_of(run: RunSettings, polite: PoliteSettings) -> FetchPolicy:
    """Returns how a run fetches, by its settings."""
    long_ago = datetime.now(UTC) - timedelta(days=run.older_than) if run.older_than is not None else None
    return FetchPolicy(refetch=run.refetch, before=long_ago, polite=polite, inspectors=run.workers)


def acquire(
    runner: StageRunner,
    shards: Mapping[str, SourcesRef],
    dataset: str,
    folder: Path | None,
    settings: AcquireSettings,
    policy: FetchPolicy,
) -> dict[str, Acquired]:
    """Returns the outcomes of all shards of a list.

    Args:
        shards: the rows of the list, as the stage `sources` wrote them.
        dataset: the name under which the root knows what was acquired before.
        folder: where the list is a folder, its path.
    """
    stored = runner.root.find("images")
    inputs = {
        name: ShardInputs(
            rows=rows,
            dataset=dataset,
            shard=name,
            generation=next_generation(runner.root, dataset, name, rows, settings, policy, stored),
            folder=folder,
            policy=policy,
        )
        for name, rows in shards.items()
    }
    longest = max((rows.rows for rows in shards.values()), default=1)
    at_once = min(max(_ROWS_AT_ONCE // longest, 4), _MOST_SHARDS)
    with share(settings, policy) as shared, _shown(shared.tally, policy.polite):
        acquired = runner.each_here(acquire_shard, inputs, settings, at_once)
    if shared.tally.hosts and FlowRunContext.get():
        _show_hosts(runner.root, acquired)
    return acquired


def look_for_drawings(runner: StageRunner, dataset: str, acquired: Mapping[str, Acquired]) -> list[DrawingsRef]:
    """Returns what is seen, of the images of each shard, to be drawn or set rather than photographed.

    Args:
        dataset: the name under which the root knows what was seen before.
    """
    shards = {name: DrawingInputs(images=shard.images, shard=f"{dataset}-{name}") for name, shard in acquired.items()}
    return [found.drawings for found in runner.each(find_drawings, shards, None).values()]


@contextmanager
def _shown(tally: Tally, polite: PoliteSettings) -> Iterator[None]:
    """Shows a tally while it grows, in Prefect's UI and in the terminal; nothing outside a flow."""
    if not FlowRunContext.get():
        yield
        return
    artifact = cast("UUID", create_progress_artifact(0.0, key="acquire-progress"))
    on_progress, ended = listener.get(), threading.Event()

    def show() -> None:
        whole = tally.total()
        if not whole.rows:
            return
        note = summarize(tally, polite)
        if on_progress:
            on_progress("fetch", whole.done, whole.rows, note)
        text = f"{whole.done:,} of {whole.rows:,} addresses; {note}{_summarize_hosts(tally)}"
        try:
            update_progress_artifact(artifact, 100 * whole.done / whole.rows, description=text)
        except Exception as error:  # of the server: weeks of fetching are worth more than a bar
            get_run_logger().warning("the progress of fetching could not be shown: %s", error)

    def watch() -> None:
        while not ended.wait(_SECONDS):
            show()

    thread = threading.Thread(target=contextvars.copy_context().run, args=(watch,), name="fetch-progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    show()
    if not tally.total().rows:
        update_progress_artifact(artifact, 100.0, description="no address had to be asked")


def summarize(tally: Tally, polite: PoliteSettings) -> str:
    """Returns a line on what has come, how fast, how long the rest may take, and what failed for which reasons."""
    whole = tally.total()
    left = timedelta(seconds=round(tally.seconds_left(polite.host_rate)))
    failed = [f"{count:,} {outcome}" for outcome, count in whole.outcomes.most_common() if outcome not in WELL]
    return ", ".join([f"{whole.bytes / 1e6:,.1f} MB", f"{tally.rate():.0f}/s", f"{left} left", *failed[:3]])


def _summarize_hosts(tally: Tally) -> str:
    """Which hosts most failures are of."""
    failures = tally.failures(WELL).most_common(3)
    return "; most failures: " + ", ".join(f"{host} {count:,}" for host, count in failures) if failures else ""


def _show_hosts(root: Root, acquired: Mapping[str, Acquired]) -> None:
    """A table of what each host gave, in Prefect's UI."""
    columns = ["url", "outcome", "bytes", "seconds", "attempts"]
    logs = [read_table(root, shard.fetch_log, columns) for shard in acquired.values()]
    hosts = by_host(pa.concat_tables(logs).to_pandas())
    shown = hosts.head(_MOST_HOSTS).to_dict("records")
    most = f"; the {_MOST_HOSTS} of {len(hosts):,} with most addresses" if len(hosts) > _MOST_HOSTS else ""
    text = f"What each host gave{most}"
    create_table_artifact(shown, key="acquire-hosts", description=text)
