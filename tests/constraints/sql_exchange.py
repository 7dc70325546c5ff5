"""How peers of sql_schedule.py come to what others wrote. Each way may stop half-way."""

import os
import random

from healing import heal

WHOLE = {"form": "array", "share": 1.0, "pick": 0, "own": False}


def send(source, target, event, folder):
    """By the event's way; the number of patches that were new to the target, None: not told."""
    way = event["way"] if len(source.ways) > 1 else "messages"
    if way == "messages":
        texts = picked(source, {**WHOLE, **event})
        return target.apply(texts, event.get("form", "array")) if texts else 0
    return {"bundle": _bundle, "sync": _sync, "pull": _pull}[way](source, target, event, folder)


def picked(source, event):
    """Some of the source's messages, some of them twice, in any order."""
    rng = random.Random(event["pick"])
    texts = [row[2] for row in source.changes() if not event["own"] or row[0] == source.id]
    texts = rng.sample(texts, round(len(texts) * event["share"]))
    return texts + rng.sample(texts, len(texts) // 4)


def _bundle(source, target, event, _folder):
    for _ in range(event["rounds"]):
        blob = source.bundle(target.vector_text(), event["pages"])
        if blob is not None:
            target.apply_blob(blob)


def _sync(source, target, event, _folder):
    """A dialogue that is lost after some rounds."""
    message = target.sync(None, None)
    for _ in range(event["rounds"]):
        if message is not None:
            message = target.sync(source.sync(message, event["pages"]), event["pages"])


def _pull(source, target, _event, folder):
    path = os.path.join(folder, "pulled.db")
    source.snapshot(path)
    target.pull(path)
    os.remove(path)


def make_level(peers, way, rng, folder):
    """Everything to everyone."""
    if way in peers[0].ways and way != "changes":
        heal(way, peers, rng, folder)
        return
    for source in peers:
        for target in peers:
            texts = [row[2] for row in source.changes()]
            rng.shuffle(texts)
            if texts and source is not target:
                target.apply(texts, rng.choice(("array", "spaced", "insert")))
