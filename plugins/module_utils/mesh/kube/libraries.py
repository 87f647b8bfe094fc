# SPDX-License-Identifier: Apache-2.0
"""The libraries that talk to API servers, or the reason why they are not there.

Ansible loads this file on hosts that need not have them; the adapters look at MISSING before they call anything.
"""

from __future__ import annotations

from typing import Any

MISSING = ""

try:
    import urllib3
    import yaml
    from kubernetes import config as kube_config
    from kubernetes.client import Configuration
    from kubernetes.config.kube_config import KubeConfigLoader
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, SSLError

    #: The C loader is eight times faster; it is absent only where PyYAML was built without libyaml.
    YamlLoader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
except ImportError as error:
    MISSING = str(error)
    urllib3: Any = None  # type: ignore[no-redef]
    yaml: Any = None  # type: ignore[no-redef]
    YamlLoader = None
    kube_config: Any = None  # type: ignore[no-redef]
    Configuration: Any = None  # type: ignore[no-redef]
    KubeConfigLoader: Any = None  # type: ignore[no-redef]
    HTTPError = SSLError = InsecureRequestWarning = Exception  # type: ignore[misc,assignment]

__all__ = [
    "MISSING",
    "Configuration",
    "HTTPError",
    "InsecureRequestWarning",
    "KubeConfigLoader",
    "SSLError",
    "YamlLoader",
    "kube_config",
    "urllib3",
    "yaml",
]
