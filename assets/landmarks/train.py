"""Train the landmark network: one process augments, one thread trains, until a time of day. Run again, it goes on.

    python train.py --data DATA --work WORK --until 2026-12-01T01:20 [--start first_try.onnx] [--others FOLDER]

Writes WORK/log.txt and WORK/checkpoint.pt (whole or not at all). The learning rate falls with the clock to almost
nothing at the end, so what is there then is usable; the average of the weights (EMA) is what is exported.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import os
import queue as queues
import time
from datetime import UTC, datetime
from pathlib import Path

import cv2
import network
import numpy as np
import torch
from faces import INNER, SIDE, Faces, carry, lie, matrix, unit
from samples import Samples
from torch.nn.functional import binary_cross_entropy_with_logits as bce

BATCH = 32
RATE = 1.2e-3
AVERAGE = 0.998


def produce(out: multiprocessing.Queue, args: argparse.Namespace, first: int) -> None:
    """Batch after batch from number `first`; looks for new rounds of views now and then."""
    cv2.setNumThreads(1)
    source, parent = Samples(args.data, args.work, args.seed, args.others), os.getppid()
    number = first
    while os.getppid() == parent:
        if number % 200 == 0:
            source.more()
        batch = source.batch(number, BATCH)
        while os.getppid() == parent:
            try:
                out.put(batch, timeout=20)
                break
            except queues.Full:
                continue
        number += 1


def held_out(args: argparse.Namespace) -> list[tuple[str, torch.Tensor, np.ndarray]]:
    """Name, crops and points (pixels of the crop) of those held out, cropped as a second look does, box off by 2 %."""
    faces, r, sets = Faces(args.data), np.random.default_rng(7), []
    _, held = faces.split()
    for round_ in (0, 1):
        if not (labels := args.work / f"pool-{round_}.npz").exists():
            continue
        views, all_points = np.load(args.work / f"pool-{round_}.npy", mmap_mode="r"), np.load(labels)["points"]
        crops, points = [], []
        for k in held:
            x, y, size, angle = lie(all_points[k])
            dx, dy, zoom = r.normal(0, 0.02, 3)
            m = matrix(x + dx * size, y + dy * size, size * np.exp(zoom), angle)
            crops.append(cv2.warpAffine(views[k][..., :3], m, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE))
            points.append(carry(all_points[k].astype(np.float64), m))
        x = torch.from_numpy(np.stack(crops).transpose(0, 3, 1, 2).astype(np.float32)) / 127.5 - 1
        sets.append((("as they are", "turned")[round_], x, np.stack(points)))
    return sets


def check(net: network.Landmarks, sets: list[tuple[str, torch.Tensor, np.ndarray]]) -> str:
    """One line of mean and median errors, parts of the inter-ocular distance."""
    net.eval()
    said = []
    with torch.no_grad():
        for name, crops, points in sets:
            out = torch.cat([net(part)[0] for part in crops.split(64)]).numpy()
            out = out[..., :2] * (SIDE / 2) + (SIDE - 1) / 2
            errors = np.linalg.norm(out - points[..., :2], axis=2).mean(1) / unit(points)
            said.append(f"{name} {errors.mean():.4f} (median {np.median(errors):.4f})")
    return ", ".join(said)


def loss_of(
    net: network.Landmarks, batch: list[torch.Tensor], weights: torch.Tensor
) -> tuple[torch.Tensor, list[float]]:
    """The loss, and what the log says: points' error (inter-ocular), map's, face's, sureness's losses."""
    crops, points, visible, known, face = batch
    x = (crops.float() / 127.5 - 1).contiguous(memory_format=torch.channels_last)
    out, seen, is_face, error = net(x)
    some = face > 0.5
    off = (out[some] - points[some]).abs()
    p = points[some]
    span = (p[:, [33, 133], :2].mean(1) - p[:, [362, 263], :2].mean(1)).norm(dim=1)
    span = torch.maximum(span, 0.3 * (p[:, 10, :2] - p[:, 152, :2]).norm(dim=1)).clamp(min=0.1)
    wrong = off[..., :2].norm(dim=2).mean(1) / span
    where = 10 * (off[..., :2].mean((0, 2)) * weights).mean() + 3 * off[..., 2].mean()
    shown = (bce(seen, visible, reduction="none") * known).sum() / known.sum().clamp(min=1)
    called = bce(is_face, face)
    unsure = (error[some] - wrong.detach().clamp(min=1e-3).log()).abs().mean()
    loss = where + 0.35 * shown + 0.15 * called + 0.04 * unsure
    return loss, [wrong.mean().item(), shown.item(), called.item(), unsure.item()]


def main() -> None:
    """See above."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--until", type=datetime.fromisoformat, required=True, help="UTC")
    parser.add_argument("--start", type=Path, help="an ONNX file of the first try, to begin from its weights")
    parser.add_argument("--others", type=Path, help="a folder of pictures without faces")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    until = args.until.replace(tzinfo=UTC).timestamp()
    torch.set_num_threads(1)
    torch.manual_seed(args.seed)
    cv2.setNumThreads(1)
    checkpoint, log = args.work / "checkpoint.pt", (args.work / "log.txt").open("a", buffering=1)

    def say(*words: object) -> None:
        print(datetime.now(UTC).strftime("%H:%M:%S"), *words, file=log)

    net, step, spent = network.Landmarks(), 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(state["net"])
        step, spent = state["step"], state["spent"]
        torch.set_rng_state(state["rng"])
    elif args.start:
        crops = Samples(args.data, args.work, args.seed, args.others).batch(10**9, 128)[0]
        network.begin_from(net, args.start, torch.from_numpy(crops).float() / 127.5 - 1)
    net = net.to(memory_format=torch.channels_last)
    average = network.Landmarks()
    average.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW([p for p in net.parameters() if p.requires_grad], RATE, weight_decay=1e-4)
    if checkpoint.exists():
        average.load_state_dict(state["average"])
        optimiser.load_state_dict(state["optimiser"])
    batches: multiprocessing.Queue = multiprocessing.Queue(6)
    multiprocessing.Process(target=produce, args=(batches, args, step), daemon=True).start()
    weights = torch.ones(468)
    weights[INNER] = 1.6
    weights /= weights.mean()
    sets = held_out(args)
    say("step", step, "of", "a checkpoint" if checkpoint.exists() else "the start", "| held out:", check(average, sets))

    def keep() -> None:
        state = {"net": net.state_dict(), "average": average.state_dict(), "optimiser": optimiser.state_dict(),
                 "step": step, "spent": spent, "rng": torch.get_rng_state()}  # fmt: skip
        part = checkpoint.with_suffix(".part")
        torch.save(state, part)
        part.replace(checkpoint)

    saved = checked = noted = before = time.time()
    since, told, waited = step, [], 0.0
    while (now := time.time()) < until:
        spent, before = spent + min(now - before, 30), now  # a pause does not count
        part = spent / (spent + until - now)
        rate = RATE * (0.5 * (1 + math.cos(math.pi * part)) + 0.003) * min(1, step / 300 + 0.05)
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = [torch.from_numpy(a) for a in batches.get()]
        waited += time.time() - now
        net.train()
        loss, said = loss_of(net, batch, weights)
        if not torch.isfinite(loss):
            say("step", step, "is not finite: left out")
            step += 1
            continue
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 4.0)
        optimiser.step()
        step += 1
        slow = min(AVERAGE, (1 + step) / (20 + step))
        with torch.no_grad():
            for mine, its in zip(average.state_dict().values(), net.state_dict().values(), strict=True):
                if mine.is_floating_point():
                    mine.lerp_(its, 1 - slow)
                else:
                    mine.copy_(its)
        told.append(said)
        now = time.time()
        if now - noted > 60:
            e, v, f, u = np.mean(told, 0)
            losses = f"points {e:.4f} map {v:.4f} face {f:.4f} sure {u:.3f}"
            speed, idle = (step - since) * BATCH / (now - noted), 100 * waited / (now - noted)
            say(f"step {step} part {part:.3f} {losses} | {speed:.0f} samples/s, waiting {idle:.0f} %")
            noted, since, told, waited = now, step, [], 0.0
        if now - saved > 300:
            keep()
            saved = now
        if now - checked > 600:
            if len(sets) < 2:
                sets = held_out(args)
            say("held out:", check(average, sets))
            checked = time.time()
    keep()
    say("done: step", step, "| held out:", check(average, sets))


if __name__ == "__main__":
    main()
