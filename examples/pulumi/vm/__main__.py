# SPDX-License-Identifier: Apache-2.0
"""A virtual machine that joins the mesh at its first boot: its group in the cluster, and user data for cloud-init."""

import pulumi

import pulumi_mesh as mesh

config = pulumi.Config("vm")
namespace, group = config.require("namespace"), config.require("group")

cluster = mesh.Provider("cluster", kubeconfig=config.get("kubeconfig"), context=config.get("context"))

ratings = mesh.WorkloadGroup(
    "ratings",
    name=group,
    namespace=namespace,
    network=config.get("network"),
    labels={"app": group},
    ports={"http": 9080},
    probe={"http_get": {"port": 9080, "path": "/health"}, "period_seconds": 2},
    service={"ports": [{"port": 9080}]},
    opts=pulumi.ResourceOptions(provider=cluster),
)
machine = mesh.VmBootstrap(
    "machine",
    group=group,
    namespace=namespace,
    internal_address=config.get("address"),
    package=config.require_object("package"),
    # Another text (pulumi config set vm:renew 2027-01) makes new user data, and so a new machine.
    renew=config.get("renew"),
    opts=pulumi.ResourceOptions(provider=cluster, depends_on=[ratings]),
)

# What a cloud's machine takes: user_data=machine.user_data of an aws.ec2.Instance, custom_data of Azure's, and so on.
pulumi.export("user_data", machine.user_data)
pulumi.export("identity", machine.identity)
pulumi.export("token_expires", machine.token_expires)
