"""The mark in every output: an XMP packet that says the picture is a composite, and what made it.

The packet depends on the version and the kind of engine alone: no names, paths, hashes or dates, so that equal runs
give equal bytes and nothing about the inputs leaks. It can be stripped; a label for honest tools, not a seal: that is
`media.marks.signing`. What people see is drawn by `media.marks.label`.

Source of the terms: IPTC NewsCodes, vocabulary `digitalsourcetype`; of the places in files: XMP specification, part 3.
"""

from __future__ import annotations

import zlib
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

from faceswap_cli.media.formats import FORMATS
from faceswap_cli.options import MediaFormat, MediaOptions
from faceswap_cli.text import opt


class DigitalSource(StrEnum):
    """How the pixels came to be: terms of IPTC's vocabulary `digitalsourcetype`.

    IPTC has no word for "composite with algorithmic media" that leaves training open. It has `composite` (any elements)
    and `compositeCapture` (only captures of real life), which would both play down a face that was computed into a
    pose that no camera saw; so an untrained engine takes the one for composites with synthetic elements.
    """

    COMPOSITE_SYNTHETIC = "compositeSynthetic"
    """Several elements, at least one of them synthetic: the embedded engine, which warps and completes a face."""

    COMPOSITE_TRAINED = "compositeWithTrainedAlgorithmicMedia"
    """Augmented by a trained model that draws: the neural engine, restorers, the API."""


class Mark(StrEnum):
    """What tells that an output is a composite."""

    XMP = "xmp"
    C2PA = "c2pa"
    LABEL = "label"


_VOCABULARY = "http://cv.iptc.org/newscodes/digitalsourcetype/"

_PACKET = """\
<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/">
 <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
  <rdf:Description rdf:about=""
    xmlns:xmp="http://ns.adobe.com/xap/1.0/"
    xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
    xmp:CreatorTool="{tool}"
    Iptc4xmpExt:DigitalSourceType="{source}"/>
 </rdf:RDF>
</x:xmpmeta>
<?xpacket end="r"?>"""


def program() -> tuple[str, str]:
    """Name and version of this program, as marks state them."""
    try:
        return "faceswap", version("faceswap-cli")
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "faceswap", ""


def creator_tool() -> str:
    """Name and version in one."""
    return " ".join(program()).strip()


def digital_source_url(*, trained: bool = False) -> str:
    """The term as IPTC identifies it; `trained`: a trained model drew parts of the picture."""
    return _VOCABULARY + (DigitalSource.COMPOSITE_TRAINED if trained else DigitalSource.COMPOSITE_SYNTHETIC)


def xmp_packet(source: DigitalSource = DigitalSource.COMPOSITE_SYNTHETIC) -> bytes:
    """The mark as an XMP packet: UTF-8, the same bytes for the same version and `source`."""
    return _PACKET.format(tool=creator_tool(), source=_VOCABULARY + source).encode()


def mark(options: MediaOptions) -> bytes | None:
    """The packet that a writer has to put into its output; None where `options` switch it off."""
    if not options.provenance:
        return None
    return xmp_packet(DigitalSource.COMPOSITE_TRAINED if options.trained else DigitalSource.COMPOSITE_SYNTHETIC)


def marks(options: MediaOptions, kind: MediaFormat) -> tuple[Mark, ...]:
    """The marks that an output of this format gets."""
    found = {
        Mark.XMP: options.provenance and FORMATS[kind].mark,
        Mark.C2PA: options.provenance and options.credentials is not None,
        Mark.LABEL: options.label is not None,
    }
    return tuple(name for name, there in found.items() if there)


def notes(options: MediaOptions, kind: MediaFormat, *, animated: bool = False) -> tuple[str, ...]:
    """What a user has to be told about marks and metadata that an output of this format lacks: one line each."""
    told = []
    row = FORMATS[kind]
    if not options.provenance:
        told.append(f"{opt('no-provenance')}: the output does not say that it is a composite")
    elif not FORMATS[kind].mark and options.credentials is None:
        told.append(f"{kind.upper()} has no place for the mark that says that the output is a composite; use .png to "
                    "keep it")
    if options.keep_metadata and row.video is None and (animated or not row.metadata):
        told.append(f"{opt('keep-metadata')}: " + ("animations keep" if animated else f"{kind.upper()} keeps")
                    + " none of the target's metadata")
    return tuple(told)


def png_xmp_chunk(packet: bytes) -> bytes:
    """A whole PNG chunk (length, type, data, CRC) that holds `packet`; goes between IHDR and IDAT of PNG and APNG."""
    # Keyword, then: not compressed, method 0, no language, no translated keyword.
    body = b"iTXt" + b"XML:com.adobe.xmp\0" + b"\0\0" + b"\0" + b"\0" + packet
    return (len(body) - 4).to_bytes(4, "big") + body + zlib.crc32(body).to_bytes(4, "big")


def gif_xmp_extension(packet: bytes) -> bytes:
    """A whole GIF application extension that holds `packet`; goes before the trailer byte.

    The packet is not cut into sub-blocks. A decoder that skips blocks takes bytes of the text for lengths and lands
    somewhere in the trailer of falling bytes, each of which leads to the zero at its end (XMP specification, part 3).
    """
    trailer = bytes([1, *range(255, -1, -1), 0])
    return b"\x21\xff\x0bXMP DataXMP" + packet + trailer
