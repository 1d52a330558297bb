"""Every model that is known by name: frozen rows, of which a hash pins the bytes.

To add a swapper or a restorer is to add a row here; what runs it is chosen by its family. A row without a hash is never
downloaded: it only takes the user's own copy, with `models import FILE --as ID`.
"""

from __future__ import annotations

import difflib

from faceswap_cli.errors import UsageError
from faceswap_cli.models.spec import Checkpoint, Crop, Family, Licence, ModelRole, ModelSpec, Template

# --- where files are published ----------------------------------------------------------------------------------------

_INSIGHTFACE = "https://github.com/deepinsight/insightface/releases/download"
_FACEFUSION = "https://github.com/facefusion/facefusion-assets/releases/download"
_VISOMASTER = "https://github.com/visomaster/visomaster-assets/releases/download/v0.1.0"
_REACTOR = "https://huggingface.co/datasets/Gourieff/ReActor/resolve/main/models"
_UNIFACE = "https://github.com/yakhyo/uniface/releases/download/weights"
_YOLOV5_FACE = "https://github.com/yakhyo/yolov5-face-onnx-inference/releases/download/weights"

# --- terms ------------------------------------------------------------------------------------------------------------

INSIGHTFACE = Licence(
    id="insightface-models",
    terms="insightface models: non-commercial research purposes only",
    url="https://github.com/deepinsight/insightface#license",
    commercial=False)

RESWAPPER = Licence(
    id="reswapper",
    terms="ReSwapper: terms not stated with the weights; taught by inswapper, which is non-commercial",
    url="https://github.com/somanchiu/ReSwapper",
    commercial=False)

HYPERSWAP = Licence(
    id="hyperswap",
    terms="HyperSwap: ResearchRAIL-MS, for research only, with restrictions of use",
    url="https://github.com/facefusion/facefusion-labs/tree/master/hyperswap",
    commercial=False)

RETINAFACE = Licence(
    id="retinaface",
    terms="RetinaFace as trained by yakhyo: MIT",
    url="https://github.com/yakhyo/retinaface-pytorch",
    commercial=True)

FACEXLIB = Licence(
    id="facexlib",
    terms="RetinaFace of facexlib: terms of the weights are not stated by their publisher",
    url="https://github.com/xinntao/facexlib",
    commercial=False)

YOLOV5_FACE = Licence(
    id="yolov5-face",
    terms="YOLOv5-face: GPL-3.0",
    url="https://github.com/deepcam-cn/yolov5-face",
    commercial=True)

GFPGAN = Licence(
    id="gfpgan",
    terms="GFPGAN: Apache-2.0, but parts of it (StyleGAN2, DFDNet) are for non-commercial use",
    url="https://github.com/TencentARC/GFPGAN/blob/master/LICENSE",
    commercial=False)

CODEFORMER = Licence(
    id="codeformer",
    terms="CodeFormer: NTU S-Lab License 1.0, for non-commercial use only",
    url="https://github.com/sczhou/CodeFormer/blob/master/LICENSE",
    commercial=False)

GPEN = Licence(
    id="gpen",
    terms="GPEN: for academic and non-commercial use only",
    url="https://github.com/yangxy/GPEN",
    commercial=False)

XSEG = Licence(
    id="xseg",
    terms="XSeg: terms of the weights are not stated by their publisher",
    url="https://github.com/iperov/DeepFaceLab",
    commercial=False)

OWN = Licence(
    id="own",
    terms="your own file: its terms are not known here",
    url="",
    commercial=False)
"""Stands in the rows of imported files that the catalogue does not know."""

# --- rows -------------------------------------------------------------------------------------------------------------

_SWAPPER_INPUTS = {"target": "target", "source": "source"}
_RESTORER_CROP = Crop(512, Template.FFHQ, mean=0.5, std=0.5)
PACK_ID = "buffalo_l"

