# SPDX-License-Identifier: Apache-2.0
"""
What the crew saw of a pair: each write, and what each node held and took, from one sample to the next.

Write number n of a pair is a bit: `SET w:<n> 1` makes a key of its own, `SETBIT acked <n> 1`, sent behind it,
notes it in a bitmap. So one GET of a few kilobytes tells exactly which writes a node holds, and a sample can
afford it. Times are those of time.time(), as are those in the servers' logs.
"""
import dataclasses

BITMAP = "acked"


def bit_offset(n):
    """Redis counts the bits of a byte from the left; like this, bit n of the little-endian number is write n."""
    return n ^ 7


def bits_of(bitmap):
    return int.from_bytes(bitmap or b"", "little")


def numbers_of(bits):
    while bits:
        low = bits & -bits
        yield low.bit_length() - 1
        bits ^= low


@dataclasses.dataclass
class Write:
    node: int           # 0 or 1 of the pair
    sent: float
    acked: float = 0.0  # 0: never


@dataclasses.dataclass
class Run:
    """Samples in a row in which a node kept its role and history, held all it had held, and took writes, or not."""
    role: str
    replid: str
    takes: bool         # whether a write command was carried out
    first_sent: float
    first_answered: float
    last_sent: float = 0.0
    last_answered: float = 0.0
    bits: int = 0       # what it held in the last sample: all it held in any of them

    def holds(self, n):
        return bool(self.bits >> n & 1)


@dataclasses.dataclass
class PairLedger:
    writes: list = dataclasses.field(default_factory=list)           # Write number n at n
    runs: tuple = dataclasses.field(default_factory=lambda: ([], []))  # of each node

    def acked_bits(self):
        return sum(1 << n for n, write in enumerate(self.writes) if write.acked)
