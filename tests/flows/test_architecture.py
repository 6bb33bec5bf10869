"""How long functions are, and what importing a module brings along, found out by importing it in a new process."""

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WITH_TORCH = {"describe", "evaluate", "train", "index"}

# Imports modules one after another, and tells after which one a library was there.
PROBE = """\
import importlib, json, sys
found = {}
for module in json.loads(sys.argv[1]):
    importlib.import_module(module)
    for library in json.loads(sys.argv[2]):
        if library in sys.modules:
            found.setdefault(library, module)
print(json.dumps(found))
"""


def modules_of(folder: str) -> list[str]:
    return [f"{folder.replace('/', '.')}.{path.stem}" for path in sorted((ROOT / folder).glob("*.py"))]


def brought_along(modules: list[str], libraries: list[str]) -> dict[str, str]:
    """Which of the libraries get imported, each with the module that brings it."""
    command = [sys.executable, "-c", PROBE, json.dumps(modules), json.dumps(libraries)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    return dict(json.loads(done.stdout))


STAGES = sorted(path.parent.name for path in (ROOT / "tasks").glob("*/task.py"))


def test_there_are_stages() -> None:
    assert {"acquire", "features", "match", "publish"} <= set(STAGES)


def rooms_of(stages: set[str]) -> list[str]:
    return [module for stage in sorted(stages) for module in modules_of(f"tasks/{stage}")]


COMMAND_LINE = ["flows.commands.cli", "flows.commands.why"]
PLAN = ["flows.commands.cautions", "flows.planning.plan", "flows.commands.plan_page"]
CURATION = rooms_of(set(STAGES) - WITH_TORCH)


def functions_of(folder: str) -> Iterator[tuple[str, int]]:
    """Every function below a folder, with its lines, decorators left out."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{path.relative_to(ROOT)}: {node.name}", (node.end_lineno or 0) - node.lineno + 1


def test_no_function_of_a_flow_is_longer_than_forty_lines() -> None:
    assert {name: lines for name, lines in functions_of("flows") if lines > 40} == {}


@pytest.fixture(scope="module")
def brought() -> dict[str, str]:
    """Which module was the first to bring a library, of all that curation consists of; one interpreter for them all."""
    modules = [*COMMAND_LINE, *modules_of("storage"), *CURATION, *PLAN, "flows.curate"]
    return brought_along(modules, ["prefect", "torch", "cv2"])


def test_the_flow_alone_brings_prefect_and_nothing_brings_torch(brought: dict[str, str]) -> None:
    assert brought.get("prefect") == "flows.curate"
    assert "torch" not in brought


def test_command_line_starts_without_cv2(brought: dict[str, str]) -> None:
    assert brought["cv2"] not in COMMAND_LINE


def test_stages_of_networks_import_no_prefect() -> None:
    assert brought_along(rooms_of(set(STAGES) & WITH_TORCH), ["prefect"]) == {}


@pytest.mark.parametrize("module", ["flows.curate", "flows.fetching", "tasks.acquire.task", "storage.parquet"])
def test_whatever_loads_arrow_has_it_take_memory_from_the_system(module: str) -> None:
    script = f"import {module}, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    env = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, env=env, check=True)
    assert done.stdout.strip() == "system"
