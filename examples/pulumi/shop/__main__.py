# SPDX-License-Identifier: Apache-2.0
"""A mesh over two clusters, and a shop in it."""

import pulumi
from shop import declaration

from pulumi_mesh import Mesh

config = pulumi.Config("shop")
# Where to find charts and images, if not in the usual places, and values of charts beyond the typed options.
elsewhere = {"charts": config.get_object("charts"), "values": config.get_object("values"), "image": config.get("image")}
given = {name: value for name, value in elsewhere.items() if value is not None}

mesh = Mesh("shop", declaration(config.require_object("clusters"), config.require("version"), **given))

gateways = {name: made["gateway istio-ingress/webgw"] for name, made in mesh.clusters.items()}
pulumi.export("addresses", {name: gateway.addresses for name, gateway in gateways.items()})
