"""What each host of a list gave."""

import pandas as pd

from tasks.acquire.address import host_of

WELL = ("fetched", "md5-mismatch", "unchanged")
"""The outcomes of `fetch_log` after which there is an image."""


def by_host(log: pd.DataFrame) -> pd.DataFrame:
    """Sums up a fetch log by host, those with most addresses first.

    Args:
        log: url, outcome, bytes, seconds and attempts of `fetch_log`.

    Returns:
        host, addresses, fetched, failed, failures (what they were, the most frequent first), megabytes, tries per
        address, and the median of seconds per address.
    """
    rows = log.assign(host=log.url.map(host_of), fetched=log.outcome.isin(WELL))
    hosts = rows.groupby("host").agg(
        addresses=("url", "size"),
        fetched=("fetched", "sum"),
        megabytes=("bytes", "sum"),
        tries=("attempts", "mean"),
        seconds=("seconds", "median"),
    )
    failed = rows[~rows.fetched].groupby("host").outcome
    hosts["failed"] = hosts.addresses - hosts.fetched
    hosts["failures"] = failed.agg(_in_words).reindex(hosts.index, fill_value="")
    hosts["megabytes"] = (hosts.megabytes / 1e6).round(1)
    hosts = hosts.round({"tries": 2, "seconds": 3}).reset_index().sort_values("host")
    order = ["host", "addresses", "fetched", "failed", "failures", "megabytes", "tries", "seconds"]
    return hosts.sort_values("addresses", ascending=False, kind="stable", ignore_index=True)[order]


def _in_words(outcomes: pd.Series) -> str:
    counts = outcomes.value_counts()
    return ", ".join(
        f"{outcome} {counts[outcome]:,}" for outcome in sorted(counts.index, key=lambda o: (-counts[o], o))
    )
