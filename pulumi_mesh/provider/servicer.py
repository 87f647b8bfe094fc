# SPDX-License-Identifier: Apache-2.0
"""The wire contract ``pulumirpc.ResourceProvider`` (provider.proto of Pulumi), and nothing else."""

from __future__ import annotations

import functools
import os
import threading
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf.empty_pb2 import Empty
from pulumi.runtime.proto import plugin_pb2, provider_pb2_grpc, status_pb2
from pulumi.runtime.proto import provider_pb2 as wire

from .._version import VERSION
from .host import Host
from .properties import decode, encode

if TYPE_CHECKING:
    from .kept import Kept
    from .provider import Provider

Struct = Any

_KINDS = {
    ("add", False): wire.PropertyDiff.ADD,
    ("add", True): wire.PropertyDiff.ADD_REPLACE,
    ("delete", False): wire.PropertyDiff.DELETE,
    ("delete", True): wire.PropertyDiff.DELETE_REPLACE,
    ("update", False): wire.PropertyDiff.UPDATE,
    ("update", True): wire.PropertyDiff.UPDATE_REPLACE,
}


def _told(call: Callable[..., Any]) -> Callable[..., Any]:
    """Errors of ours end the call with one line; the engine shows it at the resource."""

    @functools.wraps(call)
    def answering(self: Servicer, request: Any, context: grpc.ServicerContext) -> Any:
        from .._core.model.errors import MeshError
        from .provider import InitFailed

        try:
            return call(self, request, context)
        except InitFailed as failed:
            _init_failed(context, failed)
        except MeshError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        except Exception as error:
            # Nothing of its text: it may hold values.
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{place.filename.rpartition('/')[2]}:{place.lineno}"
            context.abort(grpc.StatusCode.INTERNAL, f"a fault of the provider: {type(error).__name__} at {where}")

    return answering


def _init_failed(context: grpc.ServicerContext, failed: Any) -> NoReturn:
    """A failure that says what there is nevertheless, as the engine looks for it among the status's details."""
    detail = wire.ErrorResourceInitFailed(
        id=failed.id, properties=encode(failed.outputs), inputs=encode(failed.inputs), reasons=[str(failed.error)]
    )
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=str(failed.error))
    status.details.add().Pack(detail)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(grpc.StatusCode.UNKNOWN, str(failed.error))
    raise AssertionError("abort raises")


