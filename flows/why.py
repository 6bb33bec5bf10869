"""One image's verdict in words."""

import json

import pandas as pd
from rich.table import Table

from storage.manifest import Manifest
from storage.reasons import Reason
from storage.root import Root
from storage.versions import read_version_table


def explain(root: Root, version: Manifest, rows: pd.DataFrame) -> Table:
    """The verdict of one image with its evidence, its address, its group and its box, as a table to print.

    Args:
        rows: the rows of `verdicts` with the image's id; several where the list repeats it.
    """
    image_id = rows.iloc[0].image_id
    table = Table(title=f"{image_id} in {version.folder}", show_header=False, box=None, title_justify="left")
    for row in rows.itertuples():
        table.add_row("row", str(row.row + 1))
        table.add_row("class", str(row.landmark_id))
        table.add_row("verdict", f"[bold]{row.verdict}[/] by {row.stage}: {row.reason}")
        table.add_row("", Reason(str(row.reason)).sentence)
        for name, value in json.loads(str(row.evidence)).items():
            table.add_row(f"  {name}", str(value))
        if row.split:
            table.add_row("split", str(row.split))
    for name, columns in (
        ("fetch_log", ("url", "outcome", "status", "final_url", "attempts", "started_at", "detail")),
        ("images", ("path", "width", "height", "format", "md5_matches")),
        ("groups", ("group", "group_size", "neighbours")),
        ("boxes", ("x1", "y1", "x2", "y2", "supports", "spread")),
    ):
        found = read_version_table(root, version, name).to_pandas()
        for values in found[found.image_id == image_id][list(columns)].to_dict("records"):
            for column, value in values.items():
                if pd.notna(value):
                    table.add_row(
                        str(column), f"{value:.1f}" if isinstance(value, float) and name == "boxes" else str(value)
                    )
    return table
