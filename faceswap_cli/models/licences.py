"""Which licences the user has accepted: once each, recorded in the models folder."""

from __future__ import annotations

import time

from faceswap_cli.errors import UsageError
from faceswap_cli.models.records import read_record, write_record
from faceswap_cli.models.spec import Licence, ModelSpec
from faceswap_cli.models.store import ModelStore, storing


def needs_acceptance(licence: Licence) -> bool:
    """Whether its terms restrict the use, or are not known, so that they are to be accepted before a download."""
    return not licence.commercial


def accepted(store: ModelStore) -> set[str]:
    """Ids of the licences that were accepted for this models folder."""
    return set(read_record(store.folder / "licences.json"))


def accept(store: ModelStore, licence: Licence) -> None:
    """Record that the user accepted a licence, with its terms as they were shown.

    Raises:
        OutputError: The folder cannot be written.
    """
    record = store.folder / "licences.json"
    entry = {"terms": licence.terms, "url": licence.url, "accepted": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    with storing(record):
        write_record(record, {**read_record(record), licence.id: entry})


def check_accepted(store: ModelStore, spec: ModelSpec) -> None:
    """Let a model pass whose licence needs no acceptance or has it.

    Raises:
        UsageError: It needs it; gives the terms and the option.
    """
    licence = spec.licence
    if needs_acceptance(licence) and licence.id not in accepted(store):
        where = f" ({licence.url})" if licence.url else ""
        raise UsageError(f"{spec.id} has terms of its own: {licence.terms}{where}",
                         advice=f"if you agree, run: faceswap models pull {spec.id} --accept-license")
