# SPDX-License-Identifier: Apache-2.0
"""`istioctl x workload entry configure` for so many hosts, one after another, as a loop in a shell would:
`python bench/configure.py ISTIOCTL COUNT DIRECTORY NAMESPACE GROUP GATEWAY`."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path


def main(istioctl: str, count: str, directory: str, namespace: str, group: str, gateway: str) -> None:
    """Fails when a host has not got its token."""
    shutil.rmtree(directory, ignore_errors=True)
    command = [istioctl, "x", "workload", "entry", "configure", "--name", group, "--namespace", namespace]
    for number in range(int(count)):
        into = Path(directory, str(number))
        address = f"10.9.{number // 250}.{number % 250 + 1}"
        flags = ["--autoregister", "--ingressIP", gateway, "--internalIP", address, "--output", str(into)]
        subprocess.run([*command, *flags], check=True, stdout=subprocess.DEVNULL)
        if not (into / "istio-token").stat().st_size:
            sys.exit(f"{into} holds no token")


if __name__ == "__main__":
    main(*sys.argv[1:])
