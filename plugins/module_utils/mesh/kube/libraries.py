# SPDX-License-Identifier: Apache-2.0
"""The libraries that talk to API servers, or the reason why they are not there.

Ansible loads this file on hosts that need not have them; the adapters look at MISSING before they call anything.
"""

from __future__ import annotations

from typing import Any

MISSING = ""

try:
    import urllib3
    from kubernetes import config as kube_config
    from kubernetes.client import Configuration
    from urllib3.exceptions import HTTPError, InsecureRequestWarning, SSLError
except ImportError as error:
    MISSING = str(error)
    urllib3: Any = None  # type: ignore[no-redef]
    kube_config: Any = None  # type: ignore[no-redef]
    Configuration: Any = None  # type: ignore[no-redef]
    HTTPError = SSLError = InsecureRequestWarning = Exception  # type: ignore[misc,assignment]

__all__ = [
    "MISSING",
    "Configuration",
    "HTTPError",
    "InsecureRequestWarning",
    "SSLError",
    "kube_config",
    "urllib3",
]
