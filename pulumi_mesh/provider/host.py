# SPDX-License-Identifier: Apache-2.0
"""The engine as the provider's host: where log lines go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

INFO, WARNING, ERROR = engine_pb2.INFO, engine_pb2.WARNING, engine_pb2.ERROR


class Host:
    """A connection to the engine's logs; without an address everything goes nowhere."""

    def __init__(self, address: str = "") -> None:
        self._engine: Any = engine_pb2_grpc.EngineStub(grpc.insecure_channel(address)) if address else None

    def log(self, urn: str, text: str, severity: Any = INFO, *, passing: bool = False) -> None:
        """A message about a resource; ``passing`` ones are shown only while it is being worked on."""
        if self._engine is None:
            return
        request = engine_pb2.LogRequest(severity=severity, message=text, urn=urn, ephemeral=passing)
        try:
            self._engine.Log(request, timeout=5)
        except grpc.RpcError:
            return  # the engine has gone; what the run does is not less true for it

    def progress(self, urn: str) -> Callable[[str], None]:
        """Takes lines of progress."""
        return lambda line: self.log(urn, line, passing=True)
