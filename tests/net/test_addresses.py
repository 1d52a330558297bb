from __future__ import annotations

from ipaddress import ip_address

import pytest

from faceswap_cli.net.addresses import is_public, read_address


@pytest.mark.parametrize(
    "text",
    [
        "127.0.0.1", "127.255.0.1", "0.0.0.0", "0.1.2.3", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.0.1", "169.254.169.254", "100.64.0.1", "100.100.100.200", "168.63.129.16", "192.0.0.192",
        "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "239.1.1.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1",
        "2001:db8::1", "100::1", "64:ff9b:1::1", "3fff::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::10.0.0.1",
        "2002:7f00:1::", "2002:a9fe:a9fe::", "2002:c0a8:101::1", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text",
    ["8.8.8.8", "1.1.1.1", "100.63.255.255", "100.128.0.1", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8",
     "64:ff9b::808:808"],
)  # fmt: skip
def test_public_addresses(text: str) -> None:
    assert is_public(ip_address(text))


@pytest.mark.parametrize(
    "host",
    ["2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "127.1", "127.0.1", "127.0.0.1.", "1.2.3.4.5", "256.1.1.1",
     "01.1.1.1", "::1::", "0X7F.0.0.0x1"],
)  # fmt: skip
def test_numbers_in_disguise_are_refused(host: str) -> None:
    with pytest.raises(ValueError, match="not four decimal numbers"):
        read_address(host)


@pytest.mark.parametrize("host", ["example.org", "localhost", "1.example", "7.com", "a1"])
def test_names_are_no_addresses(host: str) -> None:
    assert read_address(host) is None


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "8.8.8.8"])
def test_plain_addresses_are_read(host: str) -> None:
    assert str(read_address(host)) == host
