"""What is kept and how: files, Parquet tables, images by their sha256, immutable versions.

Knows fsspec and Parquet; knows no stage and no Prefect.
"""
