"""Option records: names, defaults, ranges and what they apply to (`facts`), declared once. Frozen, small, picklable.

Floor 0: imports nothing heavy, so that `--help` can read defaults and choices from here.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from faceswap_cli.errors import UsageError
from faceswap_cli.facts import Neural, Refusal, option
from faceswap_cli.text import opt
from faceswap_cli.trim import Trim

ALL = "all"
"""The index value that selects every face."""

MAX_PIXELS = 100_000_000
"""Default bound on the pixels of a still and of one frame of an animation."""

MAX_CLIP_PIXELS = 20 * MAX_PIXELS
"""Default bound on pixels x frames of an animation, for the default of `--max-pixels`: twenty times that bound."""


class Order(StrEnum):
    """How detected faces are counted."""

    LARGE_SMALL = "large-small"
    SMALL_LARGE = "small-large"
    LEFT_RIGHT = "left-right"
    RIGHT_LEFT = "right-left"
    TOP_BOTTOM = "top-bottom"
    BOTTOM_TOP = "bottom-top"


class GenderFilter(StrEnum):
    """Which faces pass; `no` lets all pass."""

    NO = "no"
    FEMALE = "female"
    MALE = "male"


class OnNoFace(StrEnum):
    """What happens when nothing was swapped."""

    FAIL = "fail"
    COPY = "copy"
    SKIP = "skip"


class OnError(StrEnum):
    """What a batch does when an item fails."""

    CONTINUE = "continue"
    STOP = "stop"


class RemoteMode(StrEnum):
    """How the API is called: a call that blocks, a queue that is polled, or whichever suits the job."""

    AUTO = "auto"
    SYNC = "sync"
    ASYNC = "async"


class Fallback(StrEnum):
    """What does a job that the API cannot do now."""

    LOCAL = "local"


class EngineName(StrEnum):
    """The local engines."""

    AUTO = "auto"
    EMBEDDED = "embedded"
    NEURAL = "neural"


class Provider(StrEnum):
    """What runs the networks: execution providers of ONNX Runtime, by short names."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"
    TENSORRT = "tensorrt"
    COREML = "coreml"
    DIRECTML = "directml"
    OPENVINO = "openvino"
    ROCM = "rocm"


class Accelerate(StrEnum):
    """Whether a graph is rewritten to run faster on a CPU, with the same result to within rounding."""

    AUTO = "auto"
    OFF = "off"
    WINOGRAD = "winograd"


class Interpolation(StrEnum):
    """How a face crop is resized for restoration and back."""

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    LANCZOS = "lanczos"


class MaskKind(StrEnum):
    """What bounds the new face."""

    BOX = "box"
    HULL = "hull"
    OCCLUSION = "occlusion"


class MediaFormat(StrEnum):
    """Formats that can be written."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    TIFF = "tiff"
    BMP = "bmp"
    AVIF = "avif"
    GIF = "gif"
    APNG = "apng"
    MP4 = "mp4"
    MOV = "mov"
    MKV = "mkv"
    WEBM = "webm"


class VideoCodec(StrEnum):
    """What encodes the pictures of a video; `auto`: as the target where that can be, else what the container is for."""

    AUTO = "auto"
    H264 = "h264"
    H265 = "h265"
    VP9 = "vp9"
    AV1 = "av1"


FaceIndex = tuple[int, ...] | str | None
"""Indices in the chosen order, `ALL`, or None: the first that passes the gender filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectOptions:
    """Which faces take part.

    Attributes:
        order: How faces are counted, in source and target.
        target_index: Faces of the target that are replaced; None: the first one that passes the gender filter.
        source_index: Faces of the source that are used; None: the first one that passes.
        target_gender: Only faces of this gender are replaced.
        source_gender: Only faces of this gender are used.
        reference_threshold: Least similarity of a face to the reference of a person, 0..1; None: the engine's own.
    """

    order: Order = option(Order.LARGE_SMALL, "--order", api="detection_face_order", column=True, project=True)
    target_index: FaceIndex = option(None, "--target-index", api="input_faces_index", column=True, project=True)
    source_index: FaceIndex = option(None, "--source-index", api="source_faces_index", column=True, project=True)
    target_gender: GenderFilter = option(GenderFilter.NO, "--target-gender", api="detect_gender_input",
                                         column=True, project=True)
    source_gender: GenderFilter = option(GenderFilter.NO, "--source-gender", api="detect_gender_source",
                                         column=True, project=True)
    reference_threshold: float | None = option(None, "--reference-threshold", remote=Refusal.IDENTITY,
                                               column=True, project=True)

    def __post_init__(self) -> None:
        if self.reference_threshold is not None:
            _check_range(opt("reference-threshold"), self.reference_threshold, 0.0, 1.0)


