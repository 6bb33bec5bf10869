"""What a run of fetching has come to so far, by reason and by host."""

import threading
import time
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field


@dataclass
class HostTally:
    """Addresses of one host: how many are asked for, and what became of those that are done."""

    rows: int = 0
    done: int = 0
    bytes: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)


class Tally:
    """Counts rows as they end. Thread-safe."""

    def __init__(self) -> None:
        self.hosts: dict[str, HostTally] = {}
        self._lock, self._begun = threading.Lock(), time.monotonic()

    def expect(self, hosts: Iterable[str]) -> None:
        """Notes that more rows are asked for: the host of each."""
        with self._lock:
            for host in hosts:
                self.hosts.setdefault(host, HostTally()).rows += 1

    def add(self, host: str, outcome: str, length: int) -> None:
        """Notes that an address has come to its outcome, as `fetch_log` has it, with a body of so many bytes."""
        with self._lock:
            own = self.hosts[host]
            own.done += 1
            own.bytes += length
            own.outcomes[outcome] += 1

    def total(self) -> HostTally:
        """Returns the counts of all hosts together."""
        with self._lock:
            hosts = list(self.hosts.values())
            whole = HostTally(
                rows=sum(own.rows for own in hosts),
                done=sum(own.done for own in hosts),
                bytes=sum(own.bytes for own in hosts),
            )
            for own in hosts:
                whole.outcomes.update(own.outcomes)
            return whole

    def failures(self, well: Collection[str]) -> Counter[str]:
        """Counts by host the addresses that came to another outcome than these."""
        with self._lock:
            failed = {host: own.done - sum(own.outcomes[name] for name in well) for host, own in self.hosts.items()}
            return Counter({host: count for host, count in failed.items() if count})

    def rate(self) -> float:
        """Returns rows a second since the beginning."""
        return self.total().done / max(time.monotonic() - self._begun, 1e-3)

    def seconds_left(self, host_rate: float) -> float:
        """Estimates the seconds until all expected rows have ended, at the rate so far or the slowest host's."""
        with self._lock:
            slowest = max((own.rows - own.done for own in self.hosts.values()), default=0) / host_rate
        whole = self.total()
        return max(slowest, (whole.rows - whole.done) / self.rate()) if whole.done else slowest
