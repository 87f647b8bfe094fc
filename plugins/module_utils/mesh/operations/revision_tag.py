# SPDX-License-Identifier: Apache-2.0
"""Revision tags: stable names that namespaces point at while revisions come and go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..model.errors import MeshError
from ..model.objects import Object, ObjectSet, Ref
from ..model.operation import Declarative, Finding, Proof, Reader, Removal, State
from ..model.sets import DEFAULT_REVISION, manager
from ..model.specs.revision_tag import RevisionTagSpec
from ..render import tags
from . import discovery
from .proofs import tag_trusted

NAME = "revision_tag"


@dataclass(frozen=True)
class Facts:
    """All injectors, and (for removal) the namespaces that use the tag."""

    injectors: Sequence[Object]
    users: Sequence[str]


def observe(cluster: Reader, spec: RevisionTagSpec) -> Facts:
    """Read what decides."""
    selectors = [f"istio.io/rev={spec.tag}"] + (["istio-injection=enabled"] if spec.tag == DEFAULT_REVISION else [])
    users = [obj["metadata"]["name"] for text in selectors for obj in cluster.list("v1", "Namespace", "", text)]
    return Facts(discovery.injectors(cluster), users)


def preflight(spec: RevisionTagSpec, facts: Facts, state: State) -> Iterator[Finding]:
    """A tag must not hide a revision, must point at one, and must be free when it goes."""
    if state == "absent" and facts.users:
        text = f"is used by namespaces {', '.join(facts.users)}"
        yield Finding("pending", MeshError("in_use", text, where=f"tag {spec.tag}", hint="point them elsewhere first"))
    if state != "present":
        return
    if spec.tag != DEFAULT_REVISION and discovery.injector_of(facts.injectors, spec.tag):
        yield Finding("error", MeshError("invalid_option", "is the name of a revision", where="tag"))
    if spec.tag == DEFAULT_REVISION == spec.revision:
        text = "the default revision answers for the default tag by itself"
        yield Finding("error", MeshError("invalid_option", text, where="tag", hint="name another revision"))
    default = discovery.injector_of(facts.injectors, DEFAULT_REVISION)
    if spec.tag == DEFAULT_REVISION and default is not None:
        text = "already injects namespaces with istio-injection=enabled"
        where = f"MutatingWebhookConfiguration {default['metadata']['name']}"
        hint = "remove the revision default first"
        yield Finding("error", MeshError("webhook_conflict", text, where=where, hint=hint))
    if discovery.injector_of(facts.injectors, spec.revision) is None:
        text = "is not installed"
        where = f"revision {spec.revision}"
        yield Finding(
            "pending", MeshError("missing_dependency", text, where=where, hint="apply its control plane first")
        )


def wanted(spec: RevisionTagSpec, facts: Facts) -> list[ObjectSet]:
    """Webhook, Service, and the validator of the default tag."""
    injector = discovery.injector_of(facts.injectors, spec.revision)
    objects = tags.objects(spec, injector)
    return [ObjectSet(f"tag-{spec.tag}", spec.namespace, manager(NAME, spec.tag), tuple(objects))]


def removal(spec: RevisionTagSpec, _facts: Facts) -> Removal:
    """The tag's own set."""
    return Removal((ObjectSet(f"tag-{spec.tag}", spec.namespace, manager(NAME, spec.tag)),))


def proofs(spec: RevisionTagSpec, _facts: Facts) -> tuple[Proof, ...]:
    """istiod has put its certificate into the tag's webhooks: from now on they can be called."""
    return (tag_trusted(spec.tag),)


def result(spec: RevisionTagSpec, _facts: Facts, _live: Mapping[Ref, Object]) -> dict[str, Any]:
    """``{tag, revision}``."""
    return {"tag": spec.tag, "revision": spec.revision}


REVISION_TAG: Declarative[RevisionTagSpec, Facts] = Declarative(
    name=NAME,
    spec=RevisionTagSpec,
    observe=observe,
    preflight=preflight,
    wanted=wanted,
    removal=removal,
    proofs=proofs,
    result=result,
)
