# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: vm_host
short_description: Look at a host that is, or shall be, a workload of the mesh
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Tells what decides whether a virtual or physical machine can join a mesh, and how it stands there.
  - Runs on the host, as root, with nothing but Python 3.8 or newer. Changes nothing there.
options:
  istiod_addresses:
    description: Addresses at which istiod is tried, as RV(reach) tells.
    type: list
    elements: str
    default: []
  istiod_name:
    description: The DNS name that istiod's certificate must have, such as V(istiod.istio-system.svc).
    type: str
  istiod_port:
    description: Port of istiod at these addresses.
    type: int
    default: 15012
  root_certificate:
    description: The mesh's root certificate in PEM, by which istiod's must be signed.
    type: str
  calls:
    description: What is called through the host's own proxy, as C(http://host/path) or C(host:port).
    type: list
    elements: str
    default: []
  names:
    description: Host names that the host resolves, as RV(resolved) tells.
    type: list
    elements: str
    default: []
  paths:
    description: Paths of which RV(paths) tells.
    type: list
    elements: str
    default: []
  ready_timeout:
    description: Seconds to wait, before all else, until the proxy says that it is ready; looks at once without it.
    type: int
    default: 0
  timeout:
    description: Seconds for each connection.
    type: int
    default: 5
attributes:
  check_mode:
    description: Looks only, so check mode makes no difference.
    support: full
  diff_mode:
    description: There is no difference to show.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
"""

EXAMPLES = r"""
---
- name: Look at the host
  meshops.mesh.vm_host:
  become: true
  register: host

- name: Try istiod from there
  meshops.mesh.vm_host:
    istiod_addresses: [10.99.0.64]
    istiod_name: istiod.istio-system.svc
    root_certificate: "{{ root_certificate }}"
  become: true
"""

RETURN = r"""
---
os:
  description: "The system: C(id) and C(version) of os-release, C(family) C(debian), C(redhat) or C(other)."
  type: dict
  returned: success
architecture:
  description: C(amd64), C(arm64), or what the kernel says.
  type: str
  returned: success
python:
  description: Version of the Python that looked.
  type: str
  returned: success
service_manager:
  description: C(systemd) or C(none).
  type: str
  returned: success
clock:
  description: The host's clock in seconds since 1970.
  type: float
  returned: success
clock_skew:
  description: Seconds by which the host's clock is ahead of the controller's at least, less than 0 where it is behind.
  type: float
  returned: success
certificate:
  description: The host's certificate chain in PEM; empty where there is none.
  type: str
  returned: success
root_certificate_sha256:
  description: SHA-256 of the file with the root certificate; empty where there is none.
  type: str
  returned: success
token:
  description: The token on the host.
  type: dict
  returned: success
  contains:
    exists: {description: Whether there is one., type: bool}
    expires: {description: "When it expires, in seconds since 1970; 0 where that cannot be read.", type: float}
agent:
  description: Istio's agent on the host.
  type: dict
  returned: success
  contains:
    version: {description: What it says of itself; empty where there is none., type: str}
    package_version: {description: Version of the package istio-sidecar., type: str}
    unit:
      description: Its unit of systemd.
      type: dict
      contains:
        exists: {description: Whether there is one., type: bool}
        active: {description: Whether it runs., type: bool}
        enabled: {description: Whether it starts at boot., type: bool}
        state: {description: What systemd says of it., type: str}
        restarts: {description: How often systemd has restarted it., type: int}
    running: {description: Whether any of its processes runs., type: bool}
    outdated: {description: Files that are not what it was started with., type: list, elements: str}
    noted: {description: Whether it is known what it was started with., type: bool}
    others: {description: Agents of other meshes that run., type: list, elements: str}
    ready: {description: Whether the proxy says that it is ready., type: bool}
    reason: {description: Why it is not., type: str}
    complaints: {description: "The last warnings and errors of its log, unless it is ready.", type: list, elements: str}
listening:
  description: Who listens on ports that the agent takes.
  type: list
  elements: dict
  returned: success
  contains:
    port: {description: The port., type: int}
    pid: {description: The process., type: int}
    process: {description: Its name., type: str}
ssh_ports:
  description: Ports by which SSH comes in, that of the session in use among them.
  type: list
  elements: int
  returned: success
conntrack:
  description: Whether the kernel tracks connections.
  type: dict
  returned: success
  contains:
    rule: {description: Whether a rule needs it., type: bool}
    tracked: {description: Number of connections that are tracked., type: int}
    in_force: {description: Whether either is so., type: bool}
