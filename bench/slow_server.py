"""An HTTP server on this machine that answers every GET after a second; GET /stat counts its answers."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from time import monotonic, time
from urllib.request import urlopen

DELAY_SECONDS = 1.0
CONNECTIONS = 2048
# Nobody needs it longer; it must not outlive a measurement that was killed.
LIFETIME_SECONDS = 1800


class Server:
    """Counts the answers that took their second, and when the last one left."""

    def __init__(self) -> None:
        self.done, self.last = 0, 0.0
        self._places = asyncio.Semaphore(CONNECTIONS)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A client that goes away is its own business.
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            async with self._places:
                body = await self._answer(await reader.readuntil(b"\r\n\r\n"))
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
        writer.close()

    async def _answer(self, head: bytes) -> bytes:
        if head.startswith(b"GET /stat"):
            return json.dumps({"done": self.done, "last": self.last}).encode()
        await asyncio.sleep(DELAY_SECONDS)
        self.done, self.last = self.done + 1, time()
        return b"ok"


@contextmanager
def running() -> Iterator[str]:
    """The server in a process of its own; gives its address."""
    words = [sys.executable, "-m", "bench.slow_server"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield f"http://127.0.0.1:{int(next(iter(server.stdout or ())))}/"
        finally:
            server.terminate()


def answered(address: str) -> int:
    return int(_statistics(address)["done"])


def last_answer(address: str) -> float:
    """When it was sent, in seconds since 1970."""
    return _statistics(address)["last"]


def _statistics(address: str) -> dict[str, float]:
    with urlopen(f"{address}stat", timeout=20) as answer:  # noqa: S310
        found: dict[str, float] = json.load(answer)
        return found


def seconds_of_many(address: str, count: int) -> float:
    """What so many GETs at once take from one thread that does nothing else."""

    async def ask() -> None:
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", int(address.rstrip("/").rpartition(":")[2])
        )
        writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        await reader.read()
        writer.close()

    async def ask_all() -> None:
        await asyncio.gather(*(ask() for _ in range(count)))

    began = monotonic()
    asyncio.run(ask_all())
    return monotonic() - began


async def _main() -> None:
    server = await asyncio.start_server(Server().serve, "127.0.0.1", 0, backlog=CONNECTIONS)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.sleep(LIFETIME_SECONDS)


if __name__ == "__main__":
    asyncio.run(_main())
