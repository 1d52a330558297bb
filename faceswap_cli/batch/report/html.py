"""`--summary-html`: a contact sheet of a batch in one file, without scripts and without the network.

Every item has its source, target and result as small pictures, what came of it and what to beware of. Radio buttons
filter by status; the style sheet does it. The page forbids itself to load or run anything, should a name ever get past
the escaping.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from pathlib import Path

from faceswap_cli.batch.items import ItemResult, Status
from faceswap_cli.batch.report.records import Record, Shelf, Tier
from faceswap_cli.batch.report.style import STYLE, filter_rules
from faceswap_cli.batch.report.summary import Summary
from faceswap_cli.batch.report.text import counted, show_rate, show_seconds
from faceswap_cli.batch.report.thumbnails import Thumbnail, make_thumbnails
from faceswap_cli.errors import FaceswapError
from faceswap_cli.files.atomic import AtomicFile
from faceswap_cli.jobs.inputs import Inputs
from faceswap_cli.names import Kind, kind_of
from faceswap_cli.text import one_line

MAX_ITEMS = 500
"""Items that are shown in full."""

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_TITLES = {Tier.FAILED: "Failed", Tier.WARNED: "With warnings", Tier.OTHER: "Without remarks"}
_FRAMES = ("first frame", "frame in the middle")
_WARNED = "warned"


class ContactSheet:
    """Keeps what is to be shown, in bounded memory; pictures are read when the sheet is written."""

    def __init__(self, summary: Summary, limit: int = MAX_ITEMS) -> None:
        """Start empty.

        Args:
            summary: Of the same batch; the head of the sheet is taken from it. It is only read.
            limit: Items that are shown; failures come first, then what has warnings.
        """
        self._summary = summary
        self._shelf = Shelf(limit)

    def add(self, result: ItemResult) -> None:
        """Take in a result."""
        self._shelf.add(result)

    def write(self, path: Path, on_item: Callable[[int, int | None], None] | None = None) -> None:
        """Write the sheet in place of an older one; it appears whole or not at all.

        Files that are gone or cannot be read have no picture.

        Args:
            path: The file.
            on_item: Told how many items are written, and of how many.

        Raises:
            OutputError: It cannot be written.
        """
        with AtomicFile(path, overwrite=True) as file:
            for part in self._parts(on_item):
                with file.writing():
                    file.file.write(part.encode())
            file.commit()

    def _parts(self, on_item: Callable[[int, int | None], None] | None) -> Iterator[str]:
        tiers = self._shelf.shown()
        records = [record for tier in tiers.values() for record in tier]
        yield from self._head(records)
        sources = _Sources(records)
        yield sources.store
        yield "<main>\n"
        done = 0
        for tier, members in tiers.items():
            if not members:
                continue
            yield f'<section aria-labelledby="tier-{tier:d}">\n<h2 id="tier-{tier:d}">{_TITLES[tier]}</h2>\n'
            yield '<ul class="items">\n'
            for record in members:
                yield _item(record, sources)
                done += 1
                if on_item is not None:
                    on_item(done, len(records))
            yield "</ul>\n</section>\n"
        yield f"</main>\n<footer>{_text(self._summary.as_dict()['tool'])}</footer>\n</body>\n</html>\n"

    def _head(self, shown: Sequence[Record]) -> Iterator[str]:
        summary, shelf = self._summary, self._shelf
        totals = {"all": shelf.totals.total(), **{status.value: shelf.totals[status] for status in Status}}
        totals[_WARNED] = shelf.warned
        filters = [name for name, total in totals.items() if total or name == "all"]
        title = f"faceswap batch: {counted(totals['all'], 'item')}, {totals[Status.FAILED]:,} failed"
        yield ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
               f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
               '<meta name="viewport" content="width=device-width,initial-scale=1">\n'
               f"<title>{_text(title)}</title>\n<style>{STYLE}{filter_rules(filters[1:])}</style>\n</head>\n<body>\n")
        yield f'<header>\n<h1>faceswap batch</h1>\n<p class="quiet">{_text(_course(summary))}</p>\n'
        if summary.stopped:
            yield f'<p class="notice">Stopped early: {_text(summary.stopped)}</p>\n'
        if len(shown) < totals["all"]:
            yield f'<p class="notice">{_text(self._left_out(shown))}</p>\n'
        for text in summary.batch_warnings:
            yield f'<p class="notice">{_text(text)}</p>\n'
        kinds = [f"<li>{counted(kind.items, 'item')}: {_text(kind.text)}</li>" for kind in summary.warnings]
        if kinds:
            yield (f"<details><summary>{counted(len(kinds), 'kind')} of warnings</summary>\n<ul>"
                   + "\n".join(kinds) + "</ul></details>\n")
        yield "<fieldset>\n<legend>Show</legend>\n"
        for name in filters:
            checked = " checked" if name == "all" else ""
            word = "with warnings" if name == _WARNED else name
            yield (f'<span><input type="radio" name="only" id="only-{name}"{checked}>'
                   f'<label for="only-{name}">{word} <b>{totals[name]:,}</b></label></span>\n')
        yield "</fieldset>\n</header>\n"

    def _left_out(self, shown: Sequence[Record]) -> str:
        missing = self._shelf.totals.copy()
        missing.subtract(record.status for record in shown)
        parts = ", ".join(f"{number:,} {status.value}" for status, number in missing.items() if number)
        total = counted(self._shelf.totals.total(), "item")
        return (f"{len(shown):,} of {total} are shown, failures and warnings first; left out: {parts}. "
                "The counts are those of all items.")


class _Sources:
    """The pictures of sources, each once, however many items it serves.

    Attributes:
        store: What goes into the page before the items.
    """

    def __init__(self, records: Sequence[Record]) -> None:
        paths = dict.fromkeys(record.source_path for record in records if record.trusted)
        self._ids: dict[Path, tuple[str, Thumbnail]] = {}
        symbols = []
        for path in paths:
            with Inputs() as inputs:
                pictures = make_thumbnails(_picture_of(path, inputs)) if path is not None else ()
            if path is not None and pictures:
                name, first = f"source-{len(self._ids)}", pictures[0]
                self._ids[path] = (name, first)
                symbols.append(f'<symbol id="{name}" viewBox="0 0 {first.width} {first.height}">'
                               f'<image width="{first.width}" height="{first.height}" href="{first.uri}"/></symbol>\n')
        self.store = f'<svg class="store" aria-hidden="true">\n{"".join(symbols)}</svg>\n' if symbols else ""

    def picture(self, record: Record) -> str:
        """The picture of a record's source."""
        found = None if record.source_path is None else self._ids.get(record.source_path)
        if found is None:
            return ""
        name, first = found
        return (f'<svg role="img" aria-label="source {_text(record.source)}" '
                f'viewBox="0 0 {first.width} {first.height}"><use href="#{name}"/></svg>')