class Servicer(provider_pb2_grpc.ResourceProviderServicer):
    """One engine's provider. The core is loaded by the first call that needs it, so that the first answer is early."""

    def __init__(self, engine: str = "") -> None:
        self._host = Host(engine)
        self._configured: Struct | None = None
        self._made: Provider | None = None
        self._making = threading.Lock()

    @property
    def _provider(self) -> Provider:
        """Made by the first call that needs it."""
        from .configuration import configure
        from .provider import Provider

        with self._making:
            if self._made is None:
                properties = {} if self._configured is None else decode(self._configured)
                self._made = Provider(configure(properties, os.environ), self._host)
            return self._made

    def stop(self) -> None:
        """End what runs: the engine has gone."""
        if self._made:
            self._made.cancel()

    # -- the plugin -------------------------------------------------------------------------------------------

    def Handshake(self, request: Any, context: Any) -> Any:
        self._host = Host(request.engine_address)
        return wire.ProviderHandshakeResponse(accept_secrets=True)

    def Attach(self, request: Any, context: Any) -> Any:
        self._host = Host(request.address)
        return Empty()

    def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=VERSION)

    @_told
    def GetSchema(self, request: Any, context: Any) -> Any:
        from .schema import text

        return wire.GetSchemaResponse(schema=text())

    @_told
    def Cancel(self, request: Any, context: Any) -> Any:
        self._provider.cancel()
        return Empty()

    # -- configuration ----------------------------------------------------------------------------------------

    @_told
    def CheckConfig(self, request: Any, context: Any) -> Any:
        from .configuration import problems, protected

        news = decode(request.news)
        return wire.CheckResponse(inputs=encode(protected(news)), failures=_failures(problems(news, os.environ)))

    @_told
    def DiffConfig(self, request: Any, context: Any) -> Any:
        from .configuration import moved

        before = decode(request.old_inputs if request.HasField("old_inputs") else request.olds)
        changed = sorted(key for key, value in decode(request.news).items() if before.get(key) != value)
        changed += sorted(key for key in before if key not in request.news.fields)
        replaces = changed if moved(before, decode(request.news), os.environ) else []
        return wire.DiffResponse(
            changes=wire.DiffResponse.DIFF_SOME if changed else wire.DiffResponse.DIFF_NONE,
            diffs=changed,
            replaces=replaces,
        )

    @_told
    def Configure(self, request: Any, context: Any) -> Any:
        with self._making:
            self._configured, self._made = request.args, None
        return wire.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    # -- resources --------------------------------------------------------------------------------------------

    def _life(self, request: Any) -> Provider | Kept:
        return self._provider.life(_type(request.urn))

    @_told
    def Check(self, request: Any, context: Any) -> Any:
        news, olds = decode(request.news), decode(request.olds)
        inputs, found = self._life(request).check(_type(request.urn), request.urn, olds, news)
        return wire.CheckResponse(inputs=encode(inputs), failures=_failures(found))

    @_told
    def Diff(self, request: Any, context: Any) -> Any:
        state, after = decode(request.olds), decode(request.news)
        before = decode(request.old_inputs) if request.HasField("old_inputs") else state
        found = self._life(request).diff(_type(request.urn), request.urn, before, state, after)
        detailed = {
            path: wire.PropertyDiff(
                kind=_KINDS[kind, path in found.replaces],
                inputDiff=path in found.inputs,
            )
            for path, kind in found.paths.items()
        }
        return wire.DiffResponse(
            changes=wire.DiffResponse.DIFF_SOME if found.some else wire.DiffResponse.DIFF_NONE,
            replaces=found.replaces,
            diffs=sorted({path.partition("[")[0].partition(".")[0] for path in found.paths}),
            detailedDiff=detailed,
            hasDetailedDiff=True,
            deleteBeforeReplace=bool(found.replaces) and found.delete_first,
        )

    @_told
    def Create(self, request: Any, context: Any) -> Any:
        made = self._life(request).create(
            _type(request.urn), request.urn, _within(request, decode(request.properties)), preview=request.preview
        )
        return wire.CreateResponse(id=made[0], properties=encode(made[1]))

    @_told
    def Read(self, request: Any, context: Any) -> Any:
        inputs = decode(request.inputs) if request.HasField("inputs") else {}
        old = request.id, inputs, decode(request.properties)
        found = self._life(request).read(_type(request.urn), request.urn, old)
        if not found.id:
            return wire.ReadResponse()
        return wire.ReadResponse(id=found.id, properties=encode(found.outputs), inputs=encode(found.inputs))

    @_told
    def Update(self, request: Any, context: Any) -> Any:
        state = decode(request.olds)
        old = request.id, decode(request.old_inputs) if request.HasField("old_inputs") else state, state
        after = _within(request, decode(request.news))
        outputs = self._life(request).update(_type(request.urn), request.urn, old, after, preview=request.preview)
        return wire.UpdateResponse(properties=encode(outputs))

    @_told
    def Delete(self, request: Any, context: Any) -> Any:
        state = decode(request.properties)
        inputs = decode(request.old_inputs) if request.HasField("old_inputs") else state
        self._life(request).delete(_type(request.urn), request.urn, (request.id, _within(request, inputs), state))
        return Empty()

    @_told
    def Invoke(self, request: Any, context: Any) -> Any:
        answer, found = self._provider.invoke(request.tok, decode(request.args))
        return wire.InvokeResponse(**{"return": encode(answer)}, failures=_failures(found))


def _type(urn: str) -> str:
    """The type's token: ``urn:pulumi:stack::project::parent$mesh:index:ControlPlane::name``."""
    return urn.split("::")[2].rpartition("$")[2]


def _within(request: Any, inputs: dict[str, Any]) -> dict[str, Any]:
    """With the option customTimeouts, the wait is as long as that says."""
    return {**inputs, "waitTimeout": int(request.timeout)} if request.timeout else inputs


def _failures(found: Iterable[tuple[str, str]]) -> list[Any]:
    return [wire.CheckFailure(property=path, reason=reason) for path, reason in found]
