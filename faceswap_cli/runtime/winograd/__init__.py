"""Fewer multiplications in the 3x3 convolutions of an ONNX graph: Winograd's F(4, 3), written in ONNX itself."""

from faceswap_cli.runtime.winograd.rewrite import rewrite

__all__ = ["rewrite"]
