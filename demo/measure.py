# SPDX-License-Identifier: Apache-2.0
"""What the mesh of one cluster really does, asked from outside."""

from __future__ import annotations

import http.client
import json
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mesh.kube.cluster import Cluster, connect
from mesh.kube.failures import ApiFailure
from mesh.model.options import Connection
from mesh.model.specs.mesh_info import MeshInfoSpec
from mesh.operations.mesh_info import answer

#: Requests over which the split is counted; with 5 % each way, 400 make 20 expected (standard deviation 4.4).
REQUESTS = 400
#: Seconds that rules may take until every proxy has them.
PATIENCE = 60.0
_PLAIN = "/api/v1/namespaces/shop/services/http:reviews:9080/proxy/reviews/0"
#: What examples/shop/traffic.yml declares.
FAULT_STATUS, FAULT_USER, CANARY_USER = 418, "tester", "jason"
#: Versions of ratings, as the lab's shop tells them; the second is the host of examples/vms.
POD, HOST = "v1", "host"
RATINGS = 40


@dataclass
class Measured:
    """The answers of one cluster."""

    name: str
    info: dict[str, Any]
    address: str
    split: Counter[str] = field(default_factory=Counter)
    canary_user: str = ""
    fault: int = 0
    page: int = 0
    plain_text: str = ""
    #: Of so many requests for ratings those that each version answered, where one of them is on a host.
    ratings: Counter[str] = field(default_factory=Counter)

    @property
    def as_declared(self) -> bool:
        """Whether everything is as the example declares; the split within five standard deviations."""
        return (
            abs(self.split["v2"] - 20) <= 22
            and sum(self.split.values()) == REQUESTS
            and self.canary_user == "v2"
            and self.fault == FAULT_STATUS
            and self.page == 200
            and self.plain_text == "refused"
            and (not self.ratings or {*self.ratings} == {POD, HOST})
        )


def measure(name: str, variables: Mapping[str, Any], *, host: bool = False) -> Measured:
    """Ask the cluster's API server what there is, and the gateway what it does; ``host``: ratings run on one, too."""
    connection = Connection(kubeconfig=variables.get("mesh_kubeconfig"), context=variables.get("mesh_context"))
    cluster = connect(connection, name)
    try:
        info = answer(cluster, MeshInfoSpec())
        gateway = next(item for item in info["gateways"] if item["name"] == "webgw")
        found = Measured(name, info, gateway["addresses"][0])
        shop = Shop(found.address)
        shop.wait()
        for _ in range(REQUESTS):
            found.split[shop.reviews_version()] += 1
        found.canary_user = shop.reviews_version(CANARY_USER)
        found.fault = shop.get("/ratings/0", FAULT_USER)[0]
        found.page = shop.get("/productpage")[0]
        found.plain_text = plain_text(cluster)
        for _ in range(RATINGS if host else 0):
            found.ratings[shop.ratings_version()] += 1
        return found
    finally:
        cluster.close()


class Shop:
    """The shop behind a gateway, over one connection."""

    def __init__(self, address: str) -> None:
        self._connection = http.client.HTTPConnection(address, 80, timeout=10)

    def get(self, path: str, user: str = "") -> tuple[int, bytes]:
        """Status and body; ``user`` goes into the header that the rules look at."""
        try:
            self._connection.request("GET", path, headers={"end-user": user} if user else {})
            response = self._connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return 0, b""

    def wait(self) -> None:
        """Until every rule is in force: routes and fault are pushed one after the other."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answers = (self.get("/reviews/0")[0], self.get("/ratings/0", FAULT_USER)[0], self.get("/productpage")[0])
            if answers == (200, FAULT_STATUS, 200):
                return
            time.sleep(0.3)

    def reviews_version(self, user: str = "") -> str:
        """``v1`` or ``v2``: only the second shows ratings. Anything but an answer is named by its status."""
        status, body = self.get("/reviews/0", user)
        if status != 200:
            return f"status {status}"
        reviews = json.loads(body)["reviews"]
        return "v2" if any("rating" in review for review in reviews) else "v1"

    def ratings_version(self) -> str:
        """Who answered, by a header of the lab's shop."""
        try:
            self._connection.request("GET", "/ratings/0")
            response = self._connection.getresponse()
            response.read()
            return str(response.headers.get("x-shop-version", f"status {response.status}")).rpartition("/")[2]
        except (OSError, http.client.HTTPException):
            self._connection.close()
            return "no answer"


def plain_text(cluster: Cluster) -> str:
    """Whether the shop answers without mTLS. The API server's proxy speaks plain HTTP; that it reaches pods at all is
    shown by istiod, which answers by the same way."""
    if not cluster.proxy_get("istio-system", "http:istiod:15014", "/version"):
        return "not known"
    try:
        # Not repeated, so that the refusal is seen at once; a shop that answers says 404 or 405 to it.
        cluster.transport.raw("POST", _PLAIN, repeat="once")
    except ApiFailure as error:
        return "refused" if error.status in (502, 503) else f"ANSWERED {error.status}"
    return "ANSWERED"
