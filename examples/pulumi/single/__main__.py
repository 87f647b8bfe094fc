# SPDX-License-Identifier: Apache-2.0
"""A mesh on one cluster: a control plane, a namespace whose pods join, a gateway, and mutual TLS for all."""

import pulumi

import pulumi_mesh as mesh

config = pulumi.Config("single")
version = config.require("version")
# Where to find charts, if not in Istio's own repository, and values beyond the typed options.
charts, values = config.get_object("charts"), config.get_object("values")

cluster = mesh.Provider("cluster", kubeconfig=config.get("kubeconfig"), context=config.get("context"))
provider = pulumi.ResourceOptions(provider=cluster)

plane = mesh.ControlPlane(
    "plane",
    mesh.ControlPlaneArgs(version=version, charts=charts, values=values, mesh_config={"accessLogFile": "/dev/stdout"}),
    provider,
)
in_the_mesh = pulumi.ResourceOptions(provider=cluster, depends_on=[plane])

mesh.Injection("shop", opts=in_the_mesh, namespaces=["shop"])
gateway = mesh.Gateway(
    "ingress", opts=in_the_mesh, name="ingress", version=version, charts=charts, image_pull_policy="IfNotPresent"
)
strict = {
    "apiVersion": "security.istio.io/v1",
    "kind": "PeerAuthentication",
    "metadata": {"name": "default", "namespace": "istio-system"},
    "spec": {"mtls": {"mode": "STRICT"}},
}
mesh.ConfigSet("mutual-tls", opts=in_the_mesh, name="mutual-tls", namespace="istio-system", objects=[strict])

pulumi.export("revision", plane.revision)
pulumi.export("addresses", gateway.addresses)