def _check_range(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"{option} {value:g} is outside {low:g}..{high:g}")


@dataclass(frozen=True, slots=True, kw_only=True)
class RuntimeOptions:
    """What runs the networks.

    Attributes:
        provider: `auto` takes the fastest that is there.
        device: Number of the GPU.
        accelerate: Whether large graphs are rewritten for the CPU; `auto`: where it pays.
        faces_ahead: Faces that will be swapped beside those of the clip at hand, as far as known (a batch).
    """

    provider: Provider = option(Provider.AUTO, "--provider", neural=Neural.NEEDS, anyway=(Provider.CPU,),
                                remote=Refusal.ENGINE, project=True)
    device: int = option(0, "--device", neural=Neural.TUNES, remote=Refusal.ENGINE, pixels=False, project=True)
    accelerate: Accelerate = option(Accelerate.AUTO, "--accelerate", neural=Neural.NEEDS, anyway=(Accelerate.OFF,),
                                    remote=Refusal.ENGINE, project=True)
    faces_ahead: int = option(0, "", remote=Refusal.NEVER, pixels=False)

    def __post_init__(self) -> None:
        if self.device < 0:
            raise UsageError(f"{opt('device', self.device)} must be 0 or more")


@dataclass(frozen=True, slots=True)
class DetectorOptions:
    """How the neural engine finds faces.

    Attributes:
        model: Id of a detector in the catalogue; None: the best one that is installed.
        size: Side of the square that a picture is fitted into for detection: a multiple of 32 within 128..1280.
        score: Least detection score, 0..1.
    """

    model: str | None = option(None, "--detector", neural=Neural.NEEDS, api="facedetection", column=True, project=True)
    size: int = option(640, "--detector-size", neural=Neural.NEEDS, column=True, project=True)
    score: float = option(0.5, "--detector-score", neural=Neural.NEEDS, column=True, project=True)

    def __post_init__(self) -> None:
        if not 128 <= self.size <= 1280 or self.size % 32:
            raise UsageError(f"{opt('detector-size', self.size)} must be a multiple of 32 within 128..1280")
        _check_range(opt("detector-score"), self.score, 0.05, 0.99)


def parse_masks(text: str | None) -> tuple[MaskKind, ...]:
    """The masks of a list such as `box,hull`; None: the box.

    Raises:
        UsageError: An entry is no mask.
    """
    if text is None:
        return (MaskKind.BOX,)
    known = {kind.value: kind for kind in MaskKind}
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if word not in known:
            raise UsageError(f"{opt('mask', text)}: {word!r} is none of {', '.join(known)}")
    return tuple(dict.fromkeys(known[word] for word in words))


