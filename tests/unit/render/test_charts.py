# SPDX-License-Identifier: Apache-2.0
"""Charts from directories, archives and repositories, and what is refused."""

from __future__ import annotations

import hashlib
import tarfile

import pytest
from mesh.model.errors import MeshError
from mesh.model.specs.common import Charts
from mesh.render.charts import get
from mesh.render.helm import Helm

HELM = Helm("helm-is-not-needed")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def chart(root, name="thing", version="1.2.3", template="a: b\n"):
    (root / "templates").mkdir(parents=True)
    (root / "Chart.yaml").write_text(f"apiVersion: v2\nname: {name}\nversion: {version}\n")
    (root / "templates" / "all.yaml").write_text(template)
    return root


def archive(directory, name="thing", version="1.2.3", template="a: b\n", root="thing"):
    source = chart(directory / f"source-{version}", name, version, template)
    path = directory / f"{name}-{version}.tgz"
    with tarfile.open(path, "w:gz") as file:
        file.add(source, root)
    return path


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("gateway", "gateway"),
        ("istiod", "istiod"),
        ("istiod", "istio-control/istio-discovery"),
        ("cni", "cni"),
        ("cni", "istio-cni"),
    ],
)
def test_in_a_directory(tmp_path, name, place):
    chart(tmp_path / place)
    found = get(Charts(path=str(tmp_path)), name, None, HELM)
    assert (found.name, found.path, found.version) == (name, tmp_path / place, "1.2.3")


def test_an_archive_in_a_directory(tmp_path):
    path = archive(tmp_path)
    found = get(Charts(path=str(tmp_path)), "thing", None, HELM)
    assert (found.path, found.version) == (path, "1.2.3")
    assert found.digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert get(Charts(path=str(tmp_path)), "thing", None, HELM) == found, "what is remembered is what was read"


@pytest.mark.parametrize(("version", "expected"), [(None, "1.10.0"), ("1.10.0", "1.10.0"), ("1.9.0", "1.9.0")])
def test_of_several_archives_the_wanted_or_the_newest(tmp_path, version, expected):
    for each in ("1.10.0", "1.9.0"):
        archive(tmp_path, version=each)
    assert get(Charts(path=str(tmp_path)), "thing", version, HELM).version == expected


def test_another_version_than_the_declared_one(tmp_path):
    archive(tmp_path)
    with pytest.raises(MeshError, match=r"chart thing has version 1\.2\.3, not 1\.3\.0") as caught:
        get(Charts(path=str(tmp_path)), "thing", "1.3.0", HELM)
    assert caught.value.code == "chart_unavailable"


@pytest.mark.parametrize("written", ["1.2.3", '"1.2.3"', "'1.2.3'", " 1.2.3"])
def test_versions_as_charts_write_them(tmp_path, written):
    chart(tmp_path / "thing", version=written)
    assert get(Charts(path=str(tmp_path)), "thing", None, HELM).version == "1.2.3"


@pytest.mark.parametrize(
    "pack", [lambda root, text: chart(root / "thing", template=text), lambda root, text: archive(root, template=text)]
)
@pytest.mark.parametrize(
    ("template", "asks"), [("a: {{ .Capabilities.APIVersions.Has `v1` }}\n", True), ("a: {{ .Values.a }}\n", False)]
)
def test_whether_api_versions_matter(tmp_path, pack, template, asks):
    pack(tmp_path, template)
    assert get(Charts(path=str(tmp_path)), "thing", None, HELM).asks_api_versions is asks


def test_the_digest_of_a_directory_covers_names_and_contents(tmp_path):
    root = chart(tmp_path / "thing")
    source = Charts(path=str(tmp_path))
    digests = [get(source, "thing", None, HELM).digest]
    (root / "templates" / "all.yaml").write_text("a: c\n")
    digests.append(get(source, "thing", None, HELM).digest)
    (root / "templates" / "all.yaml").rename(root / "templates" / "some.yaml")
    digests.append(get(source, "thing", None, HELM).digest)
    assert len(set(digests)) == 3


@pytest.mark.parametrize("prefix", ["", "sha256:"])
def test_the_right_digest(tmp_path, prefix):
    digest = hashlib.sha256(archive(tmp_path).read_bytes()).hexdigest()
    source = Charts(path=str(tmp_path), digests={"thing": f"{prefix}{digest}", "other": "0" * 64})
    assert get(source, "thing", None, HELM).digest == digest


def test_a_wrong_digest(tmp_path):
    path = archive(tmp_path)
    with pytest.raises(MeshError, match=r"^charts\.digests\.thing: chart thing has digest [0-9a-f]{64} ") as caught:
        get(Charts(path=str(tmp_path), digests={"thing": "0" * 64}), "thing", None, HELM)
    assert caught.value.code == "chart_digest"
    assert path.is_file(), "the user's own file stays"


@pytest.mark.parametrize(
    ("source", "version", "code", "message"),
    [
        ({"path": "/nonexistent"}, None, "chart_unavailable", "charts.path: there is no chart thing in /nonexistent"),
        ({}, None, "invalid_option", "version: is required (or set charts.path)"),
        ({"repository": "http://a"}, "1.2.3", "invalid_option", "charts.repository: has no TLS (set charts.plain_http"),
    ],
)
def test_refused(source, version, code, message):
    with pytest.raises(MeshError) as caught:
        get(Charts(**source), "thing", version, HELM)
    assert caught.value.code == code
    assert str(caught.value).startswith(message)


def broken(data: bytes) -> bytes:
    return data[: len(data) // 2] + b"x" * 40 + data[len(data) // 2 + 40 :]


@pytest.mark.parametrize("damage", [lambda _: b"", lambda _: b"<html>", lambda data: data[: len(data) // 2], broken])
def test_a_damaged_archive(tmp_path, damage):
    path = archive(tmp_path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(MeshError, match="cannot read the chart") as caught:
        get(Charts(path=str(tmp_path)), "thing", None, HELM)
    assert (caught.value.code, caught.value.where) == ("chart_unavailable", str(path))


def test_an_archive_without_a_chart(tmp_path):
    archive(tmp_path, root="far/too/deep")
    with pytest.raises(MeshError) as caught:
        get(Charts(path=str(tmp_path)), "thing", None, HELM)
    assert caught.value.code == "chart_unavailable"


class Repository(Helm):
    """Pulls from a directory instead of the network; everything around the pull is what is tested."""

    pulls = 0

    def pull(self, repository, name, version, destination, *, plain_http):
        type(self).pulls += 1
        archive(destination, name, version)


def test_a_pulled_archive_is_kept_and_a_wrong_one_is_not(monkeypatch):
    monkeypatch.setattr(Repository, "pulls", 0)
    helm, source = Repository("helm"), Charts(repository="http://charts.example.com", plain_http=True)
    first = get(source, "thing", "1.2.3", helm)
    assert get(source, "thing", "1.2.3", helm) == first
    assert (first.version, Repository.pulls) == ("1.2.3", 1)
    assert get(source, "thing", "1.2.4", helm).version == "1.2.4"
    assert Repository.pulls == 2
    refused = Charts(repository="http://charts.example.com", plain_http=True, digests={"thing": "0" * 64})
    with pytest.raises(MeshError):
        get(refused, "thing", "1.2.3", helm)
    assert not first.path.exists()
