"""Which items of a batch are this machine's: by a hash of the key, so that no machine needs to know the others."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from faceswap_cli.errors import UsageError
from faceswap_cli.text import opt

_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` disjoint parts that make up a batch.

    Attributes:
        index: Which, from 0, as Kubernetes and SLURM count.
        count: How many there are.
    """

    index: int
    count: int

    def __post_init__(self) -> None:
        if not 1 <= self.count <= _MOST:
            raise UsageError(f"{opt('shard')} {self.index}/{self.count}: there must be 1 to {_MOST} shards")
        if not 0 <= self.index < self.count:
            raise UsageError(f"{opt('shard')} {self.index}/{self.count}: shards are counted from 0, so the first "
                             f"number is within 0..{self.count - 1}")

    def holds(self, key: str) -> bool:
        """Whether an item is in this shard: a matter of its key alone, whatever else is in the batch."""
        digest = blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
        return int.from_bytes(digest, "big") % self.count == self.index


def parse_shard(text: str) -> Shard:
    """Read `i/n`, i from 0.

    Raises:
        UsageError: It is something else.
    """
    index, slash, count = (part.strip() for part in text.partition("/"))
    if not slash or not all(part.isascii() and part.isdigit() and len(part) <= 9 for part in (index, count)):
        raise UsageError(f"{opt('shard')} {text!r} is not of the form i/n, such as 0/4 for the first of four shards")
    return Shard(int(index), int(count))
