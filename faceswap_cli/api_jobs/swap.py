"""One swap by the API: local files are sent, addresses are handed over, the result comes into the output.

What is open at the API is on the disk before it is asked for: the same job, run again within the hour, fetches that
result and is not billed again. `Outcome.engine` of such a swap:

    {"engine": "remote", "analyser": detector, "swapper": slug, "restorer": str | null, "provider": host of the API,
     "slug": slug, "request_id": str | null}
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import file_digest
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from faceswap_cli.api_jobs.result import finish
from faceswap_cli.api_jobs.tickets import Tickets, default_folder, ticket_key
from faceswap_cli.errors import OutputError, UsageError
from faceswap_cli.files.closing import Closing
from faceswap_cli.jobs.clock import StageClock
from faceswap_cli.jobs.inputs import Inputs
from faceswap_cli.jobs.job import Outcome, OutputInfo, SwapJob
from faceswap_cli.jobs.swap import check_output
from faceswap_cli.media.formats import SUFFIXES, VIDEO, output_format
from faceswap_cli.media.frame import ClipInfo
from faceswap_cli.media.marks.label import check_label
from faceswap_cli.media.open import open_media
from faceswap_cli.names import Kind, is_url, kind_of, redact_url
from faceswap_cli.options import Fallback, MediaFormat, RemoteOptions
from faceswap_cli.segmind.address import is_hosted
from faceswap_cli.segmind.client import SegmindClient
from faceswap_cli.segmind.clock import Clock as ApiClock
from faceswap_cli.segmind.clock import Deadline, SystemClock
from faceswap_cli.segmind.faults import ApiError, Retry
from faceswap_cli.segmind.key import load_key
from faceswap_cli.segmind.parameters import animation_request, check_options, still_request
from faceswap_cli.segmind.results import Received
from faceswap_cli.segmind.schema import AnyRequest, FaceswapperRequest
from faceswap_cli.segmind.ticket import Ticket
from faceswap_cli.stores.files import StoredOutput
from faceswap_cli.text import Note, opt

_NO_VIDEO = f"{{}} is a video and cannot be used with {opt('remote')}: the API takes pictures and GIFs"


@dataclass(slots=True)
class Spent:
    """What a job has cost.

    Attributes:
        requests: Those that the API accepted, or may have accepted, and that an earlier run had not paid for.
    """

    requests: int = 0


class Remote(Closing):
    """The API as the jobs of one run share it: one client, one folder of tickets. Safe for threads.

    Attributes:
        options: How it is called.
        client: Calls it.
        tickets: Open requests.
        say: Told one line about what the user should know at once.
    """

    def __init__(self, options: RemoteOptions, *, tickets: Path | None = None, clock: ApiClock | None = None,
                 say: Callable[[str], None] = lambda line: None) -> None:
        """Read the key; nothing is sent.

        Args:
            options: How the API is called.
            tickets: The folder of tickets; None: that of single swaps.
            clock: Tells the time and waits.
            say: See above.

        Raises:
            UsageError: An address that is none.
            RemoteError: There is no key and one is needed, or it cannot be read.
        """
        self.options = options
        self.say = say
        self.clock = clock or SystemClock()
        key = load_key(None if options.key_file is None else Path(options.key_file))
        self.client = SegmindClient(key, base_url=options.base_url, upload_url=options.upload_url, clock=clock, say=say)
        self.tickets = Tickets(default_folder() if tickets is None else tickets, self.clock.now)
        self._lock = threading.Lock()
        self._asking: dict[str, threading.Lock] = {}

    @property
    def notes(self) -> tuple[str, ...]:
        """What the user should know before the first request."""
        return self.client.notes

    @property
    def host(self) -> str:
        """Of the API."""
        return urlsplit(self.client.addresses.root).netloc

    def asking(self, key: str) -> threading.Lock:
        """Held by who asks for the same as others do, so that each ticket has a file of its own."""
        with self._lock:
            return self._asking.setdefault(key, threading.Lock())

    def close(self) -> None:
        """Close all connections; open requests go on at the API, and their tickets stay."""
        self.client.close()


def check_remote(job: SwapJob) -> None:
    """Find out before anything is read or sent whether the API can be asked for it.

    Raises:
        UsageError: An option that the API has no parameter for; names it. A label that cannot be drawn.
    """
    spec = job.spec
    if spec.remote is None:
        raise UsageError("the job is not for the API")
    check_options(spec, fallback=spec.remote.fallback is not None)
    if len(spec.sources) != 1:
        raise UsageError(f"{opt('source')} cannot be used with {opt('remote')}: the API takes one picture of the face",
                         advice="name one")
    source = spec.sources[0]
    if (not is_url(source) and Path(source).is_dir()) or (kind_of(source) is Kind.STORE and source.endswith("/")):
        raise UsageError(f"{source} is a folder, and with {opt('remote')} the API takes one picture of the face",
                         advice="name one")
    if spec.media.label is not None:
        check_label(spec.media.label)  # drawn here, when the result is paid for
    # What a local file is, its content says later.
    known = spec.animation_only or is_url(job.target)
    _request(job, _guess(job) if known else ClipInfo(format=MediaFormat.JPEG, width=1, height=1), "sha256:source",
             "sha256:target")


def check_source(job: SwapJob) -> None:
    """Find out whether the picture of the face can be read, where it is on this machine.

    Raises:
        InputError: It cannot.
    """
    if not is_url(job.spec.sources[0]):
        with Inputs() as inputs:
            _picture(job.spec.sources[0], job, inputs)


def swap_remote(job: SwapJob, remote: Remote, spent: Spent | None = None) -> Outcome:
    """Have the API do a job and write its result.

    The output appears whole or not at all, and only when all of the result could be decoded.

    Args:
        job: What to do.
        remote: The API.
        spent: Told what was asked of it.

    Raises:
        UsageError: The output exists, or something cannot be asked of the API.
        InputError: A picture cannot be read.
        ApiError: The API refused or failed, in its own words.
        OutputError: The result, or what is to be noted of the request, could not be written.
    """
    check_remote(job)
    check_output(job)
    if kind_of(job.output) is Kind.STORE:
        with StoredOutput(job.output, overwrite=job.overwrite) as there:
            outcome = swap_remote(replace(job, output=str(there.path)), remote, spent)
            if outcome.output is None:
                return outcome
            there.commit()
            return replace(outcome, output=replace(outcome.output, path=job.output))
    clock = StageClock()
    with Inputs(allow_private=job.allow_private_urls) as inputs, \
            tempfile.TemporaryDirectory(prefix="faceswap-") as folder:
        with clock.stage("load"):
            task = _look(job, inputs, remote)
        if job.dry_run:
            return task.outcome(None, Received(path=Path(), format=task.wanted, bytes=0), clock)
        with clock.stage("swap"):
            received, warnings = _ask(task, remote, Path(folder) / "result", spent or Spent())
        with clock.stage("encode"):
            try:
                output = finish(received.path, job, task.wanted, animated=task.animated)
            except ApiError:
                remote.tickets.drop(task.key, received.request_id)  # it would come the same again
                raise
        remote.tickets.drop(task.key, received.request_id)
        return task.outcome(output, received, clock, warnings)


def falls_back(error: BaseException, options: RemoteOptions) -> bool:
    """Whether a job that failed so is to be done here: the API is down or out of credits, and the user has said so."""
    return (options.fallback is Fallback.LOCAL and isinstance(error, ApiError)
            and (error.out_of_order or error.status == 406))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Picture:
    """An input.

    Attributes:
        name: For messages.
        path: The local file; None: an address, which is handed over.
        uri: The address, or what stands for the file's content where nothing is sent.
        info: Of a local file.
        warnings: What the user should know of it.
    """

    name: str
    path: Path | None
    uri: str
    info: ClipInfo | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """A job whose inputs were looked at.

    Attributes:
        wanted: The format of the output.
        animated: Whether the result has to be animated; None: it is not known.
        request: What is asked, with files named by their content.
        key: Its tickets are filed under this.
    """

    job: SwapJob
    host: str
    source: _Picture
    target: _Picture
    guess: ClipInfo
    wanted: MediaFormat
    animated: bool | None
    request: AnyRequest
    key: str = field(default="")

    def outcome(self, output: OutputInfo | None, received: Received, clock: StageClock,
                warnings: tuple[str, ...] = ()) -> Outcome:
        """What came of it. The API does not tell of faces: that it succeeded means that one was swapped."""
        request = self.request
        if isinstance(request, FaceswapperRequest):
            analyser, restorer = None, "codeformer" if request.face_restore else None
        else:
            analyser, restorer = request.facedetection, request.face_restore
        slug = request.slug.value
        engine = {"engine": "remote", "analyser": analyser, "swapper": slug, "restorer": restorer,
                  "provider": self.host, "slug": slug, "request_id": received.request_id}
        frames = 1 if output is None else output.frames
        own = (*self.source.warnings, *(self.target.info.warnings if self.target.info is not None else ()))
        return Outcome(spec=self.job.spec, target=self.job.target, output=output, engine=engine, frames=frames,
                       frames_swapped=0 if output is None else frames, frames_without_face=0, faces_swapped=0, faces=(),
                       warnings=tuple(map(Note, dict.fromkeys((*own, *warnings, *received.warnings)))),
                       timings=clock.timings())


def _look(job: SwapJob, inputs: Inputs, remote: Remote) -> _Task:
    """Read what is local, and check everything by the rules by which the API would.

    Raises:
        InputError: A file is no picture that can be read.
        UsageError: The API cannot be asked for it.
    """
    source = _picture(job.spec.sources[0], job, inputs)
    target = _picture(job.target, job, inputs)
    info = target.info
    if job.spec.animation_only and info is not None and not info.animated:
        raise UsageError(f"{target.name} is a still", advice="swap-gif takes animations, use `faceswap swap` for it")
    if info is not None and info.animated and info.format is not MediaFormat.GIF \
            and is_hosted(remote.client.addresses):
        raise UsageError(f"{target.name} cannot be used with {opt('remote')}: of animations the API takes GIF",
                         advice="convert it")
    guess = _guess(job) if info is None else info
    wanted = output_format(job.output_path, job.spec.media, guess)
    if info is None and job.output_path is None and job.spec.media.image_format is None and not guess.animated:
        wanted = guess.format if guess.format in (MediaFormat.PNG, MediaFormat.WEBP) else MediaFormat.JPEG
    request = _request(job, guess, source.uri, target.uri, wanted)
    key = ticket_key(remote.client.addresses.root, request.slug.value, request.to_json())
    animated = guess.animated if info is not None or job.spec.animation_only or not guess.animated else None
    return _Task(job=job, host=remote.host, source=source, target=target, guess=guess, wanted=wanted, animated=animated,
                 request=request, key=key)


def _ask(task: _Task, remote: Remote, destination: Path, spent: Spent) -> tuple[Received, tuple[str, ...]]:
    """The result, and warnings: of a request that an earlier run has left open, or of a new one.

    Raises:
        ApiError, OutputError: As `SegmindClient.swap`.
    """
    options, tickets, key = remote.options, remote.tickets, task.key
    deadline = Deadline(options.deadline, remote.clock)
    warnings: list[str] = []
    ticket: Ticket | None = None

    def note(accepted: Ticket, room: Path) -> None:
        nonlocal ticket
        ticket = accepted
        spent.requests += 1
        try:
            tickets.keep(key, accepted, room)
        except OSError as error:
            warnings.append(f"the open request {accepted.request_id} could not be recorded in {tickets.folder}: "
                            f"{error.strerror or error}")

    with remote.asking(key):
        ticket = tickets.find(key)
        if ticket is not None and tickets.expired(ticket):
            warnings.append(f"an earlier request for this ({ticket.request_id}) is older than an hour and forgotten; "
                            "a new one was made")
            tickets.drop(key, ticket.request_id)
            ticket = None
        before = spent.requests
        try:
            if ticket is not None:
                remote.say(f"continuing request {ticket.request_id} of an earlier run; it is not billed again")
                return remote.client.resume(ticket, destination, deadline=options.deadline), tuple(warnings)
            with tickets.room() as room:
                request = _sent(task, remote, deadline)
                received = remote.client.swap(request, destination, mode=options.mode, deadline=deadline.left(),
                                              on_ticket=partial(note, room=room))
        except ApiError as error:
            if ticket is None and error.retry is Retry.UNKNOWN:
                spent.requests += 1
            if ticket is not None and error.ticket is None:
                tickets.drop(key, ticket.request_id)
            raise
        if spent.requests == before:  # a blocking call has no ticket
            spent.requests += 1
        return received, tuple(warnings)


def _sent(task: _Task, remote: Remote, deadline: Deadline) -> AnyRequest:
    """The request with addresses of the files, which are sent now."""
    pictures = (task.source, task.target)
    files = [picture.path for picture in pictures if picture.path is not None]
    urls = iter(remote.client.upload(files, deadline=max(deadline.left(), 0.001)) if files else ())
    source, target = (picture.uri if picture.path is None else next(urls) for picture in pictures)
    return _request(task.job, task.guess, source, target, task.wanted)


def _picture(spec: str, job: SwapJob, inputs: Inputs) -> _Picture:
    if kind_of(spec) is Kind.URL:
        if "@" in urlsplit(spec).netloc:
            raise UsageError(f"{redact_url(spec)} is given with a user name or password, which {opt('remote')} would "
                             "hand to the API", advice="download it first")
        return _Picture(name=redact_url(spec), path=None, uri=spec)
    found = inputs.resolve_picture(spec) if spec == job.spec.sources[0] else inputs.resolve(spec)
    with open_media(found.path, job.spec.media, name=found.name) as reader:
        info = reader.info
    if info.video is not None:
        raise UsageError(_NO_VIDEO.format(found.name), advice=f"leave {opt('remote')} out")
    try:
        with found.path.open("rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise OutputError(f"{found.name} cannot be read: {error.strerror or error}") from error
    more = f"{found.name} has {found.left_out + 1} pictures, and the API takes one: the first is sent"
    return _Picture(name=found.name, path=found.path, uri=f"sha256:{digest}", info=info,
                    warnings=(more,) if found.left_out else ())


def _guess(job: SwapJob) -> ClipInfo:
    """What a target is taken for that was not looked at: by its name."""
    name = urlsplit(job.target).path if is_url(job.target) else job.target
    kind = SUFFIXES.get(PurePosixPath(name).suffix.lower())
    if kind in VIDEO:
        raise UsageError(_NO_VIDEO.format(redact_url(job.target)), advice=f"leave {opt('remote')} out")
    animated = job.spec.animation_only or kind in (MediaFormat.GIF, MediaFormat.APNG)
    return ClipInfo(format=kind or (MediaFormat.GIF if animated else MediaFormat.JPEG), width=1, height=1,
                    frame_count=2 if animated else 1)


def _request(job: SwapJob, info: ClipInfo, source: str, target: str, wanted: MediaFormat | None = None) -> AnyRequest:
    """What is asked: of the options only what differs from our defaults, which are the API's, is sent.

    Raises:
        UsageError: It cannot be asked for.
    """
    if info.animated or job.spec.animation_only:
        engine = job.spec.engine
        if not job.spec.animation_only:  # only `swap-gif` lets the user say that faces are not to be restored
            engine = replace(engine, restore=replace(engine.restore, if_available=True))
        return animation_request(source, target, engine, file_type=info.format.value)
    return still_request(source, target, job.spec.engine, job.spec.media, written_as=wanted)
