# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from lab import state
from lab.errors import LabError
from lab.state import Cluster, Domain, Host, Lab

LAB = Lab(
    provider="native",
    kubeconfig="/somewhere/kubeconfig",
    clusters=[Cluster("onprem", "onprem", "onprem-net", number=11), Cluster("api", "api", "api-net", nodes=False)],
    istio_values={"telemetry": {"enabled": False}},
    hosts=[Host("vm1", "10.99.0.241", "onprem", "onprem-net", "ops", "/key", "/known_hosts")],
    domains=[Domain("domain1", "10.99.0.2", "my.cluster1", "nsm.cluster1", "spiffe://m", "/zone", "/s", "/a", "/m")],
)


def test_what_is_saved_is_loaded(tmp_path):
    path = tmp_path / "lab.json"
    state.save(LAB, path)
    assert state.load(path) == LAB
    assert [entry.name for entry in tmp_path.iterdir()] == ["lab.json"]


def test_fields_of_a_newer_lab_are_left_out():
    data = json.loads(state.to_json(LAB))
    data["future"] = data["clusters"][0]["future"] = data["hosts"][0]["future"] = True
    data["domains"][0]["future"] = True
    assert state.from_json(data) == LAB


def test_missing_file_and_unknown_cluster_name_the_remedy(tmp_path):
    with pytest.raises(LabError, match="python -m lab up"):
        state.load(tmp_path / "lab.json")
    assert LAB.cluster("api").nodes is False
    with pytest.raises(LabError, match="no cluster cloud"):
        LAB.cluster("cloud")
    assert LAB.host("vm1").port == 22
    with pytest.raises(LabError, match="no host vm2; run: python -m lab up --clusters --hosts 2"):
        LAB.host("vm2")
    assert LAB.domain("domain1").zone == "my.cluster1"
    with pytest.raises(LabError, match="no domain domain2; run: python -m lab up --clusters --domains 2"):
        LAB.domain("domain2")


def test_what_others_wrote_is_not_ours(tmp_path):
    path = tmp_path / "lab.json"
    assert state.own(path).clusters == []
    state.save(LAB, path)
    assert state.own(path) == LAB
    state.save(Lab("existing", "/theirs", LAB.clusters), path)
    assert state.own(path).clusters == []
