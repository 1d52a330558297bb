"""Signs outputs by C2PA: a manifest, bound to the bytes of the file, that says it is a composite.

Signing is the last thing that happens to a file before it is put in place. The manifest tells the program and its
version, the IPTC digital source type and the certificate; no names, paths, thumbnails or inputs. It holds random
identifiers, so signed outputs differ from run to run. No time stamp authority is asked and nothing is fetched: whoever
checks the file after the certificate has expired sees no proof of when it was signed.

Source: C2PA Technical Specification 2.x; what it demands of certificates is checked by c2pa-python.
"""

from __future__ import annotations

import io
import os
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

from faceswap_cli.errors import InputError, MissingDependencyError, OutputError
from faceswap_cli.media.formats import FORMATS
from faceswap_cli.media.marks.provenance import digital_source_url, program
from faceswap_cli.options import Credentials, MediaFormat, MediaOptions
from faceswap_cli.text import opt

INSTALL = 'pip install "faceswap-cli[c2pa]"'

DETACHED_SUFFIX = ".c2pa"
"""Of the manifest beside an output whose format has no place for it: `OUT.webm.c2pa` for `OUT.webm`."""

_USAGES = ("1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1")
"""What the certificate may be for (extended key usage): e-mail protection, document signing, C2PA claims."""

_SETTINGS = {
    "builder": {"thumbnail": {"enabled": False}},
    "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False},
    "trust": {"trust_config": "\n".join(_USAGES)},
}

_one_at_a_time = threading.Lock()


@dataclass(frozen=True, slots=True)
class Seal:
    """What signs one output.

    Attributes:
        credentials: The files with certificate and key.
        kind: Format of the output.
        source: The IPTC digital source type, as a URL.
    """

    credentials: Credentials
    kind: MediaFormat
    source: str

    @property
    def suffix(self) -> str | None:
        """Added to the output's name for the manifest, where the format has no place for it."""
        return None if FORMATS[self.kind].manifest else DETACHED_SUFFIX

    def sign(self, plain: BinaryIO, signed: BinaryIO, name: str) -> bytes:
        """Sign a finished file.

        Args:
            plain: The file; read from its beginning.
            signed: Receives the file with the manifest; or without, where it is a file of its own.
            name: How to call the output in messages.

        Returns:
            The manifest.

        Raises:
            InputError: The certificate has expired meanwhile.
            OutputError: The disk is full, or the file cannot hold a manifest.
        """
        signer = _signer(os.getpid(), self.credentials)
        plain.seek(0)
        target = _Noting(signed)
        with _one_at_a_time:
            try:
                return signer.sign(FORMATS[self.kind].media_type, plain, target, self.source,
                                   detached=self.suffix is not None)
            except signer.failure as error:
                if target.error is not None:
                    raise target.error from error
                reason = _reason(error)
                if "not valid at time" in reason:
                    raise _not_valid(self.credentials) from error
                raise OutputError(f"cannot write {name}: it cannot be signed: {reason}") from error


def seal_for(options: MediaOptions, kind: MediaFormat) -> Seal | None:
    """What signs an output of this format; None where `options` name no credentials, or switch off marks.

    Raises:
        MissingDependencyError: c2pa-python is not installed.
        InputError: The credentials cannot be used.
    """
    if options.credentials is None or not options.provenance:
        return None
    check_credentials(options.credentials)
    return Seal(options.credentials, kind, digital_source_url(trained=options.trained))


def check_credentials(credentials: Credentials) -> None:
    """Find out whether they can sign.

    Raises:
        MissingDependencyError: c2pa-python is not installed.
        InputError: A file is missing or damaged, they do not belong together, have expired, or are not for C2PA.
    """
    _signer(os.getpid(), credentials)


class _Signer:
    """The library with one pair of credentials, and what it raises."""

    def __init__(self, algorithm: str, chain: bytes, key: bytes) -> None:
        import c2pa

        self.failure: type[Exception] = c2pa.C2paError
        self._library: Any = c2pa
        self._context = c2pa.Context(c2pa.Settings.from_dict(_SETTINGS))
        self._signer = c2pa.Signer.from_info(c2pa.C2paSignerInfo(algorithm, chain, key, None))

    def sign(self, kind: str, plain: Any, signed: Any, source: str, *, detached: bool) -> bytes:
        name, version = program()
        created = {"action": "c2pa.created", "digitalSourceType": source, "description": "Faces were replaced"}
        # A builder signs once.
        builder = self._library.Builder({
            "claim_generator_info": [{"name": name, "version": version}],
            "assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [created]}}],
        }, context=self._context)
        if detached:
            builder.set_no_embed()
        manifest: bytes = builder.sign(self._signer, kind, plain, signed)
        return manifest


