#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Connections that are open must outlive the moment at which Istio begins to redirect traffic. For the kernel they are
# new unless it tracks connections, and it does so only where a rule asks for it.
#   guard.sh track PORT...   from now on; the ports are those by which SSH comes in
#   guard.sh start PORT...   the same, and notes with what files the agent starts
#   guard.sh leave           takes our rules away, and Istio's where they are left over
set -eu
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mark=meshops.mesh
started=/run/meshops/istio.started

# The program by which the agent, too, writes its rules.
program() {
    for name in "$1-legacy" "$1-nft" "$1"; do
        if "$name" -w -t mangle -S PREROUTING >/dev/null 2>&1; then
            echo "$name"
            return
        fi
    done
    return 1
}

# add PROGRAM TABLE CHAIN RULE...: the rule comes first in its chain, once.
add() {
    name=$1 table=$2 chain=$3
    shift 3
    "$name" -w -t "$table" -C "$chain" "$@" -m comment --comment "$mark" 2>/dev/null ||
        "$name" -w -t "$table" -I "$chain" "$@" -m comment --comment "$mark"
}

guard() {
    # Matches next to nothing and does nothing; that it is there is what counts.
    add "$1" mangle PREROUTING -m conntrack --ctstate INVALID
    name=$1
    shift
    for port in "$@"; do
        # What the SSH server says on a connection that is not tracked yet is never redirected.
        add "$name" nat OUTPUT -p tcp --sport "$port" -j ACCEPT
    done
}

# What `iptables-save` shows of ours and of Istio's -> what takes it away.
removal() {
    awk -v mark="$mark" '
        /^\*/ { table = $0; jumps = ""; flushes = ""; deletions = "" }
        /^:ISTIO_/ { chain = substr($1, 2); flushes = flushes "-F " chain "\n"; deletions = deletions "-X " chain "\n" }
        / -j ISTIO_/ || index($0, "--comment " mark) || index($0, "--comment \"" mark "\"") {
            if (!/^-A / || /^-A ISTIO_/) next
            sub(/^-A/, "-D"); jumps = jumps $0 "\n"
        }
        /^COMMIT/ && (jumps flushes) != "" { printf "%s\n%s%s%sCOMMIT\n", table, jumps, flushes, deletions }
    '
}

track() {
    guard "$(program iptables)" "$@"
    if six=$(program ip6tables); then
        guard "$six" "$@" || echo "guard.sh: IPv6 has no rules that track connections" >&2
    fi
}

case ${1-} in
track)
    shift
    track "$@"
    ;;
start)
    shift
    track "$@"
    mkdir -p "${started%/*}"
    sha256sum /var/lib/istio/envoy/cluster.env /var/lib/istio/config/mesh >"$started" || :
    ;;
leave)
    for kind in iptables-legacy iptables-nft ip6tables-legacy ip6tables-nft; do
        rules=$("$kind-save" 2>/dev/null | removal) || continue
        [ -n "$rules" ] || continue
        printf '%s\n' "$rules"
        printf '%s\n' "$rules" | "$kind-restore" -w --noflush
    done
    rm -f "$started"
    rmdir "${started%/*}" 2>/dev/null || :
    ;;
*)
    echo "usage: guard.sh track PORT... | start PORT... | leave" >&2
    exit 2
    ;;
esac