@dataclass(frozen=True, slots=True)
class SwapOptions:
    """How the neural engine swaps.

    Attributes:
        model: Id of a swapper in the catalogue; None: the best one that is installed.
        size: Side in pixels of the swapped crop, a multiple of the model's own; None: the model's own.
        masks: What bounds the new face; the smallest weight wins.
        keep_mouth: The target's own mouth stays.
    """

    model: str | None = option(None, "--swapper", neural=Neural.NEEDS, column=True, project=True)
    size: int | None = option(None, "--swap-size", neural=Neural.NEEDS, column=True, project=True)
    masks: tuple[MaskKind, ...] = option((MaskKind.BOX,), "--mask", neural=Neural.NEEDS, column=True, project=True)
    keep_mouth: bool = option(False, "--keep-mouth", neural=Neural.NEEDS, column=True, project=True)

    def __post_init__(self) -> None:
        if self.size is not None and (not 128 <= self.size <= 1024 or self.size % 128):
            raise UsageError(f"{opt('swap-size', self.size)} must be a multiple of 128 within 128..1024")


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreOptions:
    """How swapped faces are restored.

    Attributes:
        model: Id of a restorer in the catalogue; None: faces are not restored.
        if_available: Restore with whatever restorer is installed, and say so where there is none.
        weight: 0..1: for GFPGAN and GPEN how much of the restored face is taken, for CodeFormer its fidelity input.
        visibility: 0..1, how much of the result is blended over the swapped face.
        interpolation: How the crop is resized for it and back.
    """

    model: str | None = option(None, "--restore", neural=Neural.NEEDS, api="face_restore", column=True, project=True)
    if_available: bool = option(False, "--face-restore/--no-face-restore", animations_api="face_restore",
                                remote=Refusal.NEVER, project=True)
    weight: float = option(0.75, "--restore-weight", neural=Neural.TUNES, api="face_restore_weight",
                           column=True, project=True)
    visibility: float = option(1.0, "--restore-visibility", neural=Neural.TUNES, column=True, project=True)
    interpolation: Interpolation = option(Interpolation.BILINEAR, "--interpolation", neural=Neural.TUNES,
                                          api="interpolation", column=True, project=True)

    def __post_init__(self) -> None:
        _check_range(opt("restore-weight"), self.weight, 0.0, 1.0)
        _check_range(opt("restore-visibility"), self.visibility, 0.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineOptions:
    """Which engine runs and how.

    Attributes:
        engine: `auto` takes the best engine that is installed.
        select: Which faces take part.
        describe: Compute gender even where no filter needs it (for reports).
        measure: Measure how similar results are to source and target (for reports and `min_similarity`).
        detector, swap, restore: Options of the parts; detector, swap and restore mean the neural engine's.
        runtime: What runs the networks.
        models_folder: Where models lie; None: `FACESWAP_MODELS_DIR`, else the platform's data folder.
    """

    engine: EngineName = option(EngineName.AUTO, "--engine", remote=Refusal.ENGINE, column=True, project=True)
    select: SelectOptions = field(default_factory=SelectOptions)
    describe: bool = option(False, "", remote=Refusal.NEVER, pixels=False)
    measure: bool = option(False, "", remote=Refusal.NEVER, pixels=False)
    detector: DetectorOptions = field(default_factory=DetectorOptions)
    swap: SwapOptions = field(default_factory=SwapOptions)
    restore: RestoreOptions = field(default_factory=RestoreOptions)
    runtime: RuntimeOptions = field(default_factory=RuntimeOptions)
    models_folder: str | None = option(None, "--models-dir", remote=Refusal.ENGINE, pixels=False)


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How videos are written.

    Attributes:
        codec: What encodes the pictures.
        crf: Constant rate factor, 0..63, lower is better; None: one at which the loss is hard to see. Above the
            encoder's own range is refused by the writer.
        preset: The encoder's effort, by its own word (`medium`, `slow`, or a number); None: its usual.
        keep_fps: Every frame is kept; else frames are dropped to at most 30 a second.
    """

    codec: VideoCodec = option(VideoCodec.AUTO, "--video-codec", remote=Refusal.OUTPUT, column=True, project=True)
    crf: int | None = option(None, "--crf", remote=Refusal.OUTPUT, column=True, project=True)
    preset: str | None = option(None, "--preset", remote=Refusal.OUTPUT, column=True, project=True)
    keep_fps: bool = option(True, "--keep-fps/--no-keep-fps", remote=Refusal.OUTPUT, column=True, project=True)

    def __post_init__(self) -> None:
        if self.crf is not None:
            _check_range(opt("crf"), self.crf, 0, 63)


@dataclass(frozen=True, slots=True)
class Credentials:
    """Files that sign outputs by C2PA.

    Attributes:
        certificate: Chain of certificates, PEM, the signer's first.
        key: Its private key, PEM.
    """

    certificate: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaOptions:
    """How media are read and written.

    Attributes:
        image_format: Format of the output; None: from the suffix of the output, else as the target.
        image_quality: 10..100, for JPEG, WebP and AVIF.
        max_pixels: Bound on width x height, checked before decoding; `max_pixels * 20` bounds pixels x frames.
        provenance: Write the mark that says the picture is a composite.
        trained: The mark says too that a trained model drew parts of it.
        trim: Which part of a clip is taken; None: all.
        video: How videos are written.
        label: Text that is drawn into a corner of every picture; None: none.
        keep_metadata: Copy the target's EXIF and other metadata, the place where it was taken included; else only what
            is needed to show it.
        credentials: Sign the output; None: it is not signed.
    """

    image_format: MediaFormat | None = option(None, "--image-format", api="image_format", column=True, project=True)
    image_quality: int = option(95, "--image-quality", api="image_quality", column=True, project=True)
    max_pixels: int = option(MAX_PIXELS, "--max-pixels", remote=Refusal.NEVER, pixels=False, column=True)
    provenance: bool = option(True, "--no-provenance", remote=Refusal.NEVER, column=True)
    trained: bool = option(False, "", remote=Refusal.NEVER)
    trim: Trim | None = option(None, "--trim", remote=Refusal.OUTPUT, column=True)
    video: VideoOptions = field(default_factory=VideoOptions)
    label: str | None = option(None, "--label", remote=Refusal.NEVER, column=True, project=True)
    keep_metadata: bool = option(False, "--keep-metadata", remote=Refusal.OUTPUT, column=True)
    credentials: Credentials | None = option(None, "--c2pa-cert", remote=Refusal.NEVER)

    def __post_init__(self) -> None:
        if not 10 <= self.image_quality <= 100:
            raise UsageError(f"{opt('image-quality', self.image_quality)} is outside 10..100")
        if self.max_pixels < 1:
            raise UsageError(f"{opt('max-pixels', self.max_pixels)} must be at least 1")

    @property
    def max_clip_pixels(self) -> int:
        """Bound on pixels x frames of an animation."""
        return self.max_pixels * (MAX_CLIP_PIXELS // MAX_PIXELS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteOptions:
    """That a job is done by the API, and how it is called. Holds no key.

    Attributes:
        mode: Queue, blocking call, or whichever the API has.
        base_url: The API, with or without `/v1`; None: the hosted one.
        upload_url: Where files are sent; None: the usual place of that API.
        key_file: Holds the key; None: `SEGMIND_API_KEY`, else the usual file.
        deadline: Seconds that one job may take, waiting included.
        fallback: What does the job when the API is down or out of credits; None: nothing, it fails.
    """

    mode: RemoteMode = option(RemoteMode.AUTO, "--remote-mode", only_with="--remote")
    base_url: str | None = option(None, "--remote-url", only_with="--remote")
    upload_url: str | None = option(None, "--remote-upload-url", only_with="--remote")
    key_file: str | None = option(None, "--key-file", only_with="--remote")
    deadline: float = option(600.0, "--remote-timeout", only_with="--remote")
    fallback: Fallback | None = option(None, "--fallback", only_with="--remote")

    def __post_init__(self) -> None:
        if not 1 <= self.deadline <= 86_400:
            raise UsageError(f"{opt('remote-timeout')} {self.deadline:g} is outside 1..86400")
