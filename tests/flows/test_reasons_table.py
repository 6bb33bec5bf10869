"""The table of reasons that a curation ends with."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from rich.console import Console

from flows.commands.reasons import advise_allowing, describe_reasons
from storage.manifest import Manifest
from storage.parquet import write_table
from storage.reasons import Reason
from storage.root import Root
from storage.tables.versions import VERDICTS


def said(shown: Any, width: int = 80) -> str:
    console = Console(width=width, no_color=True)
    with console.capture() as capture:
        console.print(shown)
    return capture.get()


def version_of(first: Manifest, root: Root, *verdicts: tuple[Reason, str, str | None]) -> Manifest:
    """A version like the first, with these verdicts: reason, address, and the address that it led to."""
    rows = [
        {
            "row": row,
            "image_id": str(row),
            "landmark_id": "a",
            "verdict": "kept" if reason is Reason.KEPT else "dropped",
            "stage": reason.stage,
            "reason": str(reason),
            "evidence": json.dumps({"url": url} | ({"final_url": final} if final else {})),
        }
        for row, (reason, url, final) in enumerate(verdicts)
    ]
    table = pa.Table.from_pylist(rows, VERDICTS.schema)
    ref = write_table(root, f"{first.folder}/verdicts.parquet", VERDICTS, table)
    ref = ref.model_copy(update={"path": "verdicts.parquet"})
    return first.model_copy(update={"tables": {**first.tables, "verdicts": ref}})


def test_each_reason_of_a_version_is_counted(first_run: tuple[Path, Any]) -> None:
    root, run = first_run
    lines = said(describe_reasons(Root(str(root)), run.version)).splitlines()
    counts = {line.split()[0]: line.split()[1] for line in lines[1:] if not line.startswith(" ")}
    expected = ("duplicate-image", "duplicate-row", "http-error", "no-match", "not-an-image", "test-copy")
    assert counts == dict.fromkeys(expected, "1")


@pytest.mark.parametrize("width", [80, 60])
def test_the_table_is_readable_in_a_narrow_terminal(first_run: tuple[Path, Any], tmp_path: Path, width: int) -> None:
    root = Root(str(tmp_path))
    every = [(reason, "http://h/a.jpg", None) for reason in Reason]
    shown = said(describe_reasons(root, version_of(first_run[1].version, root, *every)), width)
    lines = shown.splitlines()
    assert all(len(line) <= width for line in lines)
    assert any(line.startswith("others") for line in lines)
    assert all(str(reason) in shown.replace("\n", " ") for reason in Reason if reason is not Reason.KEPT)


@pytest.mark.parametrize("reason", [reason for reason in Reason if "[" in reason.remedy])
def test_the_setting_to_change_is_named_with_its_section(
    first_run: tuple[Path, Any], tmp_path: Path, reason: Reason
) -> None:
    root = Root(str(tmp_path))
    shown = said(describe_reasons(root, version_of(first_run[1].version, root, (reason, "http://h/a.jpg", None))), 300)
    assert reason.remedy.replace("`", "") in shown


def test_who_was_blocked_is_told_how_to_allow(first_run: tuple[Path, Any], tmp_path: Path) -> None:
    root = Root(str(tmp_path))
    version = version_of(
        first_run[1].version,
        root,
        (Reason.BLOCKED_ADDRESS, "http://127.0.0.1:8765/a.jpg", "http://127.0.0.1:8765/a.jpg"),
        (Reason.BLOCKED_ADDRESS, "https://Pictures.intern/a.jpg", None),
        (Reason.BLOCKED_ADDRESS, "http://[::1]/a.jpg", None),
        (Reason.BLOCKED_ADDRESS, "http://public.example/a.jpg", "http://10.0.0.7/admin"),  # led there by a stranger
        (Reason.KEPT, "http://public.example/b.jpg", None),
    )
    shown = said(describe_reasons(root, version), 300)
    assert shown.count("--allow-host") == 4
    for host in ("127.0.0.1:8765", "pictures.intern:443", "[::1]:80"):
        assert f"--allow-host {host}" in shown
    assert "10.0.0.7" not in shown


def test_many_blocked_hosts_are_counted() -> None:
    shown = said(advise_allowing(Counter({f"10.0.0.{n}:80": n for n in range(1, 10)})), 200)
    assert "45 of the list" in shown
    assert "10.0.0.9:80" in shown
    assert "(and 4 more)" in shown


def test_nothing_dropped_is_said_so(first_run: tuple[Path, Any], tmp_path: Path) -> None:
    root = Root(str(tmp_path))
    version = version_of(first_run[1].version, root, (Reason.KEPT, "http://h/a.jpg", None))
    assert said(describe_reasons(root, version)) == "no row was dropped\n"
