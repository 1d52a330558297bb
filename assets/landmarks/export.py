"""Write the averaged network of a checkpoint as ONNX, weights stored as fp16.

python export.py WORK/checkpoint.pt landmarks.onnx
"""

from __future__ import annotations

import argparse
from pathlib import Path

import network
import torch


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("target", type=Path)
    args = parser.parse_args()
    state = torch.load(args.checkpoint, weights_only=True)
    net = network.Landmarks()
    net.load_state_dict(state["average"])
    network.export(net, args.target)
    print(f"step {state['step']}: {args.target.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