_SWAPPERS = (
    ModelSpec(
        id="inswapper_128", role=ModelRole.SWAPPER, family=Family.INSWAPPER, file="inswapper_128.onnx",
        licence=INSIGHTFACE, summary="the usual swapper, 128 pixels", rank=10,
        sha256="e4a3f08c753cb72d04e10aa0f7dbe3deebbf39567d4ead6dce08e98aa49e16af", bytes=554253681,
        urls=(f"{_INSIGHTFACE}/model-zoo/inswapper_128.onnx",
              f"{_FACEFUSION}/models-3.0.0/inswapper_128.onnx",
              f"{_REACTOR}/inswapper_128.onnx"),
        crop=Crop(128, Template.ARCFACE), inputs=_SWAPPER_INPUTS, aliases=("inswapper",)),
    ModelSpec(
        id="inswapper_128_fp16", role=ModelRole.SWAPPER, family=Family.INSWAPPER, file="inswapper_128_fp16.onnx",
        licence=INSIGHTFACE, summary="the same in half precision, for GPUs", rank=20,
        sha256="6d51a9278a1f650cffefc18ba53f38bf2769bf4bbff89267822cf72945f8a38b", bytes=277680638,
        urls=(f"{_FACEFUSION}/models-3.0.0/inswapper_128_fp16.onnx", f"{_VISOMASTER}/inswapper_128.fp16.onnx"),
        crop=Crop(128, Template.ARCFACE), inputs=_SWAPPER_INPUTS, aliases=("inswapper_128.fp16",)),
    ModelSpec(
        id="reswapper_256", role=ModelRole.SWAPPER, family=Family.INSWAPPER, file="reswapper_256.onnx",
        licence=RESWAPPER, summary="retrained inswapper, 256 pixels", rank=30,
        sha256="42351d48d8cede1da70e3ea9f552613ead95f3e7ad977c60862ca0a3905eca9e",
        urls=(f"{_REACTOR}/reswapper_256.onnx",),
        crop=Crop(256, Template.ARCFACE), inputs=_SWAPPER_INPUTS),
    ModelSpec(
        id="reswapper_128", role=ModelRole.SWAPPER, family=Family.INSWAPPER, file="reswapper_128.onnx",
        licence=RESWAPPER, summary="retrained inswapper, 128 pixels", rank=40,
        sha256="744eaa30a6a3bdeb693c3c127b2c9ce6f2ea763f245b92ea71ea98b3a38b0fec",
        urls=(f"{_REACTOR}/reswapper_128.onnx",),
        crop=Crop(128, Template.ARCFACE), inputs=_SWAPPER_INPUTS),
    *(ModelSpec(
        id=f"hyperswap_{variant}_256", role=ModelRole.SWAPPER, family=Family.HYPERSWAP,
        file=f"hyperswap_{variant}_256.onnx", licence=HYPERSWAP, summary="FaceFusion's swapper, 256 pixels", rank=rank,
        crop=Crop(256, Template.ARCFACE, mean=0.5, std=0.5), inputs=_SWAPPER_INPUTS)
      for variant, rank in (("1a", 50), ("1b", 51), ("1c", 52))),
)

_PACK = ModelSpec(
    id=PACK_ID, role=ModelRole.PACK, family=Family.PACK, file="buffalo_l.zip", licence=INSIGHTFACE,
    summary="insightface's pack: all five analysis models", rank=10,
    sha256="80ffe37d8a5940d59a7384c201a2a38d4741f2f3c51eef46ebb28218a7b0ca2f", bytes=288621354,
    urls=(f"{_INSIGHTFACE}/model-zoo/buffalo_l.zip", f"{_INSIGHTFACE}/v0.7/buffalo_l.zip"),
    members=("scrfd_10g", "w600k_r50", "genderage", "2d106det", "1k3d68"), aliases=("buffalo",))

