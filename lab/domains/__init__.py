# SPDX-License-Identifier: Apache-2.0
"""Domains of Network Service Mesh: each a site with its own names, its own SPIRE and its own control plane.

What one needs to know of a domain is in the state file; what one can do in it is in `control`. A domain comes without
what a mesh of domains is made of: no program has an identity yet, no trust domain knows another, and no record leads
from one domain to another. So the control plane waits until somebody registers its programs.
"""
