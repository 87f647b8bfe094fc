# SPDX-License-Identifier: Apache-2.0
"""The schemas of a cluster's kinds, as the API server publishes them to everybody (OpenAPI v3, KEP-2896)."""

from __future__ import annotations

from ..model.objects import Object
from .failures import ApiFailure, Unanswered
from .transport import Transport


class Schemas:
    """Each group and version is asked for once."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._known: dict[str, Object] = {}

    def of(self, api_version: str) -> Object:
        """The schemas of a group and version by name; none where the server does not tell. Then it says itself what
        does not fit, when it is written."""
        if api_version not in self._known:
            self._known[api_version] = self._published(api_version)
        return self._known[api_version]

    def _published(self, api_version: str) -> Object:
        path = f"/openapi/v3/apis/{api_version}"
        try:
            answer = self._transport.request("GET", path, repeat="once", optional=True)
        except (ApiFailure, Unanswered):
            return {}
        components = answer.get("components")
        schemas = components.get("schemas") if isinstance(components, dict) else None
        return schemas if isinstance(schemas, dict) else {}
