"""Indexes are learnt on one thread here, as in stages: on cores that others use, threads wait for each other."""

import faiss
import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)
