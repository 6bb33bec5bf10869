"""`cairn triplets …`: what people call more alike, asked and counted."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.table import Table
from rich.text import Text

from flows.commands.examples import examples_of
from flows.commands.options import JsonOption
from flows.commands.terminal import console, print_json

app = typer.Typer(help="Ask people which of two images is more like a third, and count how they agree.")


@app.command(epilog=examples_of("triplets collect"))
def collect(
    folder: Annotated[Path, typer.Option(help="Folder of the images.")],
    out: Annotated[Path, typer.Option(help="CSV file that answers are added to; goes on where it was.")],
    triplets: Annotated[
        Path | None, typer.Option(help="CSV or Parquet of query,a,b: paths in the folder; none: drawn at random.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="Triplets drawn, at most one an image.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Another number draws other triplets.")] = 0,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of this machine to listen at.")] = 4281,
) -> None:
    """Ask in a browser of this machine, and keep every answer at once; until Ctrl-C."""
    import uvicorn

    from flows.serving.answer_sheet import AnswerSheet
    from flows.serving.questions import collecting_pages
    from tasks.evaluate.questions import draw_questions, list_images, read_questions

    images = list_images(folder)
    questions = read_questions(triplets, images) if triplets else draw_questions(images, count, seed)
    pages = collecting_pages(folder, questions, AnswerSheet(out), ["127.0.0.1", "localhost"])
    console.print(f"{len(questions):,} triplets; ask at http://127.0.0.1:{port}/", highlight=False, soft_wrap=True)
    uvicorn.run(pages, host="127.0.0.1", port=port, log_level="warning")


@app.command(epilog=examples_of("triplets agree"))
def agree(
    answers: Annotated[Path, typer.Argument(help="CSV or Parquet of answers or votes: docs/guides/captions.md.")],
    as_json: JsonOption = False,
) -> None:
    """Print how far people agree with each other, each left out in turn."""
    from tasks.evaluate.answers import read_answers
    from tasks.evaluate.people import agreement_between, agreement_of_each

    triplets = read_answers(answers)
    shared = [one for one in triplets if len(one.answers) > 1]
    unanimous = sum(one.unanimous for one in triplets)
    each = agreement_of_each(triplets) if shared else {}
    if as_json:
        people = {person: {"triplets": count, "agrees": share} for person, (count, share) in each.items()}
        agreed = agreement_between(triplets) if shared else None
        counts = {"triplets": len(triplets), "shared": len(shared), "unanimous": unanimous}
        print_json({**counts, "people": people, "agreement": agreed})
        return
    counted = f"{len(triplets):,} triplets, {len(shared):,} answered by several people, {unanimous:,} of them alike"
    console.print(counted, highlight=False)
    if not shared:
        console.print("no agreement yet: it takes a triplet that two people answered")
        return
    spread = f", ± {100 * np.std([share for _, share in each.values()]):.1f} between people" if each else ""
    if each:
        console.print(_people(each))
    found = f"agreement, each left out in turn: {100 * agreement_between(triplets):.1f} %"
    console.print(found + spread, highlight=False)


def _people(each: dict[str, tuple[int, float]]) -> Table:
    table = Table("person", box=None)
    table.add_column("triplets", justify="right")
    table.add_column("agrees with the others", justify="right")
    for person, (count, share) in each.items():
        table.add_row(Text(person), f"{count:,}", f"{100 * share:.1f} %")
    return table
