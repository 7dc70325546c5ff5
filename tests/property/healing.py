"""Ways in which peers that lack something of each other become level, by what a host would do.

Each takes the peers and a random generator, and raises Broken when it does not get there.
"""

import json
import os

from checks import Broken

WAYS = ("changes", "bundles", "ping", "sync", "pull")
LOSS = 0.3
ROUNDS = 60
PAGES = (None, None, 1, 200, 2000)


def heal(way, peers, rng, folder):
    if way == "ping":
        for peer in peers:
            peer.set_option("retry_ms", 0)
    for _ in range(ROUNDS):
        if way == "ping":
            _ping_round(peers, rng)
        else:
            for a, b in _pairs(peers, rng):
                {"bundles": _send_bundles, "sync": _talk, "pull": _pull}[way](a, b, rng, folder)
        if _are_level(peers, by_vector=way == "bundles"):
            return
    raise Broken("healed", f"{ROUNDS} rounds of {way} do not make the peers level:\n"
                 + "\n".join(f"    peer {p.id}: {p.ping()}" for p in peers))


def _pairs(peers, rng):
    pairs = [(a, b) for a in peers for b in peers if a is not b]
    rng.shuffle(pairs)
    return pairs


def _are_level(peers, by_vector):
    def standing(peer):
        ping = json.loads(peer.ping())
        return peer.vector(), None if by_vector else ping.get("sums")
    first = standing(peers[0])
    return not peers[0].missing() and all(standing(peer) == first for peer in peers[1:])


def _ping_round(peers, rng):
    """Everyone pings everyone; messages and answers are lost, doubled and out of order."""
    in_flight = [(a, b, a.ping()) for a, b in _pairs(peers, rng)]
    while in_flight:
        source, target, message = in_flight.pop(rng.randrange(len(in_flight)))
        if rng.random() < LOSS:
            continue
        if rng.random() < LOSS:
            in_flight.append((source, target, message))
        target.apply([message])
        in_flight += [(target, source, answer) for answer in target.answers(message)]


def _send_bundles(source, target, rng, _folder):
    max_bytes = rng.choice(PAGES)
    for _ in range(10_000):
        bundle = source.bundle(target.vector_text(), max_bytes)
        if bundle is None:
            return
        target.apply_blob(bundle)
    raise Broken("healed", f"the pages from {source.id} to {target.id} do not end")


def _talk(client, server, rng, _folder):
    max_bytes = rng.choice(PAGES)
    message = client.sync(None, None)
    for _ in range(10_000):
        message = client.sync(server.sync(message, max_bytes), max_bytes)
        if message is None:
            return
    raise Broken("healed", f"the dialogue of {client.id} with {server.id} does not end")


def _pull(target, source, _rng, folder):
    if source.path != ":memory:":
        target.pull(source.path)
        return
    path = os.path.join(folder, "pulled.db")
    source.snapshot(path)
    target.pull(path)
    os.remove(path)
