# SPDX-License-Identifier: Apache-2.0
"""A far-away API server: a TCP forwarder that holds every byte back for half a round trip, each way.

Not tc netem, which many kernels (such as those of small virtual machines) are built without. A connection's first
bytes wait one round trip longer: the handshake, which the forwarder's own answer hides. Bandwidth is not limited.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

_CHUNK = 1 << 16


@contextmanager
def delayed(server: str, round_trip: float) -> Iterator[str]:
    """The address of a forwarder to that server, in a process of its own for the length of the block."""
    address = urlsplit(server)
    command = [sys.executable, str(Path(__file__)), str(address.hostname), str(address.port), str(round_trip)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as forwarder:
        try:
            assert forwarder.stdout
            yield f"https://127.0.0.1:{int(forwarder.stdout.readline())}"
        finally:
            forwarder.terminate()


async def _serve(host: str, port: int, round_trip: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, port)
        await asyncio.gather(
            _carry(reader, far_writer, round_trip / 2, round_trip), _carry(far_reader, writer, round_trip / 2, 0)
        )

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, limit=_CHUNK)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await listening.serve_forever()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, delay: float, first: float) -> None:
    """Pass bytes on, each chunk after its delay; the chunks behind it are on their way meanwhile."""
    clock = asyncio.get_running_loop().time
    under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    async def deliver() -> None:
        while True:
            due, data = await under_way.get()
            await asyncio.sleep(max(0.0, due - clock()))
            if not data:
                break
            writer.write(data)
            await writer.drain()
        writer.close()

    delivering = asyncio.create_task(deliver())
    earliest = clock() + first
    try:
        while data := await reader.read(_CHUNK):
            await under_way.put((max(clock(), earliest) + delay, data))
    except OSError:
        pass  # a connection that was cut ends like one that was closed
    await under_way.put((clock() + delay, b""))
    try:
        await delivering
    except OSError:
        reader.feed_eof()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
