# SPDX-License-Identifier: Apache-2.0
"""SSH keys: the lab's own, with which it is let in, and how hosts are known from others."""

from __future__ import annotations

import os
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from lab import paths

PRIVATE_KEY = paths.SSH / "id_ed25519"
KNOWN_HOSTS = paths.SSH / "known_hosts"


def generate(comment: str) -> tuple[str, str]:
    """A new pair as OpenSSH writes it: private, public."""
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()).decode("ascii")
    public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode("ascii")
    return private, f"{public} {comment}\n"


def own() -> str:
    """The lab's public key; the pair is made when it is missing."""
    public_file = PRIVATE_KEY.with_name(f"{PRIVATE_KEY.name}.pub")
    if not PRIVATE_KEY.exists():
        paths.SSH.mkdir(parents=True, exist_ok=True)
        private, public = generate("lab")
        public_file.write_text(public, encoding="ascii")
        # The private key comes last: with it the pair is complete.
        temporary = PRIVATE_KEY.with_name(".new")
        temporary.unlink(missing_ok=True)
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(private)
        temporary.rename(PRIVATE_KEY)
    return public_file.read_text(encoding="ascii")


def known_hosts(public_keys: Mapping[str, str]) -> str:
    """The text of a known_hosts file, from the public host keys by address."""
    return "".join(f"{address} {' '.join(key.split()[:2])}\n" for address, key in public_keys.items())
