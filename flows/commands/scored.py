"""The table of methods that were scored beside captions: lines, figures, and how they are printed and kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rich.table import Table
from rich.text import Text

from flows.commands.why import plain_text
from storage.errors import InputError
from tasks.evaluate.methods import MEASURES, Method

_FIGURES = ("agreement", "people", "unanimous", *MEASURES)
_SHOWN = {"agreement": "agreement", "people": "people", "unanimous": "unanimous", "ndcg": "NDCG", "pcc": "PCC"}


@dataclass(frozen=True)
class Row:
    """A method, what it is asked with, the index that it is of, and its figures, from 0 to 1; −1 to 1 of PCC.

    Attributes:
        spread: the standard deviation of each figure over runs, where there are several.
    """

    method: str
    query: str
    index: str
    figures: Mapping[str, float]
    spread: Mapping[str, float]


@dataclass(frozen=True)
class Line:
    """A method before it is scored; of one that draws by chance, several runs."""

    method: str
    query: str
    index: str
    runs: Sequence[Method]

    def row(self, figures: Sequence[Mapping[str, float]]) -> Row:
        """Makes the row of this method, from the figures of each run."""
        means = {name: float(np.mean([run[name] for run in figures])) for name in figures[0]}
        spread = {name: float(np.std([run[name] for run in figures], ddof=1)) for name in means if len(figures) > 1}
        return Row(self.method, self.query, self.index, means, spread)


def scores_table(rows: Sequence[Row]) -> Table:
    """Makes a table of the scores for the terminal, in percent."""
    shown = {name: told for name, told in _SHOWN.items() if any(name in row.figures for row in rows)}
    table = Table("method", "query", "index", box=None)
    for told in shown.values():
        table.add_column(told, justify="right")
    for row in rows:
        table.add_row(row.method, row.query, plain_text(row.index), *(_percent(row, name) for name in shown))
    return table


def _percent(row: Row, name: str) -> Text:
    if name not in row.figures or np.isnan(row.figures[name]):
        return Text("–")
    spread = f" ± {100 * row.spread[name]:.1f}" if name in row.spread else ""
    return Text(f"{100 * row.figures[name]:.1f}{spread}")


def facts_of_rows(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Returns the scores for programs: a flat dict for each row; null where there is no figure."""
    return [
        {
            **{name: getattr(row, name) for name in ("method", "query", "index")},
            **{name: _number(row.figures.get(name)) for name in _FIGURES},
            **{f"{name}_spread": _number(row.spread.get(name)) for name in _FIGURES},
        }
        for row in rows
    ]


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Writes the scores as a CSV file.

    Raises:
        InputError: it can't be written.
    """
    try:
        pd.DataFrame(facts_of_rows(rows)).to_csv(path, index=False)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}; give an --out that can be written") from error


def _number(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else value
