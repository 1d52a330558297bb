"""What tells whether a killed run of a long clip was of the very same job: then the next one goes on with its work."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, replace
from pathlib import Path

from faceswap_cli.jobs.backend import SwapBackend
from faceswap_cli.jobs.inputs import STDIN
from faceswap_cli.jobs.job import STDOUT, SwapJob
from faceswap_cli.jobs.resume.stamps import Stamp, stamp_sources, take_stamp
from faceswap_cli.jobs.resume.versions import describe_models
from faceswap_cli.jobs.roles import pictures_of
from faceswap_cli.names import is_url


def fingerprint(job: SwapJob, backend: SwapBackend, target: Path) -> str | None:
    """SHA-256, in hexadecimal, of all that decides the bytes of the output and what is reported of it.

    Args:
        job: What is done; its output is a file of this machine.
        backend: What does it.
        target: The target, here.

    Returns:
        None where nothing can be gone on with: a picture came through a pipe or the web and may be another next time,
        or the output goes to standard output.
    """
    pictures = pictures_of(job)
    if job.output == STDOUT or any(spec == STDIN or is_url(spec) for spec in pictures):
        return None
    stamp, faces = take_stamp(target), stamp_sources(pictures, {})
    if stamp is None or not faces:
        return None
    # Which GPU, and how many faces other items of a batch have, change from run to run.
    runtime = replace(job.engine.runtime, device=0, faces_ahead=0)
    parts = {name: part for name, part in backend.parts.items() if name != "provider"}  # told once it has run
    record = {
        "engine": repr(replace(job.engine, runtime=runtime)), "media": repr(job.media), "details": job.details,
        "cast": [job.sources, job.references, [asdict(pair) for pair in job.pairs], job.min_similarity],
        "target": stamp.sha256, "faces": {name: _content(one) for name, one in sorted(faces.items())},
        "versions": describe_models(backend), "parts": parts,
        "suffix": "" if job.output_path is None else job.output_path.suffix.lower(),
    }
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def _content(stamp: Stamp) -> str:
    return stamp.sha256 or f"{stamp.size} {stamp.tag}"