def _picture_of(path: Path, inputs: Inputs) -> Path:
    """A folder of sources, or a saved face, is shown by its first picture."""
    spec = str(path)
    try:
        if kind_of(spec, face=True) in (Kind.SAVED, Kind.SAVED_FILE):
            return inputs.resolve_picture(spec).path
        return inputs.resolve_sources((spec,))[0].path if path.is_dir() else path
    except (FaceswapError, OSError):
        return path


def _item(record: Record, sources: _Sources) -> str:
    classes = f"item {record.status.value}{f' {_WARNED}' if record.warnings else ''}"
    target = record.target_path if record.trusted else None
    targets = make_thumbnails(target) if target is not None else ()
    results = make_thumbnails(record.result_path) if record.result_path is not None else ()
    figures = [_figure("source", [sources.picture(record)], "no picture")]
    figures.append(_figure("target", _images("target", record.name, targets),
                           "not opened" if target is None else "no picture"))
    figures.append(_figure("result", _images("result", record.result or "", results),
                           "no picture" if record.result is not None else "not written"))
    lines = [f'<li class="{classes}"><article>',
             f'<header><h3>{_name(record.name)}</h3><span class="status">{record.status.value}</span></header>',
             f'<div class="pictures">{"".join(figures)}</div>']
    if record.message:
        lines.append(f'<p class="message">{_text(record.message)}</p>')
    if record.warnings:
        lines.append('<ul class="warnings">' + "".join(f"<li>{_text(text)}</li>" for text in record.warnings) + "</ul>")
    if record.facts:
        lines.append(f'<p class="facts">{_text(record.facts)}</p>')
    return "\n".join(lines) + "</article></li>\n"


def _name(name: str) -> str:
    """A path with its folder less loud."""
    folder, slash, file = name.rpartition("/")
    return f'<span class="folder">{_text(folder + slash)}</span><wbr>{_text(file)}' if slash else _text(name)


def _figure(caption: str, pictures: Sequence[str], otherwise: str) -> str:
    """The pictures below each other: the middle frame of a result stands beside that of its target."""
    wells = "".join(f'<div class="well">{picture or otherwise}</div>' for picture in pictures or [""])
    return f"<figure><figcaption>{caption}</figcaption>{wells}</figure>"


def _images(what: str, name: str, thumbnails: Sequence[Thumbnail]) -> list[str]:
    images = []
    for thumbnail, frame in zip(thumbnails, _FRAMES, strict=False):
        alt = f"{what} {name}" + (f", {frame}" if len(thumbnails) > 1 else "")
        images.append(f'<img src="{thumbnail.uri}" width="{thumbnail.width}" height="{thumbnail.height}" '
                      f'alt="{_text(alt)}" decoding="async">')
    return images


def _course(summary: Summary) -> str:
    """When, for how long, how fast and by what."""
    parts = [summary.started.strftime("%Y-%m-%d %H:%M UTC"), show_seconds(summary.seconds)]
    if summary.items_per_second is not None:
        parts += [show_rate(summary.items_per_second), f"{counted(summary.faces_swapped, 'face')} swapped"]
    for engine in summary.as_dict()["engines"][:1]:
        parts.append(f"engine {engine['engine']}: " + ", ".join(
            str(engine[part]) for part in ("analyser", "swapper", "restorer") if engine.get(part)))
    return " · ".join(parts)


def _text(text: str) -> str:
    return escape(one_line(text))
