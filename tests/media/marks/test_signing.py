"""Signed outputs are trusted by C2PA's own reader, in every format; what cannot sign is told before any work."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from authority import DETACHED, Authority, digital_sources
from PIL import Image as PILImage

from faceswap_cli.errors import FaceswapError, InputError, MissingDependencyError, OutputError, UsageError
from faceswap_cli.media.frame import ClipInfo, Frame
from faceswap_cli.media.marks.provenance import xmp_packet
from faceswap_cli.media.marks.signing import check_credentials, seal_for
from faceswap_cli.media.open import create_media
from faceswap_cli.options import Credentials, MediaFormat, MediaOptions

STILLS = ["jpg", "png", "webp", "tiff", "avif", "bmp"]
CLIPS = ["gif", "webp", "png"]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    folder = tmp_path / "keys"
    folder.mkdir()
    return Authority(folder)


def save(path: Path, options: MediaOptions, frames: int = 1, overwrite: bool = False) -> Path:
    noise = np.random.default_rng(5).integers(0, 256, (frames, 40, 56, 3), dtype=np.uint8)
    like = ClipInfo(format=MediaFormat.GIF if frames > 1 else MediaFormat.PNG, width=56, height=40, frame_count=frames)
    with create_media(path, like, options, overwrite=overwrite) as writer:
        for pixels in noise:
            writer.write(Frame(pixels=pixels))
        writer.commit()
    return path


@pytest.mark.parametrize(("suffix", "frames"), [(s, 1) for s in [*STILLS, "gif"]] + [(s, 3) for s in CLIPS])
def test_trusted_in_every_format(tmp_path: Path, authority: Authority, suffix: str, frames: int) -> None:
    options = MediaOptions(credentials=authority.issue())
    path = save(tmp_path / f"out.{suffix}", options, frames)
    state, manifests = authority.read(path)
    assert state == "Trusted"
    assert digital_sources(manifests) == ["compositeSynthetic"]
    with PILImage.open(path) as image:
        assert getattr(image, "n_frames", 1) == frames
        assert suffix in ("gif", "bmp") or image.info["xmp"] == xmp_packet()
    unsigned = save(tmp_path / f"plain.{suffix}", MediaOptions(), frames)
    with PILImage.open(path) as one, PILImage.open(unsigned) as other:
        assert np.array_equal(np.asarray(one), np.asarray(other))


@pytest.mark.parametrize("suffix", ["jpg", "gif", "bmp"])
def test_a_change_breaks_it_and_strangers_are_not_trusted(tmp_path: Path, authority: Authority, suffix: str) -> None:
    path = save(tmp_path / f"out.{suffix}", MediaOptions(credentials=authority.issue()))
    other = tmp_path / "other"
    other.mkdir()
    assert Authority(other).read(path)[0] == "Valid"
    data = bytearray(path.read_bytes())
    data[-30] ^= 1
    path.write_bytes(data)
    assert authority.read(path)[0] == "Invalid"


def test_says_what_made_it_and_nothing_of_where(tmp_path: Path, authority: Authority) -> None:
    path = save(tmp_path / "secret-name.jpg", MediaOptions(credentials=authority.issue(), trained=True))
    _, manifests = authority.read(path)
    assert digital_sources(manifests) == ["compositeWithTrainedAlgorithmicMedia"]
    active = manifests["manifests"][manifests["active_manifest"]]
    assert active["claim"]["claim_generator_info"]["name"] == "faceswap"
    assert set(active["assertion_store"]) == {"c2pa.actions.v2", "c2pa.hash.data"}  # no thumbnail, no ingredient
    text = json.dumps(manifests)
    assert "secret-name" not in text and str(tmp_path) not in text
    assert b"PRIVATE" not in path.read_bytes()


@pytest.mark.parametrize("kind", ["p384", "p521", "rsa", "ed25519"])
def test_kinds_of_keys(tmp_path: Path, authority: Authority, kind: str) -> None:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    make: dict[str, Any] = {
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
    }
    credentials = authority.issue(key=make[kind](), chain=False)
    assert authority.read(save(tmp_path / "out.png", MediaOptions(credentials=credentials)))[0] == "Trusted"


@pytest.mark.parametrize("usage", ["1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1"])
def test_uses_of_certificates(tmp_path: Path, authority: Authority, usage: str) -> None:
    credentials = authority.issue(usage=usage)
    assert authority.read(save(tmp_path / "out.png", MediaOptions(credentials=credentials)))[0] == "Trusted"


def test_an_openssl_key_of_the_older_kind_signs_too(tmp_path: Path, authority: Authority) -> None:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )

    credentials = authority.issue()
    key = Path(credentials.key)
    private = load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()))
    assert b"BEGIN EC PRIVATE KEY" in key.read_bytes()
    assert authority.read(save(tmp_path / "out.png", MediaOptions(credentials=credentials)))[0] == "Trusted"


def refusals(authority: Authority) -> dict[str, tuple[Credentials, str]]:
    from cryptography.hazmat.primitives.asymmetric import dsa
    from cryptography.hazmat.primitives.serialization import (
        BestAvailableEncryption,
        Encoding,
        PrivateFormat,
        load_pem_private_key,
    )

    one, other = authority.issue("one"), authority.issue("other")
    text = authority.folder / "text.pem"
    text.write_text("no certificate")
    locked = authority.folder / "locked.key"
    private = load_pem_private_key(Path(one.key).read_bytes(), None)
    locked.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"word")))
    root = authority.folder / "root.pem"
    root.write_bytes(authority.root)
    return {
        "missing": (Credentials(str(authority.folder / "none.pem"), one.key), "cannot read .*none.pem: No such file"),
        "text": (Credentials(str(text), one.key), "text.pem holds no certificates"),
        "no key": (Credentials(one.certificate, str(text)), "text.pem holds no private key"),
        "mismatch": (Credentials(one.certificate, other.key), "one.pem does not belong to the key in .*other.key"),
        "reversed": (Credentials(str(root), one.key), "does not belong"),
        "locked": (Credentials(one.certificate, str(locked)), "locked.key is encrypted"),
        "expired": (authority.issue("old", days=(-90, -1)), "old.pem is not valid now"),
        "future": (authority.issue("soon", days=(3, 90)), "soon.pem is not valid now"),
        "web server": (authority.issue("web", usage="1.3.6.1.5.5.7.3.1"), "web.pem cannot be used"),
        "no usage": (authority.issue("any", usage=None), "any.pem cannot be used"),
        "dsa": (authority.issue("dsa", key=dsa.generate_private_key(2048)), "dsa.key is of a kind"),
    }


def test_credentials_that_cannot_sign(tmp_path: Path, authority: Authority) -> None:
    for name, (credentials, told) in refusals(authority).items():
        with pytest.raises(InputError, match=told) as caught:
            check_credentials(credentials)
        assert "\n" not in str(caught.value), name
        with pytest.raises(InputError):
            save(tmp_path / "out.jpg", MediaOptions(credentials=credentials))
    assert {path.name for path in tmp_path.iterdir()} == {"keys"}


def test_without_the_extra(authority: Authority, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "c2pa", None)
    with pytest.raises(MissingDependencyError, match=r"faceswap-cli\[c2pa\]"):
        check_credentials(authority.issue())


def test_marks_off_means_not_signed(authority: Authority) -> None:
    assert seal_for(MediaOptions(credentials=authority.issue(), provenance=False), MediaFormat.JPEG) is None
    assert seal_for(MediaOptions(), MediaFormat.JPEG) is None


@pytest.mark.parametrize("suffix", DETACHED[:1])
def test_a_signature_beside_the_output(tmp_path: Path, authority: Authority, suffix: str) -> None:
    options = MediaOptions(credentials=authority.issue())
    path, beside = tmp_path / f"out.{suffix}", tmp_path / f"out.{suffix}.c2pa"
    beside.write_text("somebody's")
    with pytest.raises(UsageError, match=rf"out\.{suffix}\.c2pa exists"):
        save(path, options)
    assert beside.read_text() == "somebody's" and not path.exists()
    save(path, options, overwrite=True)
    assert authority.read(path)[0] == "Trusted"
    assert {file.name for file in tmp_path.iterdir()} == {"keys", path.name, beside.name}


def test_a_file_that_came_meanwhile_leaves_no_signature_behind(tmp_path: Path, authority: Authority) -> None:
    path = tmp_path / "out.bmp"
    with create_media(path, ClipInfo(format=MediaFormat.PNG, width=8, height=8),
                      MediaOptions(credentials=authority.issue())) as writer:
        writer.write(Frame(pixels=np.zeros((8, 8, 3), np.uint8)))
        path.write_text("another's")
        with pytest.raises(UsageError, match="exists"):
            writer.commit()
    assert {file.name for file in tmp_path.iterdir()} == {"keys", "out.bmp"} and path.read_text() == "another's"


def test_an_abandoned_output_leaves_nothing(tmp_path: Path, authority: Authority) -> None:
    for suffix in ("jpg", "bmp"):
        with create_media(tmp_path / f"out.{suffix}", ClipInfo(format=MediaFormat.PNG, width=8, height=8),
                          MediaOptions(credentials=authority.issue())) as writer:
            writer.write(Frame(pixels=np.zeros((8, 8, 3), np.uint8)))
    assert {file.name for file in tmp_path.iterdir()} == {"keys"}


def test_a_file_that_holds_no_manifest_is_told(tmp_path: Path, authority: Authority) -> None:
    import io

    seal = seal_for(MediaOptions(credentials=authority.issue()), MediaFormat.PNG)
    assert seal is not None
    with pytest.raises(FaceswapError, match="it cannot be signed") as caught:
        seal.sign(io.BytesIO(b"no picture"), io.BytesIO(), "out.png")
    assert isinstance(caught.value, OutputError)


def test_a_full_disk_is_called_so(authority: Authority) -> None:
    import errno
    import io

    class Full(io.BytesIO):
        def write(self, data: Any) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    seal = seal_for(MediaOptions(credentials=authority.issue()), MediaFormat.PNG)
    assert seal is not None
    buffer = io.BytesIO()
    PILImage.new("RGB", (8, 8)).save(buffer, "PNG")
    with pytest.raises(OSError, match="No space"):
        seal.sign(buffer, Full(), "out.png")
