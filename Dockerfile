# Cairn for `compose.yaml`: server, workers and pages are the same image.
FROM python:3.11-slim-bookworm
WORKDIR /cairn
COPY . .
RUN pip install --no-cache-dir --constraint constraints.txt --editable ".[s3,train]" \
    && useradd --create-home cairn && mkdir data && chown --recursive cairn /cairn
USER cairn
ENV DO_NOT_TRACK=1
