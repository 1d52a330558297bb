"""Which network addresses are public, so that a URL from a stranger cannot reach the machine's own network."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address

# What `is_global` lets through on some of the Python versions in use, and should not be reached.
_CLOSED = tuple(
    ip_network(text)
    for text in (
        "100.64.0.0/10",  # carrier-grade NAT, RFC 6598; some clouds keep their metadata service here
        "168.63.129.16/32",  # Azure's host agent: a public number that only the machine's own host answers
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata service
        "192.88.99.0/24",  # 6to4 relays, RFC 7526
        "198.18.0.0/15",  # benchmarks
        "64:ff9b:1::/48",  # NAT64 with a prefix of one's own, RFC 8215
        "fec0::/10",  # site-local, deprecated but routed by some
        "5f00::/16",  # segment routing
        "3fff::/20",  # documentation
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet.

    Loopback, private, link-local (with the clouds' metadata services), multicast, reserved, unspecified and
    carrier-grade NAT addresses are not; nor are IPv6 addresses that carry such an IPv4 address inside: mapped,
    compatible, 6to4, Teredo and NAT64.
    """
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address in _NAT64 or address in _COMPATIBLE:
            return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
        if address.sixtofour is not None and not is_public(address.sixtofour):
            return False
        if address.teredo is not None:
            return False
    if address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local:
        return False
    if any(address.version == network.version and address in network for network in _CLOSED):
        return False
    return address.is_global


def read_address(host: str) -> Address | None:
    """The address that a URL's host spells, or None when it is a name.

    Raises:
        ValueError: It is a number in a form that the operating system might take for an address but people do not
            read as one: `2130706433`, `0x7f.1`, `0177.0.0.1`, `127.1`.
    """
    try:
        return ip_address(host)
    except ValueError:
        last = host.rstrip(".").rpartition(".")[2].lower()
        if ":" in host or (last.isascii() and last.isdigit()) or last.startswith("0x"):
            raise ValueError("not four decimal numbers") from None
        return None
