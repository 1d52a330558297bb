"""What a target says about itself beyond its pixels: EXIF, XMP and IPTC, for outputs that are to keep it.

By default an output keeps none of it: where and when a photograph was taken, by whom and with which camera, and who is
in it, are not for a composite to tell unasked. Orientation is applied to the pixels; colour profile and resolution are
kept, for without them the picture looks different. With `MediaOptions.keep_metadata` all of it is copied, the place
included, but for what is untrue of the new picture: thumbnails, maker notes, its identity and history, regions and
names of faces, links to pictures and clips embedded in the old file.
"""

from __future__ import annotations

import io
import struct
from typing import Any, BinaryIO
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from faceswap_cli.media.formats import FORMATS
from faceswap_cli.media.frame import Metadata
from faceswap_cli.media.stills.exif import UNDEFINED, Directory, ExifError, ExifValue, add_to_tiff, copy_exif, read_tag
from faceswap_cli.options import MediaFormat

_MAX_XMP = 60_000
"""A JPEG has room for 65,502 bytes."""

_MAX_IPTC = 60_000
_IPTC_RESOURCE = 0x0404
_IPTC_TAG, _XMP_TAG = 33723, 700

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XMP = "http://ns.adobe.com/xap/1.0/"
_TIFF = "http://ns.adobe.com/tiff/1.0/"
_EXIF = "http://ns.adobe.com/exif/1.0/"
_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"

for _prefix, _uri in {
    "x": "adobe:ns:meta/", "rdf": _RDF, "xmp": _XMP, "tiff": _TIFF, "exif": _EXIF, "Iptc4xmpExt": _EXT,
    "dc": "http://purl.org/dc/elements/1.1/", "photoshop": "http://ns.adobe.com/photoshop/1.0/",
    "Iptc4xmpCore": "http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "xmpRights": "http://ns.adobe.com/xap/1.0/rights/",
    "aux": "http://ns.adobe.com/exif/1.0/aux/", "exifEX": "http://cipa.jp/exif/1.0/",
    "plus": "http://ns.useplus.org/ldf/xmp/1.0/", "lr": "http://ns.adobe.com/lightroom/1.0/",
    "crs": "http://ns.adobe.com/camera-raw-settings/1.0/",
}.items():
    ElementTree.register_namespace(_prefix, _uri)  # the usual prefixes instead of ns0, ns1 ...

_OURS = frozenset({f"{{{_XMP}}}CreatorTool", f"{{{_EXT}}}DigitalSourceType"})
"""What the mark says instead."""

_UNTRUE = frozenset({
    f"{{{_XMP}}}Thumbnails", f"{{{_XMP}}}PageInfo",
    f"{{{_TIFF}}}Orientation", f"{{{_TIFF}}}ImageWidth", f"{{{_TIFF}}}ImageLength",
    f"{{{_EXIF}}}PixelXDimension", f"{{{_EXIF}}}PixelYDimension", f"{{{_EXIF}}}MakerNote",
    f"{{{_EXT}}}PersonInImage", f"{{{_EXT}}}PersonInImageWDetails", f"{{{_EXT}}}ImageRegion",
    "{http://purl.org/dc/terms/}provenance",
})

_UNTRUE_SPACES = (
    "http://ns.adobe.com/xap/1.0/mm/",  # identities, history
    "http://www.metadataworkinggroup.com/schemas/regions/",
    "http://ns.microsoft.com/photo/1.2/",  # regions of people
    "http://ns.apple.com/faceinfo/",
    "http://ns.adobe.com/xmp/note/",  # parts of the packet that lie elsewhere
    "http://ns.google.com/photos/",  # motion photographs and other embedded files
    "http://ns.adobe.com/hdr-gain-map/",
    "http://ns.apple.com/HDRGainMap/",
)


