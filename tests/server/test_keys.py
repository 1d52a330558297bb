from __future__ import annotations

import os
from hashlib import sha256

import pytest
from refusals import refused

from faceswap_cli.errors import UsageError
from faceswap_cli.server.keys import ANYONE, KeyRing
from faceswap_cli.server.options import ServerOptions, is_loopback


def test_keys_of_a_file_are_told_apart(keys_file):
    ring = KeyRing.read(keys_file)
    assert ring.needed
    alice, bob = ring.owner("alice-key"), ring.owner("bob-key")
    assert alice and bob and alice != bob
    assert "alice" not in alice
    assert [ring.owner(key) for key in (None, "", "alice", "alice-key ", "# of the tests", "kéy")] == [None] * 6


def test_a_key_may_be_given_as_its_hash(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"sha256:{sha256(b'alice-key').hexdigest()}\n")
    path.chmod(0o600)
    assert KeyRing.read(path).owner("alice-key") == KeyRing.of("alice-key").owner("alice-key")


def test_without_keys_everybody_is_anyone():
    ring = KeyRing([])
    assert not ring.needed
    assert ring.owner(None) == ring.owner("k") == ANYONE


@pytest.mark.skipif(os.name != "posix", reason="permissions of files are POSIX")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_file_that_others_can_read_is_refused(keys_file, mode):
    keys_file.chmod(mode)
    with pytest.raises(UsageError, match="chmod 600"):
        KeyRing.read(keys_file)


def test_a_file_without_keys_is_refused(tmp_path):
    path = tmp_path / "keys"
    with pytest.raises(UsageError, match="cannot be read"):
        KeyRing.read(path)
    path.touch(0o600)
    path.write_text("\n# nothing\n")
    with pytest.raises(UsageError, match="holds no key"):
        KeyRing.read(path)


@pytest.mark.parametrize(("host", "own"), [
    ("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("[::1]", True), ("localhost", True),
    ("0.0.0.0", False), ("::", False), ("192.168.0.1", False), ("example.org", False), ("", False),
])
def test_only_loopback_may_be_bound_without_keys(host, own, keys_file):
    assert is_loopback(host) is own
    if own:
        assert ServerOptions(host=host).host == host
    else:
        with refused(UsageError, "--keys-file"):
            ServerOptions(host=host)
    assert ServerOptions(host=host, keys_file=keys_file).host == host


@pytest.mark.parametrize("url", ["swap.example.org", "ftp://a", "https://", "https://u:p@a", "https://a/?q",
                                 "http://a b"])
def test_a_public_root_must_be_one(url):
    with refused(UsageError, "--public-url"):
        ServerOptions(public_url=url)
