"""What `--verbose` says of who is who and how like the source the result is, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from faceswap_cli.engine.outcome import FaceOutcome
    from faceswap_cli.jobs.job import Outcome


def face_words(face: FaceOutcome, *, several_sources: bool) -> str:
    """One face in a line: `frame 0, face 1: swapped, it is anna.jpg (0.62); like the source 0.71, the target 0.40`.

    Args:
        face: What happened to it.
        several_sources: Say which source picture it got.
    """
    where = f"frame {face.frame}, face {face.index}"
    if face.track is not None:
        where += f" (track {face.track})"
    what = "swapped" if face.swapped else f"left: {face.skip_reason}"
    if face.source_picture and several_sources:
        what += f" with {face.source_picture}"
    if face.reference_similarity is not None:
        alike = f"{face.reference_similarity:.2f}"
        what += f", it is {face.reference} ({alike})" if face.reference else f", {alike} like the nearest reference"
    if face.similarity is not None:
        what += f"; like the source {face.similarity.source:.2f}, the target {face.similarity.target:.2f}"
    return f"{where}: {what}"


def similarity_words(outcome: Outcome) -> str | None:
    """The similarity of the whole in a line; None: nothing was measured."""
    whole = outcome.similarity
    if whole is None:
        return None
    faces = "1 face" if whole.faces == 1 else f"median of {whole.faces} measured faces"
    return f"similarity to the source {whole.source:.2f}, to the target {whole.target:.2f} ({whole.measure}, {faces})"
