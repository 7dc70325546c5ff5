"""Text messages of the wire, as the oracle reads and the tests write them (DESIGN.md, 1 and 5).

    {"type":10,"at":A,"peer":P,"seq":S,"ver":V,"tab":"T","delta":{..},"nulls":[..],"grp":[f,l]}
    {"type":40,"peer":P,"minSeq":a,"maxSeq":b}

A null inside "delta" means "not in this patch"; "nulls" lists the columns that are set to NULL.
A blob is {"base64":".."}. This module knows no schema.
"""

import base64
import functools
import json
import struct
from dataclasses import dataclass, field

from xxh64 import xxh64

EPOCH_MS = 1735689600000  # 2025-01-01T00:00Z in Unix milliseconds
TICKS_PER_MS = 8192       # the counter of `at` has 13 bits
VOID_TABLE = "_"


def at_from_ms(unix_ms, counter=0):
    return (unix_ms - EPOCH_MS) * TICKS_PER_MS + counter


@functools.lru_cache(maxsize=10000)
def fold(name):
    """The name as it is compared: ASCII letters lower-cased, all others as they are."""
    return "".join(chr(ord(c) + 32) if "A" <= c <= "Z" else c for c in name)


@dataclass(frozen=True)
class Patch:
    """One message of type 10. `values` are those received; None is an explicit NULL."""
    peer: int
    seq: int
    at: int
    ver: int
    tab: str
    values: dict = field(hash=False)
    group: tuple = None  # (first seq, last seq), or None

    @property
    def stamp(self):
        return (self.at, self.peer, self.seq)

    @property
    def is_void(self):
        return self.tab == VOID_TABLE


@dataclass(frozen=True)
class Gone:
    """One message of type 40: these seqs exist no more."""
    peer: int
    first: int
    last: int


def value_from_json(value):
    return base64.b64decode(value["base64"]) if isinstance(value, dict) else value


def value_to_json(value):
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    return value


@functools.lru_cache(maxsize=20000)
def read_message(text):
    """The Patch or Gone that a message is; None for every other type. The text is well-formed."""
    message = json.loads(text)
    if message["type"] == 40:
        return Gone(message["peer"], message["minSeq"], message["maxSeq"])
    if message["type"] != 10:
        return None
    values = {}
    if message["tab"] != VOID_TABLE:
        values = {name: value_from_json(value) for name, value in message["delta"].items()
                  if value is not None}
        values.update((name, None) for name in message.get("nulls", ()))
    group = message.get("grp")
    return Patch(message["peer"], message["seq"], message["at"], message["ver"], message["tab"],
                 values, tuple(group) if group else None)


def write_message(peer, seq, at, tab, values, ver=1, group=None):
    """The message of a patch that sets `values`; None becomes an explicit NULL."""
    message = {"type": 10, "at": at, "peer": peer, "seq": seq, "ver": ver, "tab": tab,
               "delta": {name: value_to_json(value) for name, value in values.items()
                         if value is not None}}
    nulls = [name for name, value in values.items() if value is None]
    if nulls:
        message["nulls"] = nulls
    if group:
        message["grp"] = list(group)
    return json.dumps(message, ensure_ascii=False)


def write_void(peer, seq, at):
    return write_message(peer, seq, at, VOID_TABLE, {})


def _tagged(value):
    """A value as the bytes that are hashed: a tag byte, then the value."""
    if value is None:
        return b"\x00"
    if isinstance(value, int):
        return b"\x01" + struct.pack("<q", value)
    if isinstance(value, float):
        return b"\x02" + struct.pack("<d", value)
    if isinstance(value, str):
        return b"\x03" + value.encode("utf-8")
    return b"\x04" + value


def content_of(peer, seq, at, tab, values):
    """The content of a patch as an unsigned 64-bit number; `values` after the table's affinity."""
    if tab == VOID_TABLE:
        values = {}
    columns_sum = sum(xxh64(_tagged(value), xxh64(fold(name).encode("utf-8")))
                      for name, value in values.items()) % 2**64
    return xxh64(struct.pack("<QQQ", peer, seq, at) + fold(tab).encode("utf-8"), columns_sum)


def add_range(ranges, first, last):
    """Adds a closed range to disjoint, ascending, non-adjacent ranges; returns the new list."""
    kept = []
    for low, high in ranges:
        if high + 1 < first or last + 1 < low:
            kept.append([low, high])
        else:
            first, last = min(first, low), max(last, high)
    return sorted(kept + [[first, last]])