_ANALYSIS = (
    ModelSpec(
        id="scrfd_10g", role=ModelRole.DETECTOR, family=Family.SCRFD, file="det_10g.onnx", licence=INSIGHTFACE,
        summary="face detector of buffalo_l", rank=10, pack=PACK_ID,
        sha256="5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
        urls=(f"{_UNIFACE}/scrfd_10g_kps.onnx",),
        crop=Crop(640), aliases=("scrfd", "det_10g", "scrfd_10g_kps")),
    ModelSpec(
        id="w600k_r50", role=ModelRole.RECOGNISER, family=Family.ARCFACE, file="w600k_r50.onnx", licence=INSIGHTFACE,
        summary="identity of a face, of buffalo_l", rank=10, pack=PACK_ID,
        sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43", bytes=174383860,
        urls=(f"{_UNIFACE}/w600k_r50.onnx",),
        crop=Crop(112, Template.ARCFACE, mean=0.5, std=0.5), aliases=("arcface", "arcface_w600k_r50")),
    ModelSpec(
        id="genderage", role=ModelRole.ATTRIBUTES, family=Family.GENDER_AGE, file="genderage.onnx", licence=INSIGHTFACE,
        summary="gender and age, of buffalo_l", rank=10, pack=PACK_ID,
        sha256="4fde69b1c810857b88c64a335084f1c3fe8f01246c9a191b48c7bb756d6652fb",
        urls=(f"{_UNIFACE}/genderage.onnx",),
        crop=Crop(96)),
    ModelSpec(
        id="2d106det", role=ModelRole.LANDMARKS, family=Family.LANDMARKS_106, file="2d106det.onnx", licence=INSIGHTFACE,
        summary="106 landmarks, of buffalo_l", rank=10, pack=PACK_ID,
        sha256="f001b856447c413801ef5c42091ed0cd516fcd21f2d6b79635b1e733a7109dbf",
        crop=Crop(192), aliases=("landmarks_106",)),
    ModelSpec(
        id="1k3d68", role=ModelRole.LANDMARKS, family=Family.LANDMARKS_68_3D, file="1k3d68.onnx", licence=INSIGHTFACE,
        summary="68 landmarks in space, of buffalo_l", rank=20, pack=PACK_ID,
        sha256="df5c06b8a0c12e422b2ed8947b8869faa4105387f199c477af038aa01f9a45cc",
        crop=Crop(192), aliases=("landmarks_68_3d",)),
)

_DETECTORS = (
    ModelSpec(
        id="retinaface_resnet50", role=ModelRole.DETECTOR, family=Family.RETINAFACE, file="retinaface_resnet50.onnx",
        licence=FACEXLIB, summary="the API's detector, large", rank=20, crop=Crop(640)),
    ModelSpec(
        id="retinaface_mobile0.25", role=ModelRole.DETECTOR, family=Family.RETINAFACE, file="retinaface_mv1_0.25.onnx",
        licence=RETINAFACE, summary="the API's detector, small", rank=40,
        sha256="b7a7acab55e104dce6f32cdfff929bd83946da5cd869b9e2e9bdffafd1b7e4a5",
        urls=(f"{_UNIFACE}/retinaface_mv1_0.25.onnx",),
        crop=Crop(640), aliases=("retinaface_mv1_0.25",)),
    ModelSpec(
        id="yolov5l_face", role=ModelRole.DETECTOR, family=Family.YOLOV5_FACE, file="yolov5l_face.onnx",
        licence=YOLOV5_FACE, summary="the API's detector YOLOv5l", rank=30, crop=Crop(640), aliases=("YOLOv5l",)),
    ModelSpec(
        id="yolov5n_face", role=ModelRole.DETECTOR, family=Family.YOLOV5_FACE, file="yolov5n_face.onnx",
        licence=YOLOV5_FACE, summary="the API's detector YOLOv5n", rank=50,
        sha256="eb244a06e36999db732b317c2b30fa113cd6cfc1a397eaf738f2d6f33c01f640",
        urls=(f"{_YOLOV5_FACE}/yolov5n_face.onnx",),
        crop=Crop(640), aliases=("YOLOv5n",)),
)