def read_metadata(kind: MediaFormat, info: dict[Any, Any], file: BinaryIO, width: int,
                  height: int) -> tuple[Metadata | None, tuple[str, ...]]:
    """What an output may keep of a still.

    Args:
        kind: Its format.
        info: What Pillow tells of it (`Image.info`).
        file: The file itself.
        width, height: Of the picture, upright.

    Returns:
        What was found, None if nothing; and a line for each part that is damaged, which is left out.
    """
    if not FORMATS[kind].metadata:
        return None, ()
    warnings: list[str] = []
    exif = xmp = iptc = None
    raw = info.get("exif")
    try:
        if kind is MediaFormat.TIFF:
            file.seek(0)
            exif = copy_exif(file, width, height)
            file.seek(0)
            iptc = read_tag(file, _IPTC_TAG)
            file.seek(0)
            xmp = read_tag(file, _XMP_TAG)
        elif isinstance(raw, bytes) and raw:
            exif = copy_exif(io.BytesIO(raw.removeprefix(b"Exif\0\0")), width, height)
    except (ExifError, struct.error, OSError) as error:
        warnings.append(f"its EXIF is not kept: {error}")
    found = info.get("xmp")
    if kind is not MediaFormat.TIFF and isinstance(found, bytes | str):
        xmp = found if isinstance(found, bytes) else found.encode()
    if xmp is not None and _parse(xmp) is None:
        warnings.append("its XMP is not kept: it is damaged or too large")
        xmp = None
    blocks = info.get("photoshop")
    if kind is MediaFormat.JPEG and isinstance(blocks, dict) and isinstance(blocks.get(_IPTC_RESOURCE), bytes):
        iptc = blocks[_IPTC_RESOURCE]
    if iptc is not None and len(iptc) > _MAX_IPTC:
        warnings.append("its IPTC is not kept: it is too large")
        iptc = None
    metadata = Metadata(exif, xmp, iptc)
    return (None if metadata == Metadata() else metadata), tuple(warnings)


def merge_xmp(mark: bytes | None, kept: bytes | None) -> bytes | None:
    """One packet of the mark and what is kept of the target's; the mark wins where both speak.

    Args:
        mark: From `provenance.mark`; None: there is none.
        kept: The target's; None: none.

    Returns:
        None: there is nothing to write. The mark as it is, where nothing else is kept.
    """
    root = None if kept is None else _parse(kept)
    if root is None:
        return mark
    rdf = next(iter(root.iter(f"{{{_RDF}}}RDF")))
    descriptions = [item for item in rdf if item.tag == f"{{{_RDF}}}Description"]
    drop = _OURS if mark is not None else frozenset()
    for description in descriptions:
        description.set(f"{{{_RDF}}}about", "")
        for name in [name for name in description.attrib if name in drop or _is_untrue(name)]:
            del description.attrib[name]
        for item in [item for item in description if item.tag in drop or _is_untrue(item.tag)]:
            description.remove(item)
    descriptions = [item for item in descriptions if len(item) or len(item.attrib) > 1]
    if not descriptions:
        return mark
    merged = Element("{adobe:ns:meta/}xmpmeta")
    body = ElementTree.SubElement(merged, f"{{{_RDF}}}RDF")
    if mark is not None:
        body.extend(_descriptions(mark))
    body.extend(descriptions)
    try:
        text = ElementTree.tostring(merged, "utf-8", xml_declaration=False)
    except RecursionError:  # one within the other, hundreds deep
        return mark
    packet = ('<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'.encode() + text
              + b'\n<?xpacket end="r"?>')
    return packet if len(packet) <= _MAX_XMP else mark


def photoshop_segment(iptc: bytes) -> bytes:
    """A whole APP13 segment of a JPEG that holds IPTC."""
    block = b"8BIM" + _IPTC_RESOURCE.to_bytes(2, "big") + b"\0\0" + len(iptc).to_bytes(4, "big") + iptc
    body = b"Photoshop 3.0\0" + block + b"\0" * (len(iptc) % 2)
    return b"\xff\xed" + (len(body) + 2).to_bytes(2, "big") + body


def tag_tiff(tiff: bytes, metadata: Metadata) -> bytes:
    """A finished TIFF with EXIF and IPTC in it."""
    more: Directory = {}
    if metadata.iptc is not None:
        more[_IPTC_TAG] = ExifValue(UNDEFINED, len(metadata.iptc), metadata.iptc)
    return add_to_tiff(tiff, metadata.exif, more)


def _descriptions(packet: bytes) -> list[Element]:
    root = _parse(packet)
    return [] if root is None else list(root.iter(f"{{{_RDF}}}Description"))


def _is_untrue(name: str) -> bool:
    return name in _UNTRUE or name.removeprefix("{").startswith(_UNTRUE_SPACES)


def _parse(packet: bytes) -> Element | None:
    """The XML of a packet with an RDF in it; None: it is none, too large, or brings definitions of its own."""
    data = packet.strip(b"\0 \r\n\t")
    if len(data) > _MAX_XMP * 4:
        return None
    try:
        text = data.decode("utf-8-sig")
        if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):  # entities: some expand without end
            return None
        root = ElementTree.fromstring(text)
    except (ValueError, ElementTree.ParseError, RecursionError):
        return None
    return root if root.tag == f"{{{_RDF}}}RDF" or root.find(f".//{{{_RDF}}}RDF") is not None else None
