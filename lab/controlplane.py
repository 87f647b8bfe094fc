# SPDX-License-Identifier: Apache-2.0
"""The control plane of one cluster: etcd, API server, controller manager, scheduler."""

from __future__ import annotations

from pathlib import Path

from lab import certs, kubeconfig
from lab.addresses import Addresses
from lab.home import Home
from lab.kubeapi import Api
from lab.kubeconfig import Access
from lab.waiting import wait_for

_ETCD_URL = "http://127.0.0.1:2379"
_KUBELET_ADMIN = "meshops-lab-kubelet-api-admin"


def write_credentials(home: Home, addresses: Addresses) -> None:
    """Certificates, and the kubeconfig files of the components."""
    certs.write_all(home.pki, home.name, certs.identities(home.name, addresses))
    for user in ("admin", "kubelet"):
        kubeconfig.write(home.pki / f"{user}.kubeconfig", {home.name: Access(addresses.server, home.pki, user)})


def start_api_server(home: Home, programs: dict[str, Path], addresses: Addresses, *, kube_proxy: bool) -> None:
    """etcd and the API server; the latter retries until the former answers."""
    # Without kube-proxy no Service address leads anywhere: webhooks are called at their endpoints.
    routing = f"--enable-aggregator-routing={str(not kube_proxy).lower()}"
    home.process("etcd").start(home.in_network(programs["etcd"], *_etcd(home)))
    home.process("kube-apiserver").start(
        home.in_network(programs["kube-apiserver"], *_api_server(home.pki, addresses), routing)
    )


def wait_until_ready(home: Home, api: Api) -> None:
    """The API server answers and its own roles exist; then let it talk to kubelets (logs, exec)."""
    wait_for(f"API server of {home.name}", api.ready, [home.process("etcd"), home.process("kube-apiserver")])
    api.apply(
        f"/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/{_KUBELET_ADMIN}",
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": _KUBELET_ADMIN},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": "system:kubelet-api-admin",
            },
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": certs.API_SERVER_USER}],
        },
    )


def start_controllers(home: Home, programs: dict[str, Path], *, scheduler: bool) -> None:
    """The controllers; a cluster that never runs a pod needs no scheduler."""
    admin, pki = f"--kubeconfig={home.pki}/admin.kubeconfig", home.pki
    home.process("kube-controller-manager").start(
        home.in_network(
            programs["kube-controller-manager"],
            admin,
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={pki}/sa.key",
            f"--root-ca-file={pki}/ca.crt",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
        )
    )
    if scheduler:
        home.process("kube-scheduler").start(home.in_network(programs["kube-scheduler"], admin, "--leader-elect=false"))


def _etcd(home: Home) -> list[str]:
    peer = "http://127.0.0.1:2380"
    return [
        f"--data-dir={home.root}/etcd",
        f"--listen-client-urls={_ETCD_URL}",
        f"--advertise-client-urls={_ETCD_URL}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _api_server(pki: Path, addresses: Addresses) -> list[str]:
    return [
        f"--etcd-servers={_ETCD_URL}",
        "--secure-port=6443",
        "--bind-address=0.0.0.0",
        f"--advertise-address={addresses.node}",
        f"--service-cluster-ip-range={addresses.services}",
        f"--tls-cert-file={pki}/apiserver.crt",
        f"--tls-private-key-file={pki}/apiserver.key",
        f"--client-ca-file={pki}/ca.crt",
        f"--service-account-key-file={pki}/sa.pub",
        f"--service-account-signing-key-file={pki}/sa.key",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        f"--kubelet-client-certificate={pki}/apiserver.crt",
        f"--kubelet-client-key={pki}/apiserver.key",
        f"--kubelet-certificate-authority={pki}/ca.crt",
        "--kubelet-preferred-address-types=InternalIP",
    ]