_RESTORERS = (
    ModelSpec(
        id="gfpgan_1.4", role=ModelRole.RESTORER, family=Family.RESTORER, file="GFPGANv1.4.onnx", licence=GFPGAN,
        summary="restorer, 512 pixels", rank=10,
        sha256="6548e54cbcf248af385248f0c1193b359c37a0f98b836282b09cf48af4fd2b73",
        urls=(f"{_VISOMASTER}/GFPGANv1.4.onnx",),
        crop=_RESTORER_CROP, inputs={"image": "input"}, aliases=("gfpgan", "GFPGANv1.4", "GFPGANv1.4.pth"),
        checkpoints=(Checkpoint(
            "GFPGANv1.4.pth", "e2cd4703ab14f4d01fd1383a8a8b266f9a5833dacee8e6a79d3bf21a1b6be5ad", "GFPGANv1Clean"),)),
    ModelSpec(
        id="codeformer", role=ModelRole.RESTORER, family=Family.RESTORER, file="codeformer_fp16.onnx",
        licence=CODEFORMER, summary="restorer with a fidelity weight, 512 pixels", rank=20,
        sha256="9c3ae2ce2de616815815628f966cdef5d9466722434a1be00c0785ec92e2a94f",
        urls=(f"{_VISOMASTER}/codeformer_fp16.onnx",),
        crop=_RESTORER_CROP, inputs={"image": "x", "weight": "w"},
        aliases=("codeformer-v0.1.0", "codeformer-v0.1.0.pth", "codeformer_fp16"),
        checkpoints=(Checkpoint(
            "codeformer-v0.1.0.pth", "1009e537e0c2a07d4cabce6355f53cb66767cd4b4297ec7a4a64ca4b8a5684b7",
            "CodeFormer"),)),
    ModelSpec(
        id="gpen_512", role=ModelRole.RESTORER, family=Family.RESTORER, file="GPEN-BFR-512.onnx", licence=GPEN,
        summary="restorer, 512 pixels", rank=30,
        sha256="0960f836488735444d508b588e44fb5dfd19c68fde9163ad7878aa24d1d5115e",
        urls=(f"{_VISOMASTER}/GPEN-BFR-512.onnx",),
        crop=_RESTORER_CROP, inputs={"image": "input"}, aliases=("gpen", "GPEN-BFR-512")),
    ModelSpec(
        id="gfpgan_1.3", role=ModelRole.RESTORER, family=Family.RESTORER, file="GFPGANv1.3.onnx", licence=GFPGAN,
        summary="restorer, 512 pixels; from the official .pth", rank=40,
        crop=_RESTORER_CROP, inputs={"image": "input"}, aliases=("GFPGANv1.3", "GFPGANv1.3.pth"),
        checkpoints=(Checkpoint(
            "GFPGANv1.3.pth", "c953a88f2727c85c3d9ae72e2bd4846bbaf59fe6972ad94130e23e7017524a70", "GFPGANv1Clean"),)),
)

_MASKS = (
    ModelSpec(
        id="xseg", role=ModelRole.MASK, family=Family.XSEG, file="XSeg_model.onnx", licence=XSEG,
        summary="finds what hides a face", rank=10,
        sha256="4381395dcbec1eef469fa71cfb381f00ac8aadc3e5decb4c29c36b6eb1f38ad9",
        urls=(f"{_VISOMASTER}/XSeg_model.onnx",),
        crop=Crop(256, Template.ARCFACE), inputs={"image": "in_face:0"}, aliases=("XSeg_model",)),
)

CATALOGUE: tuple[ModelSpec, ...] = (*_SWAPPERS, _PACK, *_ANALYSIS, *_DETECTORS, *_RESTORERS, *_MASKS)
"""All rows; ids, aliases and file names are unique, case ignored."""


def find_spec(name: str, specs: tuple[ModelSpec, ...] | None = None) -> ModelSpec:
    """The row with this id or alias, case ignored.

    Args:
        name: What the user calls it.
        specs: Where to look; None: the catalogue.

    Raises:
        UsageError: No row has it; lists the nearest names.
    """
    wanted = name.strip().lower()
    known = {key.lower(): spec for spec in (CATALOGUE if specs is None else specs)
             for key in (*spec.aliases, spec.id)}
    if wanted in known:
        return known[wanted]
    near = difflib.get_close_matches(wanted, known, n=3, cutoff=0.5)
    ids = list(dict.fromkeys(known[key].id for key in near))
    hint = f"did you mean {' or '.join(ids)}?" if ids else "see `faceswap models list`"
    raise UsageError(f"there is no model {name!r}", advice=hint)


def of_role(role: ModelRole, specs: tuple[ModelSpec, ...] | None = None) -> tuple[ModelSpec, ...]:
    """The rows of one role, best first; None means the catalogue's."""
    found = (spec for spec in (CATALOGUE if specs is None else specs) if spec.role is role)
    return tuple(sorted(found, key=lambda spec: (spec.rank, spec.id)))
