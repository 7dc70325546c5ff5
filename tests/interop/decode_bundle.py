"""Decodes a bundle; written from docs/wire.md alone.

    decode_bundle.py FILE        prints the header and then the messages, one JSON text a line

The messages are those of the text form: patches (type 10), requests (30) and gone ranges (40).
"""

import base64
import json
import math
import pathlib
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "property"))
from xxh64 import xxh64  # noqa: E402

MOST = 2**53 - 1
NULL, INTEGER, REAL, TEXT, BLOB = range(5)


class Decoder:
    """`header` first, then `messages()`, then `more`. ValueError: no bundle, with the offset."""

    def __init__(self, data):
        self.data, self.at_byte = data, 0
        self.need(self.take(4) == b"\x8crpb", "no bundle")
        self.need(self.varint() == 1, "another version")
        self.need(len(data) > self.at_byte + 8, "cut off")
        checksum, = struct.unpack("<Q", data[-8:])
        self.data = data[:-8]
        self.need(xxh64(self.data) == checksum, "wrong checksum")
        self.more = None
        self.header = {"kind": self.number(4), "sender": self.number(), "ver": self.number(),
                       "now": self.number(), "name": self.string(), "vector": {}, "sums": {}}
        peer = 0
        for _ in range(self.varint()):
            peer += self.number(MOST - peer, least=1)
            last, ranges = 0, self.header["vector"].setdefault(str(peer), [])
            for _ in range(self.varint()):
                first = last + self.number(MOST - last, least=2 if last else 1)
                last = first + self.number(MOST - first)
                ranges.append([first, last])
            has_sum = self.sum()
            if has_sum is not None:
                self.need(ranges and ranges[0][0] == 1, "a sum of nothing")
                self.header["sums"][str(peer)] = has_sum

    def need(self, good, what):
        if not good:
            raise ValueError(f"byte {self.at_byte}: {what}")

    def take(self, size):
        self.need(size <= len(self.data) - self.at_byte, "past the end")
        self.at_byte += size
        return self.data[self.at_byte - size:self.at_byte]

    def varint(self):
        value = shift = 0
        while True:
            byte, = self.take(1)
            value |= (byte & 127) << shift
            if byte < 128:
                self.need((byte or not shift) and value < 2**64, "a wrong varint")
                return value
            shift += 7
            self.need(shift < 70, "a wrong varint")

    def number(self, most=MOST, least=0):
        value = self.varint()
        self.need(least <= value <= most, "a number out of range")
        return value

    def string(self):
        return self.take(self.varint()).decode("utf-8")

    def sum(self):
        return f"{struct.unpack('<Q', self.take(8))[0]:016x}" if self.number(1) else None

    def item(self, items, index):
        self.need(index < len(items), "an unknown number")
        return items[index]

    def value(self, kind, column, before):
        if kind == NULL:
            self.need(self.take(1) == b"\0", "a wrong NULL")
            return None
        if kind == INTEGER:
            zigzag = self.varint()
            value = before.get(column, 0) + (zigzag // 2 if zigzag % 2 == 0 else -(zigzag + 1) // 2)
            before[column] = (value + 2**63) % 2**64 - 2**63
            return before[column]
        if kind == REAL:
            value, = struct.unpack("<d", self.take(8))
            self.need(not math.isnan(value), "not a number")
            return {"real": str(value)} if math.isinf(value) else value
        if kind == TEXT:
            return self.string()
        return {"base64": base64.b64encode(self.take(self.varint())).decode("ascii")}

    def patch(self, shape, stamp):
        self.need(stamp and stamp["seq"] <= MOST, "a patch without a stamp")
        step = self.varint()
        stamp["at"] += step // 2 * (1 if step % 2 else 2**13)
        self.need(stamp["at"] <= MOST, "a clock value out of range")
        table, columns, before = shape
        message = {"type": 10, "at": stamp["at"], "peer": stamp["peer"], "seq": stamp["seq"],
                   "ver": stamp["ver"], "tab": table, "delta": {}}
        nulls = []
        for column, kind in columns:
            value = self.value(kind, column, before)
            if kind == NULL:
                nulls.append(column)
            else:
                message["delta"][column] = value
        if nulls:
            message["nulls"] = nulls
        if stamp["group"][0] < stamp["group"][1] >= stamp["seq"]:
            message["grp"] = list(stamp["group"])
        stamp["seq"] += 1
        return message

    def shape(self, names):
        table = self.item(names, self.varint())
        self.need(table not in ("", "_"), "a table without a name")
        columns = []
        for _ in range(self.number(2000)):
            code = self.varint()
            self.need(code % 8 <= BLOB, "an unknown type")
            columns.append((self.item(names, code // 8), code % 8))
        folded = {name.encode().lower() for name, _ in columns}  # bytes: ASCII letters only
        self.need(len(folded) == len(columns), "a column twice")
        return table, columns, {}

    def messages(self):
        names, shapes, shape_count, stamp = [], {}, 0, None
        while True:
            tag = self.varint()
            if tag == 0:
                self.more = bool(self.number(1))
                self.need(self.at_byte == len(self.data), "bytes after the end")
                return
            if tag == 1:
                names.append(self.string())
                self.need(len(names[-1].encode()) <= 1000, "a long name")
            elif tag == 2:
                shapes[shape_count % 1024] = self.shape(names)
                shape_count += 1
            elif tag == 3:
                stamp = {"peer": self.number(least=1), "ver": self.number(),
                         "seq": self.number(least=1), "at": self.number(), "group": (0, 0)}
            elif tag == 4:
                self.need(stamp, "a group without a stamp")
                first = stamp["seq"] - self.number(stamp["seq"] - 1)
                last = first + self.number(MOST - first, least=stamp["seq"] - first)
                stamp["group"] = (first, last)
            elif tag == 5:
                yield self.patch(("_", [], {}), stamp)
            elif tag in (6, 7):
                message = {"type": 40 if tag == 6 else 30, "peer": self.number(least=1)}
                first = message["minSeq"] = self.number(least=1)
                message["maxSeq"] = first + self.number(MOST - first)
                if tag == 7:
                    message["forPeer"] = self.header["sender"]
                    has_sum = self.sum()
                    if has_sum is not None:
                        message["sums"] = {str(message["peer"]): has_sum}
                yield message
            elif tag == 8:
                self.string()
            else:
                self.need(tag - 16 in shapes, "an unknown record")
                yield self.patch(shapes[tag - 16], stamp)


def decode(data):
    """The header, with `more` in it, and the messages, all as their JSON."""
    decoder = Decoder(data)
    messages = list(decoder.messages())
    return {**decoder.header, "more": decoder.more}, messages


if __name__ == "__main__":
    for part in (lambda pair: [pair[0], *pair[1]])(decode(pathlib.Path(sys.argv[1]).read_bytes())):
        print(json.dumps(part, ensure_ascii=False))
