# SPDX-License-Identifier: Apache-2.0
"""Options that every operation shares: how to reach the cluster, and how to run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from . import checks
from .operation import State
from .spec import option


@dataclass(frozen=True)
class Connection:
    """How to reach a cluster; the names are those of kubernetes.core. ``kubeconfig`` is a path or the content."""

    kubeconfig: str | dict[str, Any] | None = None
    #: Whether a kubeconfig that is a map may start programs and read files, as one in a file may: where it is the
    #: program of the operator himself that hands it over.
    trusted: bool = False
    context: str | None = None
    host: str | None = None
    api_key: str | None = field(default=None, repr=False)
    ca_cert: str | None = None
    validate_certs: bool | None = None
    client_cert: str | None = None
    client_key: str | None = None
    proxy: str | None = None
    impersonate_user: str | None = None
    impersonate_groups: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """How to run a declarative operation."""

    adopt: bool = option(
        "Take over objects of that name that Helm, istioctl, kubectl, Pulumi or somebody unknown made, instead of "
        "refusing. What the tool applied and this declaration does not want goes; pods do not restart for it. "
        "What an operator, a cloud, a GitOps controller or another set keeps is refused all the same.",
        default=False,
    )
    helm_release: Literal["keep", "record", "remove"] = option(
        "With O(adopt), what becomes of a Helm release when everything that it holds was taken over; before that it "
        "stays as it is, with a warning that names what else it holds. V(keep) leaves its records and the objects' "
        "C(meta.helm.sh) annotations, so that C(helm upgrade) can go on after O(state=released). V(record) marks its "
        "newest record C(uninstalled), as C(helm uninstall --keep-history) would, and takes the annotations off: "
        "C(helm history) tells who took over, C(helm upgrade) refuses, C(helm rollback) leads back after "
        "O(state=released). V(remove) deletes all its records and takes the annotations off; "
        "C(helm upgrade --install --take-ownership) leads back. Without the annotations the generation of "
        "Deployments counts one up, without a rollout.",
        default="keep",
    )
    force: bool = option(
        "Take over fields that another field manager owns, instead of refusing with the list.", default=False
    )
    recreate: bool = option(
        "Delete and make anew an object of which an immutable field changes, instead of refusing. Namespaces, CRDs and "
        "volumes are never deleted for it.",
        default=False,
    )
    purge: bool = option(
        "Also remove CRDs and namespaces that hold objects of others, when they leave the declaration or the set goes. "
        "Without it they are kept, and what they hold is counted in a warning.",
        default=False,
    )
    validate: Literal["local", "server"] = option(
        "What is looked at before the first write. V(local) compares new custom resources with the schemas of their "
        "kinds (of definitions in the same set, else as the API server publishes them) and names the field that does "
        "not fit. V(server) also asks the API server about each change (server-side dry run), as check mode always "
        "does.",
        default="local",
    )
    wait: bool = option("Wait until everything is ready, and proven where the spec can be.", default=True)
    wait_timeout: int = option("Seconds to wait at most.", default=300, check=checks.positive)


@dataclass(frozen=True)
class Mode:
    """The state that is wanted, and whether anything may be written."""

    state: State = "present"
    check: bool = False
