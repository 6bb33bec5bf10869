"""The work, one folder per stage: `task.py` is a stage's Prefect face, its neighbours are pure."""

import os

# Tasks are the parallelism: several of them with several native threads each would only get in each other's way. These
# are read when numpy, OpenCV and faiss are first imported, hence here.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
