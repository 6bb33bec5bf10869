"""The flow `evaluate`: what the network of a published index scores on test sets."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prefect import flow, get_run_logger
from prefect.artifacts import create_table_artifact

from flows.describing import NetworkUsed, matrix_of, network_of
from flows.index_request import AskedSet, check_asked_sets
from flows.runtime.naming import run_name
from flows.runtime.prefect_runner import PrefectRunner
from flows.runtime.task_runner import task_runner
from flows.settings import RunSettings
from storage.manifest import IndexManifest
from storage.parquet import read_table
from storage.root import Root
from storage.runs import one_of_many
from storage.tables.spec import MatrixRef
from storage.versions import find_version, only_name
from tasks.contracts import StageRunner
from tasks.describe.installed import check_networks_installed
from tasks.describe.settings import DescribeSettings, Device, settings_of_index
from tasks.evaluate.task import Codes, Evaluated, EvaluateInputs, score_test_set

STAGES = (score_test_set,)
"""All stages."""


@flow(name="evaluate", flow_run_name=run_name("name", "which"), persist_result=False)
def evaluate(
    test_sets: dict[str, Path],
    which: str = "latest",
    root: str = "./data",
    name: str | None = None,
    backbone: str | None = None,
    device: Device = "cpu",
    run: RunSettings = RunSettings(),
) -> list[dict[str, Any]]:
    """Scores the network of an index on test sets, and its codes too; returns rows of the table `results`.

    Args:
        test_sets: name to folder of each.
        which: index, as `cairn indexes` lists it.
        root: dataset root, a folder or any URL that fsspec opens.
        name: of the dataset; not needed where the root holds indexes of only one.
        backbone: MODULE:NAME of your own that the index may import.
        device: what the network computes on, whatever it was when the index was made.
        run: how it runs.
    """
    check_networks_installed()
    store = Root(root)
    index = find_version(store, only_name(store, name, IndexManifest), which, IndexManifest)
    asked = check_asked_sets(store, index.learnt_from, test_sets)
    store.check_writable()
    settings = settings_of_index({**index.settings.get("describe", {}), "device": device}, backbone)
    with one_of_many(store, "evaluate"), task_runner(run) as runner:
        stages = PrefectRunner(store, runner, STAGES)
        codes = codes_of(matrix_of(index), index.chosen.factory)
        scored = score_sets(stages, asked, network_of(store, index), settings, codes)
    rows = [row for one in scored.values() for row in read_table(store, one.results).to_pylist()]
    create_table_artifact(rows, key="evaluate-results", description=f"Scores of {index.folder}")
    return rows


def codes_of(index: MatrixRef, factory: str) -> Codes | None:
    """Returns the codes of an index that are to be scored: none where it is exact."""
    return None if factory == "Flat" else Codes(index=index, factory=factory)


def score_sets(
    runner: StageRunner,
    test_sets: Mapping[str, AskedSet],
    network: NetworkUsed,
    settings: DescribeSettings,
    codes: Codes | None,
) -> dict[str, Evaluated]:
    """Scores a network on test sets, one after another, and the codes of an index besides."""
    inputs = {
        name: EvaluateInputs(
            name=name,
            digest=asked.digest,
            folder=asked.folder,
            network=network.digest,
            stored=network.stored,
            source=network.learnt_from,
            certificates=asked.certificates,
            codes=codes,
        )
        for name, asked in test_sets.items()
    }
    scored = runner.each_here(score_test_set, inputs, settings, 1) if inputs else {}
    for name, found in scored.items():
        for path, reason in found.unreadable.items():
            get_run_logger().warning("test set %s: %s was not ranked: %s", name, path, reason)
    return scored
