# SPDX-License-Identifier: Apache-2.0
"""The role's guard of open connections, with the kernel's real rules in network namespaces of their own."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

GUARD = Path(__file__).resolve().parents[3] / "roles" / "vm_workload" / "files" / "guard.sh"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def played(script):
    """What a script prints in which `guard` is the guard; /run is one of its own."""
    given = f'set -e\nmount -t tmpfs none /run\nip link set lo up\nguard() {{ sh "{GUARD}" "$@"; }}\n{script}'
    done = subprocess.run(
        ["unshare", "--net", "--mount", "bash", "-c", given], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


RULES = "for kind in iptables ip6tables; do $kind-legacy-save | grep -e ^-A -e ^:ISTIO || :; done\n"
OURS = [
    '-A OUTPUT -p tcp -m tcp --sport 2222 -m comment --comment "meshops.mesh" -j ACCEPT',
    '-A OUTPUT -p tcp -m tcp --sport 22 -m comment --comment "meshops.mesh" -j ACCEPT',
    '-A PREROUTING -m conntrack --ctstate INVALID -m comment --comment "meshops.mesh"',
]


def test_rules_come_once_and_go():
    assert played(f"guard track 22 2222\nguard start 22 2222\n{RULES}") == OURS * 2
    assert played(f"guard track 22 2222\nguard leave >/dev/null\n{RULES}") == []


def test_ours_come_before_istios():
    istio = "iptables-legacy -t nat -N ISTIO_OUTPUT; iptables-legacy -t nat -A OUTPUT -j ISTIO_OUTPUT\n"
    shown = played(f"{istio}guard track 22\n{RULES}")
    assert shown.index(OURS[1]) < shown.index("-A OUTPUT -j ISTIO_OUTPUT")


@pytest.mark.parametrize("kind", ["legacy", "nft"])
def test_what_istio_left_goes_and_the_rules_of_others_stay(kind):
    rules = (
        "*nat\n:ISTIO_OUTPUT - [0:0]\n:ISTIO_REDIRECT - [0:0]\n-A OUTPUT -j ISTIO_OUTPUT\n"
        "-A ISTIO_OUTPUT -p tcp -j ISTIO_REDIRECT\n-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001\n"
        "-A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE\nCOMMIT\n"
        "*raw\n:ISTIO_OUTPUT_DNS - [0:0]\n-A OUTPUT -j ISTIO_OUTPUT_DNS\nCOMMIT\n"
        "*filter\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
    )
    script = f"iptables-{kind}-restore <<'END'\n{rules}END\nguard leave >/dev/null\n"
    shown = played(f"{script}iptables-{kind}-save | grep -e ^-A -e ISTIO")
    assert sorted(shown) == [
        "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT",
        "-A POSTROUTING -s 10.9.0.0/16 -j MASQUERADE",
    ]


def test_the_start_notes_the_files():
    files = "/var/lib/istio/envoy /var/lib/istio/config"
    script = f"mount -t tmpfs none /var/lib\nmkdir -p {files}\necho a > /var/lib/istio/envoy/cluster.env\n"
    (line, *_) = played(f"{script}guard start 22 2>/dev/null\ncat /run/meshops/istio.started")
    assert line.endswith("  /var/lib/istio/envoy/cluster.env")


def test_a_session_outlives_the_redirection():
    """Two namespaces; the server speaks first once rules like Istio's are there. Without the guard that breaks it."""
    serve = (
        "import socket, subprocess, sys, time\n"
        "server = socket.create_server(('10.9.9.1', 2222)); print('up', flush=True); inside, _ = server.accept()\n"
        "inside.recv(1); [subprocess.run(step, check=True) for step in eval(sys.argv[1])]\n"
        "inside.settimeout(3); inside.sendall(b'hello'); print(inside.recv(5).decode(), flush=True)\n"
    )
    call = (
        "import socket; c = socket.create_connection(('10.9.9.1', 2222)); c.sendall(b'1'); c.settimeout(3)\n"
        "c.sendall(c.recv(5))\n"
    )
    rules = [
        ["iptables-legacy", "-t", "nat", "-N", "ISTIO_OUTPUT"],
        ["iptables-legacy", "-t", "nat", "-A", "ISTIO_OUTPUT", "-p", "tcp", "-j", "REDIRECT", "--to-ports", "15001"],
        ["iptables-legacy", "-t", "nat", "-A", "OUTPUT", "-j", "ISTIO_OUTPUT"],
    ]
    guard = ["sh", str(GUARD), "track", "2222"]

    def session(steps):
        script = """
set -e
ip link set lo up
unshare --net sleep 20 >/dev/null & inner=$!
sleep 0.3
ip link add veth-a type veth peer name veth-b netns $inner
ip addr add 10.9.9.1/24 dev veth-a; ip link set veth-a up
nsenter --net=/proc/$inner/ns/net sh -c 'ip addr add 10.9.9.2/24 dev veth-b; ip link set veth-b up'
python3 -c "$SERVE" "$STEPS" & server=$!
sleep 0.7
nsenter --net=/proc/$inner/ns/net python3 -c "$CALL" || :
wait $server || :
kill $inner
"""
        env = {**os.environ, "SERVE": serve, "CALL": call, "STEPS": repr(steps)}
        run = ["unshare", "--net", "bash", "-c", script]
        done = subprocess.run(run, env=env, capture_output=True, text=True, timeout=60, check=True)
        return done.stdout.split()

    assert session(rules) == ["up"]
    assert session([guard, *rules]) == ["up", "hello"]
