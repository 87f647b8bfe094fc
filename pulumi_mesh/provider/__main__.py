# SPDX-License-Identifier: Apache-2.0
"""``pulumi-resource-mesh [ENGINE]``: serves one engine on loopback, and says on which port."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import grpc
from pulumi.runtime.proto import provider_pb2_grpc

from .servicer import Servicer

#: As in the engine: a message holds a whole resource.
_LARGEST_MESSAGE = 400 * 1024 * 1024
#: The engine's own limit is how many resources it works on at once; each keeps one thread, and Cancel needs one, too.
_THREADS = 1024
#: How often we look whether the engine is still there, and how long runs may take to give their locks back.
_LOOK_SECONDS, _GRACE_SECONDS = 1.0, 4.0  # the engine waits for five seconds


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until the engine ends us."""
    given = [item for item in (sys.argv[1:] if arguments is None else arguments) if not item.startswith("-")]
    limits = [(f"grpc.max_{way}_message_length", _LARGEST_MESSAGE) for way in ("send", "receive")]
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=limits)
    servicer = Servicer(given[0] if given else "")
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    ended = threading.Event()
    # The engine says goodbye with SIGINT; a terminal's does not reach us, as plugins are process groups of their own.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    engine = os.getppid()
    # The first line of the output is the port; nothing else is ever written there. Whoever has read it may end us.
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    while not ended.wait(_LOOK_SECONDS) and os.getppid() == engine:
        pass
    servicer.stop()
    server.stop(_GRACE_SECONDS).wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
