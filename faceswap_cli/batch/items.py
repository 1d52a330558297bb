"""The units of a batch and what comes of them: frozen, small, picklable, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from faceswap_cli.errors import ExitCode
from faceswap_cli.jobs.job import Outcome, SwapJob
from faceswap_cli.jobs.resume.stamps import Stamp


class Status(StrEnum):
    """What became of an item."""

    DONE = "done"
    """Swapped and written."""
    COPIED = "copied"
    """Nothing to swap: passed through, as `--on-no-face copy` asks."""
    SKIPPED = "skipped"
    """Nothing to swap, and nothing written, as `--on-no-face skip` asks."""
    FAILED = "failed"
    CURRENT = "current"
    """Done by an earlier run, and nothing that it depends on has changed."""
    STOPPED = "stopped"
    """Not begun, because the batch was stopped."""


FINISHED = frozenset({Status.DONE, Status.COPIED, Status.SKIPPED})
"""What a later run need not do again."""


class FailureKind(StrEnum):
    """What an item failed of: the class of the error, or what became of its worker, or what the API said."""

    FACESWAP = "FaceswapError"
    USAGE = "UsageError"
    FIELD = "FieldError"
    INPUT = "InputError"
    LIMIT = "LimitError"
    OUTPUT = "OutputError"
    NO_FACE = "NoFaceError"
    UNLIKE = "UnlikeError"
    MODEL = "ModelError"
    OUT_OF_MEMORY = "OutOfMemoryError"
    REMOTE = "RemoteError"
    API = "ApiError"
    PARTIAL = "PartialError"
    MISSING_DEPENDENCY = "MissingDependencyError"
    MEMORY = "MemoryError"
    UNEXPECTED = "UnexpectedError"
    WORKER_DIED = "WorkerDied"
    TIMEOUT = "Timeout"
    MEMORY_LIMIT = "MemoryLimit"
    REFUSED = "ApiRefusal"
    """The API has judged it, and would judge the same again."""
    PERHAPS_BILLED = "PerhapsBilled"
    """A job may exist at the API: to ask again may be billed again."""
    UNKNOWN = "Unknown"
    """In a journal of another version."""

    @classmethod
    def _missing_(cls, value: object) -> FailureKind:
        return cls.UNKNOWN

    @property
    def lasting(self) -> bool:
        """It lies in the item, and would come again, or may be billed again.

        Others lie in the surroundings (a full disk, a model that is missing, a limit); every run tries them again.
        """
        return self in _LASTING


_LASTING = frozenset({
    FailureKind.INPUT, FailureKind.NO_FACE, FailureKind.UNLIKE, FailureKind.WORKER_DIED, FailureKind.TIMEOUT,
    FailureKind.MEMORY_LIMIT, FailureKind.MEMORY, FailureKind.UNEXPECTED, FailureKind.REFUSED,
    FailureKind.PERHAPS_BILLED})


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an item failed.

    Attributes:
        type: What kind it is of.
        message: One line, in the words of the command line.
        exit_code: What a single swap would have ended with.
    """

    type: FailureKind
    message: str
    exit_code: ExitCode = ExitCode.UNEXPECTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One target of a batch.

    Attributes:
        number: Its place in the plan, from 0.
        key: What it is known by from run to run: the output relative to the root of outputs, with `/`.
        job: What to do.
        name: The target as the user knows it.
        problem: Why it cannot be done, found while planning: the item fails without being run.
    """

    number: int
    key: str
    job: SwapJob
    name: str
    problem: Failure | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemResult:
    """What came of an item.

    Attributes:
        item: Which.
        status: How it ended.
        outcome: Of the swap; None where there was none.
        failure: Why it failed.
        attempts: How often it was tried.
        seconds: That the last attempt took.
        worker: Which worker did it, from 0; None: none.
        target: The target as it was read; None: it came through a pipe or from http(s), or was never read.
        sources: The source pictures as they were read, by name.
        output: What was written; None: nothing, or to a pipe.
        models: SHA-256 of the models that took part, by id; versions of what else decides the pixels.
    """

    item: Item
    status: Status
    outcome: Outcome | None = None
    failure: Failure | None = None
    attempts: int = 1
    seconds: float = 0.0
    worker: int | None = None
    target: Stamp | None = None
    sources: dict[str, Stamp] = field(default_factory=dict)
    output: Stamp | None = None
    models: dict[str, str] = field(default_factory=dict)
