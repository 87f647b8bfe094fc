# SPDX-License-Identifier: Apache-2.0
"""Hosts: machines with systemd and sshd that join a mesh from outside of Kubernetes.

How to reach one by SSH is in the state file; what one can do to it from outside is in `control`.
"""
