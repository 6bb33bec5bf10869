"""Fifty hosts in a process of their own, which note what each of them was asked and when.

`python -m bench.fetching.hosts_site PORT LOG` serves until its standard input ends, and then writes the log: per host
the requests, each with the seconds of its start and its end by one clock.
"""

import asyncio
import io
import json
import sys
from collections import defaultdict
from pathlib import Path
from time import monotonic

import numpy as np
from PIL import Image

HOSTS = [f"127.0.0.{number}" for number in range(1, 51)]
SLOW = {HOSTS[9]: 0.5, HOSTS[19]: 1.0}
"""Seconds before these answer."""
FAILING, SILENT, REFUSING = HOSTS[29], HOSTS[39], HOSTS[49]
"""500 to all; no answer at all; nobody listens."""

Log = dict[str, list[tuple[str, float, float]]]


def main(port: str, log: str) -> None:
    """Serves, and writes the log."""
    seen: Log = defaultdict(list)
    asyncio.run(_serve(int(port), seen))
    Path(log).write_text(json.dumps(seen))


async def _serve(port: int, seen: Log) -> None:
    picture = _picture()

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host = writer.get_extra_info("sockname")[0]
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                started, path = monotonic(), head.split(b" ", 2)[1].decode()
                if host == SILENT and path != "/robots.txt":
                    await reader.read()  # until the other side leaves
                    seen[host].append((path, started, monotonic()))
                    return
                await asyncio.sleep(SLOW.get(host, 0))
                seen[host].append((path, started, monotonic()))  # before the last byte: what comes then is the next one
                writer.write(_answer(host, path, picture))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    listening = [host for host in HOSTS if host != REFUSING]
    server = await asyncio.start_server(converse, listening, port, backlog=256)
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()


def _answer(host: str, path: str, picture: bytes) -> bytes:
    if path == "/robots.txt":
        status, body = "404 Not Found", b""
    elif host == FAILING:
        status, body = "500 Internal Server Error", b""
    else:
        status, body = "200 OK", picture
    head = f"HTTP/1.1 {status}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def _picture() -> bytes:
    """A small picture, so that the processor does not decide; it is synthetic."""
    patches = np.random.default_rng(0).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    sink = io.BytesIO()
    Image.fromarray(patches).resize((96, 80)).save(sink, "JPEG")
    return sink.getvalue()


if __name__ == "__main__":
    main(*sys.argv[1:])
