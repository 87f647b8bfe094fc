# SPDX-License-Identifier: Apache-2.0
"""What Python itself needs for the same requests: like tools/floor, with the HTTP library that the core uses."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import urllib3

_QUERY = "?fieldManager=floor&fieldValidation=Strict&force=true"
_HEADERS = {"Content-Type": "application/apply-patch+yaml", "Accept": "application/json"}


def main(credentials: str, requests: str, connections: str) -> None:
    """Send every request; ends with an error at the first refusal."""
    server, authority, pair = Path(credentials).read_text(encoding="utf-8").split()
    pool = urllib3.PoolManager(maxsize=int(connections), ca_certs=authority, cert_file=pair)

    def send(line: bytes) -> None:
        path, _, body = line.partition(b" ")
        answer = pool.request("PATCH", server + path.decode() + _QUERY, body=body, headers=_HEADERS)
        if answer.status >= 400:
            raise SystemExit(f"{path!r}: {answer.data!r}")

    with ThreadPoolExecutor(int(connections)) as workers:
        list(workers.map(send, Path(requests).read_bytes().splitlines()))


if __name__ == "__main__":
    main(*sys.argv[1:])
