# SPDX-License-Identifier: Apache-2.0
"""Every option that may hold a secret has a canary: a new one without fails here."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mesh.model.options import Connection
from mesh.model.spec import fields
from mesh.operations.registry import OPERATIONS

from .canaries import Canaries
from .cases import Place, cases

CONNECTION = importlib.import_module("plugins.module_utils._ansible").CONNECTION
#: Options of connections that hold no secret, but name one, or something public.
_PUBLIC = {
    "context",
    "ca_cert",
    "validate_certs",
    "client_cert",
    "client_key",
    "impersonate_user",
    "impersonate_groups",
}


def secret_fields(spec: Any, path: str) -> Iterator[str]:
    """Options that are marked secret, and those whose content is free."""
    for field in fields(spec):
        place, wanted = f"{path}.{field.name}", field.type.item or field.type
        if field.option.secret or wanted.kind == "object":
            yield place
        elif wanted.struct:
            yield from secret_fields(wanted.struct, place)


def given(canaries):
    """The cases, which for this need no cluster."""
    return list(cases(canaries, Place("https://192.0.2.1:6443", Path(__file__), "kubeconfig", "context", "namespace")))


def test_every_secret_field_has_a_canary():
    wanted = {place for name, operation in OPERATIONS.items() for place in secret_fields(operation.spec, name)}
    wanted |= {f"connection.{name}" for name in CONNECTION if name not in _PUBLIC}
    assert wanted == {place for case in given(Canaries()) for place in case.covers}


def test_the_options_of_connections_are_those():
    # Whether to trust a kubeconfig is for the front to say, not for users.
    assert set(CONNECTION) == set(Connection.__dataclass_fields__) - {"trusted"}
    assert CONNECTION["api_key"]["no_log"]


def test_every_canary_is_in_what_tasks_are_given():
    canaries = Canaries()
    shown = str([(case.arguments, dict(case.task)) for case in given(canaries)]).encode()
    found = {what.rpartition(": ")[0] for what in canaries.found(shown)}
    assert found == {canary.name for canary in canaries.all}
