"""Writes docs/reference/reasons.md from the reason codes: `python docs/make_reasons.py`."""

from itertools import groupby
from pathlib import Path

from storage.reasons import PassedOver, Reason

HEAD = """# Reason codes

Every row of a list ends as `kept` or with one of these codes: in `verdicts.parquet`, in the report and in
`cairn why IMAGE_ID`. They stand in the order of the stages, and the first stage that drops a row gives its code.

Written from `storage/reasons.py` by `make docs`.
"""
PASSED_OVER = """## Files that were passed over

A file of a folder or of a test set that was compared with nothing has a row in `passed_over.parquet`, with one of the
codes above or of these. "May a photograph be missed?" says whether a certificate is still clean.

To have such a photograph compared, put the file itself below the folder, readable. For a link that leads out, give the
folder that it leads to as a set of its own.

| code | what it means | may a photograph be missed? |
|---|---|---|"""


def page() -> str:
    """The page."""
    parts = [HEAD]
    for stage, codes in groupby((code for code in Reason if code is not Reason.KEPT), key=lambda reason: reason.stage):
        rows = [f"| `{code}` | {code.sentence} | {code.remedy} |" for code in codes]
        parts.append("\n".join([f"## {stage}\n", "| code | what it means | what to do |", "|---|---|---|", *rows, ""]))
    missed = [f"| `{code}` | {code.sentence} | {'yes' if code.counts else 'no'} |" for code in PassedOver]
    return "\n".join([*parts, PASSED_OVER, *missed, ""])


if __name__ == "__main__":
    (Path(__file__).parent / "reference/reasons.md").write_text(page())
