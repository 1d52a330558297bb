"""The mark in every output: an XMP packet that says the picture is a composite, and what made it.

The packet depends on the version and the kind of engine alone: no names, paths, hashes or dates, so that equal runs
give equal bytes and nothing about the inputs leaks. It can be stripped; a label for honest tools, not a seal.
"""

from __future__ import annotations

import zlib
from enum import StrEnum
from importlib.metadata import PackageNotFoundError, version

from faceswap_cli.options import MediaOptions


class DigitalSource(StrEnum):
    """How the pixels came to be: terms of IPTC's vocabulary `digitalsourcetype`."""

    COMPOSITE_SYNTHETIC = "compositeSynthetic"
    """Parts of several pictures, computed together without a generative model: the embedded engine."""

    COMPOSITE_TRAINED = "compositeWithTrainedAlgorithmicMedia"
    """Parts drawn by a trained model: the neural engine, restorers."""


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


def creator_tool() -> str:
    """Name and version of this program, as the mark states them."""
    try:
        return f"faceswap {version('faceswap-cli')}"
    except PackageNotFoundError:  # run from a source tree that was never installed
        return "faceswap"


def xmp_packet(source: DigitalSource = DigitalSource.COMPOSITE_SYNTHETIC) -> bytes:
    """The mark as an XMP packet: UTF-8, the same bytes for the same version and `source`."""
    return _PACKET.format(tool=creator_tool(), source=_VOCABULARY + source).encode()


def mark(options: MediaOptions) -> bytes | None:
    """The packet that a writer has to put into its output; None where `options` switch it off."""
    if not options.provenance:
        return None
    return xmp_packet(DigitalSource.COMPOSITE_TRAINED if options.trained else DigitalSource.COMPOSITE_SYNTHETIC)


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
