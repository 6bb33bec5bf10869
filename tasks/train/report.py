"""The card and the report of a trained network: what it learned from, how it went, and what it scored."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from storage.manifest import NetworkManifest
from storage.tables.captions import CAPTION_VOCABULARY
from storage.tables.training import NETWORK_FILES, NETWORK_TABLES, TEXT_FILES
from tasks.pages.curves import draw_curves
from tasks.pages.rendering import style_sheet, template_environment
from tasks.pages.words import flatten

_TEMPLATES = Path(__file__).parent / "templates"
_SMOOTHED = 16  # iterations of which the mean loss is drawn


def render_card(manifest: NetworkManifest, scores: pd.DataFrame) -> str:
    """Returns the model card as Markdown with YAML front matter.

    Args:
        scores: the table `scores`.
    """
    template = template_environment(_TEMPLATES).get_template("card-of-network.md")
    compared = compare_scores(manifest, scores)
    specs = [spec for spec in (*NETWORK_TABLES, CAPTION_VOCABULARY) if spec.name in manifest.tables]
    files = {name: told for name, told in (NETWORK_FILES | TEXT_FILES).items() if name in manifest.tables}
    return template.render(manifest=manifest, compared=compared, specs=specs, files=files)


def render_report(
    manifest: NetworkManifest, losses: pd.DataFrame, scores: pd.DataFrame, left_out: Sequence[Mapping[str, str]]
) -> Iterator[tuple[str, bytes]]:
    """Yields the files of the report as (path in the version's folder, bytes).

    Args:
        losses, scores: the tables of these names. left_out: rows of the table `left_out`.
    """
    page = template_environment(_TEMPLATES).get_template("training.html")
    plots = draw_training(manifest.best, losses, scores)
    settings, compared = list(flatten(manifest.settings)), compare_scores(manifest, scores)
    told = {"compared": compared, "plots": plots, "settings": settings, "left_out": left_out}
    yield "report/index.html", page.render(base="", manifest=manifest, **told).encode()
    for name, plot in plots.items():
        yield f"report/{name}.svg", plot.encode()
    yield f"report/{style_sheet()[0]}", style_sheet()[1]


def draw_training(best: int, losses: pd.DataFrame, scores: pd.DataFrame) -> dict[str, str]:
    """Plots of the loss and of the scores over the iterations, as SVG, by name."""
    smooth = losses.loss.rolling(_SMOOTHED, min_periods=1).mean()
    curves = {"each": list(zip(losses.iteration, losses.loss, strict=True))}
    curves[f"mean of {_SMOOTHED}"] = list(zip(losses.iteration, smooth, strict=True))
    known = scores.dropna(subset=["score"])
    mean = {
        f"{test_set} {protocol}": list(zip(own.iteration, own.score, strict=True))
        for (test_set, protocol), own in known.groupby(["test_set", "protocol"])
    }
    return {
        "loss": draw_curves("loss", "iteration", curves),
        "scores": draw_curves("score", "iterations; the dashed line is the network that is given", mean, 1.0, best),
    }


def compare_scores(manifest: NetworkManifest, scores: pd.DataFrame) -> list[dict[str, Any]]:
    """Before and after, a row for each test set and protocol, with the certificate of the version against the set."""
    known = scores.dropna(subset=["score"]).set_index(["test_set", "protocol", "iteration"]).sort_index()
    rows = []
    for (test_set, protocol), own in known.groupby(["test_set", "protocol"]):
        if not {0, manifest.best} <= {*own.index.get_level_values("iteration")}:
            continue  # a set of which no query could be scored then
        before, after = (own.xs(iteration, level="iteration").iloc[0] for iteration in (0, manifest.best))
        rows.append(
            {
                "test_set": test_set,
                "protocol": protocol,
                "queries": int(before.queries),
                "before": before.score,
                "after": after.score,
                "certificate": manifest.certificates.get(str(test_set), ""),
            }
        )
    return rows
