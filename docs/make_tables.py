"""Writes docs/reference/tables.md from the schemas and reason codes: `python docs/make_tables.py`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from storage.tables import captions, retrieval, training, versions
from storage.tables.catalogue import ALL_TABLES
from storage.tables.spec import TableSpec

HEAD = """# Tables

```python
import pandas as pd

verdicts = pd.read_parquet("data/versions/landmarks/1-0123456789ab/verdicts.parquet")
```

Every table is a Parquet file, with its columns' descriptions in the schema. pandas, DuckDB and Hugging Face
`datasets` open it as it is. Rows are sorted by the key, and the same rows give the same bytes. Written from
`storage/tables/` by `make docs`.

- **Boxes** are float32 `x1, y1, x2, y2`, half-open, in pixels of the stored image after its EXIF orientation.
- **`image_id`** is the list's id. A list without ids gets the first 16 hexadecimal digits of sha256(`CLASS_ID URL`);
  a folder, the path relative to it.
- **`landmark_id`** is "" where the list gives no class.
- **`reason`** is one of the [reason codes](reasons.md). **`evidence`** is a JSON object whose names depend on the
  reason.
- **Addresses** never have a user name or password. `sources` has addresses in full; in the `images`, `fetch_log` and
  `verdicts` of a version [tokens are redacted](../guides/security.md#tokens-and-passwords-in-addresses). Tables
  between stages have them in full.

| | tables | and |
|---|---|---|
| a version | {published} | |
| captions | {captions} | {matrices} |
| a certificate | {certified} | |
| an index | {index} | {files} |
| a network | {trained} | {weights} |

All other tables are between stages.
"""


def page() -> str:
    """The page."""
    head = HEAD.format(
        published=_names(versions.VERSION_TABLES),
        captions=_names(captions.CAPTION_TABLES),
        matrices=" and ".join(f"`{name}.npz`" for name in captions.CAPTION_MATRICES),
        certified=_names(versions.CERTIFICATE_TABLES),
        index=_names(retrieval.INDEX_TABLES),
        files="; ".join(retrieval.INDEX_FILES.values()),
        trained=_names(training.NETWORK_TABLES),
        weights="; ".join(training.NETWORK_FILES.values()),
    )
    return "\n".join([head, *map(section, ALL_TABLES)])


def _names(specs: Iterable[TableSpec[Any]]) -> str:
    return ", ".join(f"`{spec.name}`" for spec in specs)


def section(spec: TableSpec[Any]) -> str:
    """One table: what a row is, its key, its columns."""
    lines = [
        f"## {spec.name}\n",
        f"{spec.row} Key: {', '.join(f'`{name}`' for name in spec.key)}.\n",
        "| column | type | |",
        "|---|---|---|",
    ]
    for column in spec.schema:
        text = column.metadata[b"description"].decode()
        lines.append(f"| `{column.name}` | {column.type}{' or null' if column.nullable else ''} | {text} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    (Path(__file__).parent / "reference/tables.md").write_text(page())
