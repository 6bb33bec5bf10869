"""What is kept and how: files, Parquet tables, images by their sha256, immutable versions.

Knows fsspec and Parquet; knows no stage and no Prefect.
"""

import gc
import os

# Arrow's own memory pools keep a heap for each thread, and what one thread takes and another gives back is lost to
# both: 27 KB for each row that is fetched. Read when Arrow is loaded, so that this comes first.
os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")

# What is imported is no garbage, and tables are no cycles: to look for some as often as by default is a tenth of what
# it takes to start.
gc.set_threshold(20_000, 50, 50)