iptables:
  description: The programs for rules.
  type: dict
  returned: success
  contains:
    programs: {description: Those that are there., type: list, elements: str}
    usable:
      description: Whether the kernel takes rules as the agent writes them; null where that could not be tried.
      type: bool
    reason: {description: Why it does not., type: str}
interception:
  description: By program the chains of Istio that it shows.
  type: dict
  returned: success
capture:
  description: What rules of the mesh do, by kind of addresses.
  type: dict
  returned: success
  contains:
    ipv4:
      description: With IPv4.
      type: dict
      contains:
        hooks:
          description: Istio's chains that traffic is led into, C(ISTIO_INBOUND) and C(ISTIO_OUTPUT).
          type: list
          elements: str
        redirects: {description: Ports of the proxy to which they lead., type: list, elements: int}
        inbound: {description: Ports that are captured; V(0) stands for all others., type: list, elements: int}
        excluded: {description: Ports that are not., type: list, elements: int}
        guard: {description: Whether a rule of ours has connections tracked., type: bool}
        spoken: {description: Ports of the host from which answers are never redirected., type: list, elements: int}
    ipv6: {description: The same with IPv6., type: dict}
disk:
  description: Where room is needed.
  type: list
  elements: dict
  returned: success
  contains:
    path: {description: The path., type: str}
    free: {description: Free bytes of its file system., type: int}
nameservers:
  description: Addresses in /etc/resolv.conf.
  type: list
  elements: str
  returned: success
systemd_resolved:
  description: "C(active): it runs; C(stub): resolv.conf names it; C(nss): programs ask it by another way than DNS."
  type: dict
  returned: success
addresses:
  description: Addresses of the host, those of its default routes first.
  type: list
  elements: str
  returned: success
account:
  description: Whether there are a C(user) and a C(group) istio-proxy.
  type: dict
  returned: success
paths:
  description: What stands at each of O(paths).
  type: list
  elements: dict
  returned: success
  contains:
    path: {description: The path., type: str}
    kind: {description: "C(absent), C(file), C(directory), C(link) or C(other).", type: str}
    mode: {description: Its mode as four octal digits., type: str}
    owner: {description: Its owner., type: str}
    group: {description: Its group., type: str}
named:
  description: Addresses that lines of /etc/hosts which are not ours give O(istiod_name).
  type: list
  elements: str
  returned: success
block:
  description: Lines of our block in /etc/hosts.
  type: list
  elements: dict
  returned: success
  contains:
    address: {description: The address., type: str}
    name: {description: What it is called., type: str}
record:
  description: What the role noted of the host before it changed anything there; empty where it never did.
  type: dict
  returned: success
installed:
  description: Which package the role has installed, as it noted it; empty where it did not.
  type: str
  returned: success
sudo:
  description: Whether there is sudo, by which the agent's start script becomes istio-proxy.
  type: bool
  returned: success
reach:
  description: How each of O(istiod_addresses) answers.
  type: list
  elements: dict
  returned: success
  contains:
    address: {description: The address., type: str}
    port: {description: The port., type: int}
    ok: {description: Whether istiod answers there as it must., type: bool}
    reason: {description: Why not., type: str}
resolved:
  description: What each of O(names) is on the host.
  type: list
  elements: dict
  returned: success
  contains:
    name: {description: The name., type: str}
    addresses: {description: Its addresses., type: list, elements: str}
    reason: {description: Why it has none., type: str}
calls:
  description: How each of O(calls) went.
  type: list
  elements: dict
  returned: success
  contains:
    target: {description: What was called., type: str}
    ok: {description: Whether it answers., type: bool}
    reason: {description: Why not., type: str}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meshops.mesh.plugins.module_utils._vm.host import look, objection

OPTIONS = {
    "istiod_addresses": {"type": "list", "elements": "str", "default": []},
    "istiod_name": {"type": "str"},
    "istiod_port": {"type": "int", "default": 15012},
    "root_certificate": {"type": "str"},
    "calls": {"type": "list", "elements": "str", "default": []},
    "names": {"type": "list", "elements": "str", "default": []},
    "paths": {"type": "list", "elements": "str", "default": []},
    "ready_timeout": {"type": "int", "default": 0},
    "timeout": {"type": "int", "default": 5},
}


def main() -> None:
    """Look."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    if refused := objection(os.geteuid()):
        module.fail_json(msg=refused)
    module.exit_json(changed=False, **look(module.params))


if __name__ == "__main__":
    main()
