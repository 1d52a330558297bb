"""A certificate authority that the tests make up, signers of its own, and a reader that trusts it."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import pytest

from faceswap_cli.options import Credentials

TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp", "tiff": "image/tiff", "avif": "image/avif",
         "gif": "image/gif", "apng": "image/png", "bmp": "image/bmp", "mp4": "video/mp4", "mov": "video/quicktime",
         "webm": "video/webm", "mkv": "video/x-matroska"}

DETACHED = ("bmp", "webm", "mkv")

class Authority:
    """Its certificate and key; `issue` makes signers."""

    def __init__(self, folder: Path) -> None:
        pytest.importorskip("c2pa", reason="signing needs the extra c2pa")
        from cryptography.hazmat.primitives.asymmetric import ec

        self.folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign("Test root", self._key.public_key(), None, (-400, 4000))
        self.root = self._pem(self._certificate)

    def issue(self, name: str = "signer", key: Any = None, *, days: tuple[int, int] = (-1, 300),
              usage: str | None = "1.3.6.1.5.5.7.3.4", chain: bool = True) -> Credentials:
        """A certificate for a key, P-256 if none is given, and the two in files."""
        from cryptography.hazmat.primitives.asymmetric import ec
        from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

        key = ec.generate_private_key(ec.SECP256R1()) if key is None else key
        certificate = self._sign("Test signer", key.public_key(), usage, days)
        files = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        files[0].write_bytes(self._pem(certificate) + (self.root if chain else b""))
        files[1].write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return Credentials(str(files[0]), str(files[1]))

    def _sign(self, name: str, key: Any, usage: str | None, days: tuple[int, int]) -> Any:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        def named(common: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Tests"),
                              x509.NameAttribute(x509.NameOID.COMMON_NAME, common)])

        now, root = dt.datetime.now(dt.UTC), name == "Test root"
        builder = (x509.CertificateBuilder().subject_name(named(name)).issuer_name(named("Test root")).public_key(key)
                   .serial_number(x509.random_serial_number())
                   .not_valid_before(now + dt.timedelta(days=days[0])).not_valid_after(now + dt.timedelta(days=days[1]))
                   .add_extension(x509.BasicConstraints(root, None), critical=True)
                   .add_extension(x509.KeyUsage(not root, False, False, False, False, root, root, False, False), True)
                   .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
                   .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), False))
        if usage is not None:
            builder = builder.add_extension(x509.ExtendedKeyUsage([x509.ObjectIdentifier(usage)]), critical=False)
        return builder.sign(self._key, hashes.SHA256())

    @staticmethod
    def _pem(certificate: Any) -> bytes:
        from cryptography.hazmat.primitives.serialization import Encoding

        data: bytes = certificate.public_bytes(Encoding.PEM)
        return data

    def read(self, path: Path) -> tuple[str, dict[str, Any]]:
        """Whether a file's manifest is `Trusted`, `Valid` or `Invalid`, and the manifest."""
        import json

        import c2pa

        suffix = path.suffix[1:]
        context = c2pa.Context(c2pa.Settings.from_dict({
            "verify": {"verify_trust": True, "remote_manifest_fetch": False},
            "trust": {"trust_anchors": self.root.decode(),
                      "trust_config": "1.3.6.1.5.5.7.3.4\n1.3.6.1.5.5.7.3.36\n1.3.6.1.4.1.62558.2.1"},
        }))
        manifest = path.with_name(path.name + ".c2pa").read_bytes() if suffix in DETACHED else None
        with path.open("rb") as file, c2pa.Reader(TYPES[suffix], file, manifest, context=context) as reader:
            return str(reader.get_validation_state()), json.loads(reader.detailed_json())


def digital_sources(manifests: dict[str, Any]) -> list[str]:
    """The digital source types of all actions of the active manifest."""
    active = manifests["manifests"][manifests["active_manifest"]]
    return [action["digitalSourceType"].rsplit("/", 1)[-1]
            for label, assertion in active["assertion_store"].items() if label.startswith("c2pa.actions")
            for action in assertion["actions"]]
