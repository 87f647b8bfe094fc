# SPDX-License-Identifier: Apache-2.0
"""What is known of a kind of custom resources: from its definition, or from what an API server publishes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Optional

from ..model.objects import Object, group_of
from .keywords import Fault, Schema
from .schemas import faults


class Definition(NamedTuple):
    """The schema of a kind in one version, and the schemas to which it refers."""

    schema: Schema
    named: Mapping[str, Schema]

    def faults(self, obj: Object) -> list[Fault]:
        """Where an object does not fit."""
        return faults(obj, self.schema, self.named)


#: (apiVersion, kind) -> its definition; None where anything goes.
Definitions = dict[tuple[str, str], Optional[Definition]]  # noqa: UP045 - evaluated where Ansible checks imports


def declared(objects: Iterable[Object]) -> Definitions:
    """What CustomResourceDefinitions among objects say."""
    found: Definitions = {}
    for obj in objects:
        if obj["kind"] != "CustomResourceDefinition":
            continue
        spec = obj["spec"]
        for version in spec["versions"]:
            schema = (version.get("schema") or {}).get("openAPIV3Schema")
            kind = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
            found[kind] = Definition(schema, {}) if schema and not spec.get("preserveUnknownFields") else None
    return found


def published(api_version: str, kind: str, schemas: Mapping[str, Schema]) -> Definition | None:
    """What the schemas of a group and version, as an API server publishes them, say of a kind that a
    CustomResourceDefinition defines: its schema is named by the domain. Other API servers name theirs otherwise, and
    need not go by them."""
    domain = ".".join(reversed(group_of(api_version).split(".")))
    schema = schemas.get(f"{domain}.{api_version.rpartition('/')[2]}.{kind}")
    return Definition(schema, schemas) if isinstance(schema, Mapping) else None
