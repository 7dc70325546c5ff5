"""Malformed local writes and messages: each must raise and change nothing."""

import json

from wire import value_to_json


def _key_values(shape):
    return {c.name: value_to_json(c.values[0]) for c in shape.columns if c.is_key}


def bad_write(peer, shape, kind):
    key = _key_values(shape)
    table, first = shape.name, next(iter(key))
    generated = next((c.name for c in shape.columns if c.is_generated), "no such column")
    if kind == "no key":
        del key[first]
    elif kind == "null key":
        key[first] = None
    elif kind == "unknown column":
        key["no such column"] = 1
    elif kind == "generated column":
        key[generated] = "1"
    elif kind == "unknown table":
        table = "no such table"
    text = json.dumps(key)
    if kind == "not json":
        text = text[:-1]
    elif kind == "column twice":
        text = text[:-1] + ", " + text[1:]
    peer.write_text(table, text)


def bad_batch(good_texts, shape, kind):
    """A JSON array of good messages with a malformed one at its end."""
    key = _key_values(shape)
    message = {"type": 10, "at": 1, "peer": 903, "seq": 1, "ver": 1, "tab": shape.name,
               "delta": key}
    if kind == "no seq":
        del message["seq"]
    elif kind == "seq 0":
        message["seq"] = 0
    elif kind == "at too big":
        message["at"] = 2**53
    text = json.dumps(message)
    if kind == "truncated":
        text = text[:-1]
    elif kind == "number":
        text = "12"
    return "[" + ",".join(list(good_texts) + [text]) + "]"
