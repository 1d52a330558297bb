"""Changes to jobs and batch requests told flat, as a command line tells them."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any, TypeVar

from faceswap_cli.batch.request import BatchRequest
from faceswap_cli.jobs.job import SwapJob, SwapSpec

Record = TypeVar("Record", SwapJob, BatchRequest)


def altered(record: Record, **changes: Any) -> Record:
    """The same with other values, those of its spec among them."""
    inner = {field.name: changes.pop(field.name) for field in fields(SwapSpec) if field.name in changes}
    return replace(record, spec=replace(record.spec, **inner), **changes)
