# SPDX-License-Identifier: Apache-2.0
"""A mesh over two clusters, and a shop in it."""

import pulumi
from shop import declaration

from pulumi_mesh import Mesh

config = pulumi.Config("shop")
mesh = Mesh("shop", declaration(config.require_object("clusters"), config.require("version")))

gateways = {name: made["gateway istio-ingress/webgw"] for name, made in mesh.clusters.items()}
pulumi.export("addresses", {name: gateway.addresses for name, gateway in gateways.items()})
