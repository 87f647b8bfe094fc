# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
---
module: vm_files
short_description: Put files of the mesh onto a host, or take them away
version_added: 1.0.0
author: meshops (@meshops)
description:
  - Writes each file in one step (a temporary file in the same directory, mode and owner set before its content, then a
    rename), so that neither a full disk nor a dead connection leaves half of one, and nobody reads what is not for
    them.
  - Directories on the way are opened one by one. A symbolic link there is followed only if root owns it. A symbolic
    link in the place of a file is replaced and never written through.
  - All files of a host in one task. Runs on the host with nothing but Python 3.8 or newer.
options:
  files:
    description: Files, in this order.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      content:
        description: What is in it. Without it the file is left as it is.
        type: str
      kind:
        description:
          - With V(certificates), a file of the same owner that holds these certificates stays as it is, although it
            holds more or allows less. The agent writes such files, too.
        type: str
        choices: [text, certificates]
        default: text
      secret:
        description: Whether the difference must not be shown.
        type: bool
        default: false
      once:
        description: Leave a file that is there as it is.
        type: bool
        default: false
      mode:
        description: Mode, in octal digits.
        type: str
        default: "0640"
      owner:
        description: Owner, a name or number.
        type: str
        default: root
      group:
        description: Group, a name or number.
        type: str
        default: root
      directory_mode:
        description: Mode of directories on the way that are missing; they get the file's owner and group.
        type: str
        default: "0755"
  directories:
    description: Directories; made before the files, removed after them.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path.
        type: str
        required: true
      mode:
        description: Mode, in octal digits.
        type: str
        default: "0755"
      owner:
        description: Owner, a name or number.
        type: str
        default: root
      group:
        description: Group, a name or number.
        type: str
        default: root
      whole:
        description: With O(state=absent), remove what is in it, too; else a directory that is not empty is kept.
        type: bool
        default: false
  hosts:
    description:
      - Lines of a marked block in /etc/hosts. V([]) takes the block away, without this option it stays as it is.
    type: list
    elements: dict
    suboptions:
      address:
        description: The address.
        type: str
        required: true
      name:
        description: The host name.
        type: str
        required: true
  state:
    description: V(absent) removes files, directories, and the block in /etc/hosts where O(hosts) is given.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    description: Tells what it would do.
    support: full
  diff_mode:
    description: Shows how files differ, but for secrets.
    support: full
  idempotent:
    description: A second run with the same files changes nothing.
    support: full
"""

EXAMPLES = r"""
---
- name: What the agent needs
  meshops.mesh.vm_files:
    directories:
      - path: /etc/certs
        mode: "0750"
    files:
      - path: /etc/certs/root-cert.pem
        content: "{{ root_certificate }}"
        kind: certificates
        mode: "0644"
      - path: /run/secrets/tokens/istio-token
        content: "{{ token }}"
        secret: true
        mode: "0600"
    hosts:
      - address: 10.99.0.64
        name: istiod.istio-system.svc
  become: true

- name: Away with it
  meshops.mesh.vm_files:
    files:
      - path: /etc/certs/root-cert.pem
      - path: /run/secrets/tokens/istio-token
    directories:
      - path: /etc/certs
        whole: true
    hosts: []
    state: absent
  become: true
"""

RETURN = r"""
---
files:
  description: What became of each path; never what is in it.
  type: list
  elements: dict
  returned: always
  contains:
    path: {description: The path., type: str}
    action:
      description:
        - C(created), C(changed) or C(removed); C(unchanged), C(kept) or C(absent) where nothing was to be done.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.meshops.mesh.plugins.module_utils._vm import placing
from ansible_collections.meshops.mesh.plugins.module_utils._vm.walking import Refused

_STANDING = {"owner": {"type": "str", "default": "root"}, "group": {"type": "str", "default": "root"}}
OPTIONS = {
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "content": {"type": "str", "no_log": True},
            "kind": {"type": "str", "choices": ["text", "certificates"], "default": "text"},
            "secret": {"type": "bool", "default": False, "no_log": False},
            "once": {"type": "bool", "default": False},
            "mode": {"type": "str", "default": "0640"},
            **_STANDING,
            "directory_mode": {"type": "str", "default": "0755"},
        },
    },
    "directories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0755"},
            **_STANDING,
            "whole": {"type": "bool", "default": False},
        },
    },
    "hosts": {
        "type": "list",
        "elements": "dict",
        "options": {"address": {"type": "str", "required": True}, "name": {"type": "str", "required": True}},
    },
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Bring the files about, or away."""
    module = AnsibleModule(argument_spec=OPTIONS, supports_check_mode=True)
    done = []
    try:
        for step, item in placing.steps(module.params):
            done.append(step(item, module.check_mode))
    except Refused as error:
        module.fail_json(msg=str(error), **placing.told(done))
    except OSError as error:
        module.fail_json(msg=placing.said(error), **placing.told(done))
    module.exit_json(diff=[{"prepared": item.diff} for item in done if item.diff], **placing.told(done))


if __name__ == "__main__":
    main()
