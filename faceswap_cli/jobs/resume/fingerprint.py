"""Whether a killed run of a long clip was of the very same job: then the next one continues its work."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from faceswap_cli.jobs.backend import SwapBackend
from faceswap_cli.jobs.job import STDOUT, SwapJob
from faceswap_cli.jobs.resume.stamps import stamp_sources, take_stamp
from faceswap_cli.jobs.resume.versions import describe_models
from faceswap_cli.names import STDIN, is_url


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
    pictures = job.spec.pictures
    if job.output == STDOUT or any(spec == STDIN or is_url(spec) for spec in pictures):
        return None
    stamp, faces = take_stamp(target), stamp_sources(pictures, {})
    if stamp is None or not faces:
        return None
    parts = {name: part for name, part in backend.parts.items() if name != "provider"}  # told once it has run
    record = {
        "spec": job.spec.digest(), "told": [job.details, job.spec.engine.describe, job.spec.engine.measure],
        "target": stamp.sha256, "faces": [[name, one.sha256 or f"{one.size} {one.tag}"] for name, one in faces.items()],
        "versions": describe_models(backend), "parts": parts,
        "suffix": "" if job.output_path is None else job.output_path.suffix.lower(),
    }
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()