@lru_cache(maxsize=1)
def _signer(process: int, credentials: Credentials) -> _Signer:
    """The signer of this process, made once: what lies in the library's memory does not survive a fork.

    Raises:
        MissingDependencyError, InputError: As `check_credentials`.
    """
    try:
        import c2pa
        from cryptography import x509  # noqa: F401 (comes with c2pa)
    except ImportError as error:
        raise MissingDependencyError(f"signing needs {error.name}, which is not installed",
                                     command=INSTALL) from error
    chain, key = _read(credentials.certificate), _read(credentials.key)
    algorithm, plain_key = _match(credentials, chain, key)
    try:
        signer = _Signer(algorithm, chain, plain_key)
        # The library looks at the certificate only when it signs, and closest at what it has signed.
        data = io.BytesIO(b"faceswap")
        manifest = signer.sign("application/octet-stream", data, io.BytesIO(), digital_source_url(), detached=True)
        with c2pa.Reader("application/octet-stream", data, manifest, context=signer._context) as reader:
            found = reader.get_validation_results() or {}
    except c2pa.C2paError as error:
        raise InputError(f"{credentials.certificate} cannot be used for {opt('c2pa-cert')}: "
                         f"{_reason(error)}") from error
    failures = [failure for failure in found.get("activeManifest", {}).get("failure", [])
                if failure.get("code") == "signingCredential.invalid"]
    if failures:
        raise InputError(f"{credentials.certificate} cannot be used for {opt('c2pa-cert')}: "
                         f"{failures[0].get('explanation')}")
    return signer


def _match(credentials: Credentials, chain: bytes, key: bytes) -> tuple[str, bytes]:
    """The signing algorithm, by the kind of key, and the key as PKCS #8.

    Raises:
        InputError: A file is damaged, the two do not belong together, or the certificate is not valid now.
    """
    from cryptography import x509
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        PublicFormat,
        load_pem_private_key,
    )

    try:
        first = x509.load_pem_x509_certificates(chain)[0]
    except ValueError as error:
        raise InputError(f"{credentials.certificate} holds no certificates",
                         advice=f"{opt('c2pa-cert')} needs them in PEM, the signer's first") from error
    try:
        private = load_pem_private_key(key, None)
    except TypeError as error:
        raise InputError(f"{credentials.key} is encrypted",
                         advice="take the password off, for example with openssl pkey -in KEY -out PLAIN") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise InputError(f"{credentials.key} holds no private key that can be read",
                         advice=f"{opt('c2pa-key')} needs one in PEM") from error
    parts = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if private.public_key().public_bytes(*parts) != first.public_key().public_bytes(*parts):
        raise InputError(f"the first certificate in {credentials.certificate} does not belong to the key in "
                         f"{credentials.key}")
    if not first.not_valid_before_utc <= datetime.now(UTC) <= first.not_valid_after_utc:
        raise _not_valid(credentials)
    return _algorithm(credentials, private), private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _algorithm(credentials: Credentials, private: Any) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ec.EllipticCurvePrivateKey):
        found = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}.get(private.curve.name)
        if found is not None:
            return found
    if isinstance(private, rsa.RSAPrivateKey) and private.key_size >= 2048:
        return "ps256"
    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    raise InputError(f"{credentials.key} is of a kind that C2PA has no place for",
                     advice="use EC (P-256, P-384, P-521), RSA of 2048 bits or more, or Ed25519")


def _not_valid(credentials: Credentials) -> InputError:
    return InputError(f"{credentials.certificate} is not valid now: it has expired, or begins later",
                      advice="get another certificate")


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise InputError(f"cannot read {path}: {reason}") from error


def _reason(error: Exception) -> str:
    """The library's reason in one line, without the identifiers that it ends with."""
    return " ".join(str(error).split(" (self#")[0].split()) or type(error).__name__


class _Noting:
    """A file that keeps the error that made it fail: the library tells only that it did."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None
        self.read, self.seek, self.tell = file.read, file.seek, file.tell
        self.readinto: Any = getattr(file, "readinto", None)

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = error
            raise

    def flush(self) -> None:
        try:
            self._file.flush()
        except OSError as error:
            self.error = error
            raise
