"""A stand-in of the Node.js ancestor, as far as the wire shows it (DESIGN.md, section 5).

It speaks types 10, 20 and 30 and ignores every other type and every key that it does not know. It
keeps whole rows in plain dicts, re-sends them whole, with null for what a patch does not set, and
answers for its own patches alone, the last `retention` of them. What it asks for it asks of all.
"""

import json
import time

EPOCH_MS = 1735689600000  # 2025-01-01T00:00Z in Unix milliseconds
TICKS_PER_MS = 8192


class Ancestor:
    """`columns`: of each table, its columns, the key first. `outbox`: to be sent to everyone."""

    def __init__(self, cluster, name, peer_id, columns, retention=10**9):
        self.cluster = cluster
        self.name = name
        self.id = peer_id
        self.columns = columns
        self.retention = retention
        self.own = {}        # seq -> message, as a dict
        self.at = 0          # the greatest clock value seen
        self.received = {}   # peer -> {seq: at}
        self.known = {}      # peer -> last seq that it is known to have written
        self.acked = {}      # peer -> how far it has everything of ours
        self.heard = {}      # peer -> Unix milliseconds
        self.cells = {}      # (table, key, column) -> (stamp, value)
        self.outbox = []

    def close(self):
        pass

    def restart(self):
        self.outbox = []

    # --- writes ----------------------------------------------------------------------------------

    def write(self, table, values):
        """Applies a local patch; returns its message."""
        now = (int(time.time() * 1000) - EPOCH_MS) * TICKS_PER_MS
        self.at = max(now, self.at + 1)
        seq = len(self.own) + 1
        patch = {"type": 10, "at": self.at, "peer": self.id, "seq": seq, "ver": 1, "tab": table,
                 "delta": values}
        self.own[seq] = patch
        self._merge(patch)
        return json.dumps(patch)

    def write_statistics(self):
        """A patch that takes a seq and holds no data: figures of this process, nested."""
        return self.write("_", {"cpu": 0.5, "memory": {"rss": 10**8, "heap": [1, None, {}]},
                                "nulls": ["cpu"], "": False})

    def write_fact(self):
        number = len(self.cluster.facts)
        row, column = f"row{number // 3}", "abc"[number % 3]
        self.cluster.facts[row, column] = f"fact {number}"
        return self.write("fact", {"id": row, column: f"fact {number}"})

    def _merge(self, patch):
        if patch["tab"] not in self.columns:
            return
        key = patch["delta"][self.columns[patch["tab"]][0]]
        stamp = (patch["at"], patch["peer"], patch["seq"])
        for column, value in patch["delta"].items():
            place = patch["tab"], key, column
            if value is not None and self.cells.get(place, ((0,),))[0] < stamp:
                self.cells[place] = stamp, value

    # --- messages --------------------------------------------------------------------------------

    def ping(self):
        last = self.own.get(len(self.own), {"at": 0, "seq": 0})
        return json.dumps({"type": 20, "at": last["at"], "peer": self.id, "seq": last["seq"],
                           "ver": 1, "tab": "_",
                           "delta": {str(peer): self._standing(peer) for peer in self.known}})

    def _standing(self, peer):
        seqs = self.received.get(peer, {})
        last, contiguous = max(seqs, default=0), self._contiguous(peer)
        return [seqs.get(last, 0), last, seqs.get(contiguous, 0), contiguous,
                self.heard.get(peer, 0), self.acked.get(peer, 0)]

    def _contiguous(self, peer):
        seqs, last = self.received.get(peer, {}), 0
        while last + 1 in seqs:
            last += 1
        return last

    def apply(self, text):
        message = json.loads(text)
        if message["peer"] == self.id or message["type"] not in (10, 20):
            return  # its own patches, when they come back, are ignored
        peer = message["peer"]
        self.heard[peer] = int(time.time() * 1000)
        self.at = max(self.at, message["at"])
        self.known[peer] = max(self.known.get(peer, 0), message["seq"])
        if message["type"] == 10:
            seqs = self.received.setdefault(peer, {})
            if message["seq"] not in seqs:
                seqs[message["seq"]] = message["at"]
                self._merge(message)
            return
        held = message["delta"].get(str(self.id))
        if held:
            self.acked[peer] = held[3]
        self._ask_for_gaps()

    def _ask_for_gaps(self):
        for peer, last in self.known.items():
            missing = set(range(1, last + 1)) - set(self.received.get(peer, ()))
            while missing:
                first = end = min(missing)
                while end + 1 in missing:
                    end += 1
                missing -= set(range(first, end + 1))
                self.outbox.append(json.dumps({"type": 30, "peer": peer, "minSeq": first,
                                               "maxSeq": end, "forPeer": self.id}))

    def answers(self, text):
        message = json.loads(text)
        if message["type"] != 30 or message["peer"] != self.id:
            return []
        first = max(message["minSeq"], len(self.own) - self.retention + 1)
        return [json.dumps(self._whole(self.own[seq]))
                for seq in range(first, message["maxSeq"] + 1) if seq in self.own]

    def _whole(self, patch):
        nothing = dict.fromkeys(self.columns.get(patch["tab"], ()))
        return {**patch, "delta": {**nothing, **patch["delta"]}}

    # --- looking ---------------------------------------------------------------------------------

    def vector(self):
        """peer -> last seq of those of which it has everything, itself included."""
        out = {peer: self._contiguous(peer) for peer in self.received}
        return {**out, self.id: len(self.own)} if self.own else out

    def rows(self, table):
        rows = {}
        for (tab, key, column), (_, value) in self.cells.items():
            if tab == table:
                rows.setdefault(key, {})[column] = value
        return rows
