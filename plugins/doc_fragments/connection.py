# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
---
options:
  kubeconfig:
    description:
      - Path of a kubeconfig file, or its content as a map.
      - A map, which may come from an inventory or a vault, holds its credentials itself. What starts a program or reads
        a file (C(exec), C(auth-provider), C(tokenFile), C(client-key) and the like) is refused there; in a file it is
        allowed.
      - Without it E(KUBECONFIG) and then C(~/.kube/config) are read; in-cluster credentials are the last choice.
    type: raw
  context:
    description: Context of the kubeconfig.
    type: str
  host:
    description: URL of the API server, instead of a kubeconfig.
    type: str
  api_key:
    description: Bearer token.
    type: str
  ca_cert:
    description: File with the certificates of the authorities that are trusted.
    type: path
    aliases: [ssl_ca_cert]
  validate_certs:
    description: Whether the certificate of the API server is checked.
    type: bool
    aliases: [verify_ssl]
  client_cert:
    description: File with a client certificate.
    type: path
    aliases: [cert_file]
  client_key:
    description: File with the key of O(client_cert).
    type: path
    aliases: [key_file]
  proxy:
    description: URL of an HTTP proxy.
    type: str
  impersonate_user:
    description: User to act as.
    type: str
  impersonate_groups:
    description: Groups to act as.
    type: list
    elements: str
requirements:
  - kubernetes >= 29
  - PyYAML
notes:
  - Every option falls back on the environment variable that kubernetes.core uses for it, such as E(K8S_AUTH_CONTEXT).
"""
