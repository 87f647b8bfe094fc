# SPDX-License-Identifier: Apache-2.0
"""Published manifests: where they are read, and what is refused."""

from __future__ import annotations

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from mesh.model.errors import MeshError
from mesh.render import bundles

TEXT = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
SUM = hashlib.sha256(TEXT.encode()).hexdigest()


@pytest.fixture(autouse=True)
def kept(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def server():
    """Serves TEXT, and counts how often."""

    class Handler(BaseHTTPRequestHandler):
        asked = 0

        def do_GET(self):
            Handler.asked += 1
            away = self.path.partition("?to=")[2]
            self.send_response(302 if away else 404 if "missing" in self.path else 200)
            if away:
                self.send_header("Location", away)
            self.end_headers()
            self.wfile.write(TEXT.encode())

        def log_message(self, *_):
            """Nobody reads it."""

    found = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{found.server_address[1]}", Handler
    found.shutdown()
    found.server_close()


def names(bundle):
    return [obj["metadata"]["name"] for obj in bundle.objects]


def test_a_file(tmp_path):
    file = tmp_path / "install.yaml"
    file.write_text(TEXT)
    assert bundles.get(str(file), SUM) == bundles.get(str(file), f"sha256:{SUM}")
    assert (names(bundles.get(str(file), None)), bundles.get(str(file), None).checksum) == (["a"], SUM)


def test_a_directory_in_the_order_of_names_without_what_only_puts_together(tmp_path):
    (tmp_path / "2.yaml").write_text(TEXT.replace("name: a", "name: b"))
    (tmp_path / "1.yml").write_text(TEXT)
    (tmp_path / "kustomization.yaml").write_text("resources: [2.yaml]\n")
    (tmp_path / "README.md").write_text("no manifest")
    assert names(bundles.get(str(tmp_path), None)) == ["a", "b"]


@pytest.mark.parametrize(
    ("content", "code", "text"),
    [
        (None, "bundle_unavailable", "No such file or directory"),
        (b"a: [", "invalid_object", "not YAML"),
        (b"\xff\xfe", "invalid_object", "is not UTF-8"),
        (b"kind: x\n", "invalid_object", "has no apiVersion"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, content, code, text):
    file = tmp_path / "install.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(MeshError) as caught:
        bundles.get(str(file), None)
    assert caught.value.code == code
    assert text in caught.value.msg
    assert str(file) in caught.value.where


def test_an_empty_directory_and_another_checksum(tmp_path):
    with pytest.raises(MeshError, match=r"holds no \*.yaml files"):
        bundles.get(str(tmp_path), None)
    (tmp_path / "a.yaml").write_text(TEXT)
    with pytest.raises(MeshError) as caught:
        bundles.get(str(tmp_path), "0" * 64)
    assert (caught.value.code, caught.value.msg) == ("bundle_checksum", f"has SHA-256 {SUM}")


def test_what_was_fetched_by_checksum_is_kept(server):
    url, handler = server
    assert [names(bundles.get(f"{url}/a", SUM)) for _turn in range(2)] == [["a"], ["a"]]
    assert handler.asked == 1
    bundles.get(f"{url}/a", None)
    assert handler.asked == 2


def test_a_wrong_download_is_not_kept(server):
    url, handler = server
    for _turn in range(2):
        with pytest.raises(MeshError, match="has SHA-256"):
            bundles.get(f"{url}/a", "0" * 64)
    assert handler.asked == 2


@pytest.mark.parametrize(
    "url",
    ["http://example.com/a.yaml", "ftp://127.0.0.1/a", "http://localhost.invalid/a", "http://127.0.0.1.invalid/a"],
)
def test_only_https(url):
    with pytest.raises(MeshError, match="must be a path or an https URL"):
        bundles.get(url, None)


def test_a_server_without_it(server):
    with pytest.raises(MeshError) as caught:
        bundles.get(f"{server[0]}/missing", None)
    assert (caught.value.code, caught.value.where) == ("bundle_unavailable", f"{server[0]}/missing")
    assert "Not Found" in caught.value.msg


def test_what_is_no_url():
    with pytest.raises(MeshError, match="is no URL: Invalid IPv6 URL"):
        bundles.get("https://[::1/a", None)


def test_a_redirect_leads_to_https_or_nowhere(server):
    url, _handler = server
    with pytest.raises(MeshError, match="must be a path or an https URL"):
        bundles.get(f"{url}/a?to=http://127.0.0.1.invalid/a", None)
    assert names(bundles.get(f"{url}/a?to={url}/b", None)) == ["a"]


@pytest.mark.parametrize("url", ["https://me:hunter2hunter2@127.0.0.1:1/a", "http://hunter2hunter2@localhost/a"])
def test_credentials_are_refused_and_not_shown(url):
    with pytest.raises(MeshError, match="must not hold credentials") as caught:
        bundles.get(url, None)
    assert "hunter2" not in str(caught.value)


def test_what_has_no_end_is_not_read_to_it():
    with pytest.raises(MeshError, match="has more than 32 MiB"):
        bundles.get("/dev/zero", None)
