"""Random schedules: what happens to a few peers, as plain data to be printed, cut and replayed.

A schedule is a dict of Python literals:

    {"seed": 7, "pinned": True, "watchful": False, "heal": "ping", "copies": False,
     "peers":  [{"id": 11, "kind": "memory"}, {"id": 12, "kind": "file"}],
     "tables": [{"shape": "needs", "style": "hand_nulls", "here": [True, False], "late": [[], [0]],
                 "late_used": True}],
     "events": [{"do": "write", ..}, ..]}

"here": at which peers the table is there from the start; "late": which late columns each has then.
Every event stands by itself: one that is removed takes away only what it did. Messages are known by
the id of the event that made them. Times are offsets, in ticks of `at`, from the start of the run.
"pinned": all peers first receive a void of PIN_MS ahead, so that their clocks count
and do not follow the wall clock; such a schedule runs the same way each time. "watchful": a peer is
checked after each event that touches it. "heal": how the peers become level in the end. "copies":
among the events are databases that become a copy of another, or of a former state of their own.
"""

import random

from healing import WAYS
from shapes import BY_NAME, SHAPES
from wire import TICKS_PER_MS

PIN_MS = 120_000
HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
FORMS = ("single", "array", "spaced", "blob", "insert")
GHOSTS = (901, 902, 2**53 - 1)  # peers that exist only as messages

COPY_WEIGHTS = {"clone": 4, "backup": 4, "restore": 5}
WEIGHTS = {"write": 30, "ghost": 26, "deliver": 22, "relay": 6, "txn": 4, "check": 3, "restart": 3,
           "ddl": 5, "bad_write": 2, "bad_apply": 2, "drift": 1}


def make_schedule(seed):
    return _Maker(random.Random(seed)).make(seed)


class _Maker:
    def __init__(self, rng):
        self.rng = rng
        self.next_id = 0
        self.message_ids = []
        self.ghost_seqs = {}   # ghost -> greatest seq so far

    def make(self, seed):
        rng = self.rng
        count = rng.choice((2, 2, 3, 3, 3, 4, 5))
        self.peers = [self._peer(i) for i in range(count)]
        chosen = rng.sample(SHAPES, rng.choice((1, 1, 1, 2, 2, 3)))
        self.tables = [self._table(shape, count) for shape in chosen]
        # A few rows, tables and values to the schedule: what is written shall meet.
        self.busy = rng.random() < 0.5
        self.future = rng.random() < 0.15
        self.rivals = rng.random() < 0.25
        # Files that are copied and restored; then no transactions, since a new identity in the
        # middle of one leaves open which patches are whose.
        self.copies = rng.random() < 0.15
        self.weights = {**WEIGHTS, **COPY_WEIGHTS, "txn": 0} if self.copies else WEIGHTS
        pinned = rng.random() < 0.7
        self.low, self.high = (-6, 12) if pinned else (-TICKS_PER_MS * 3000, TICKS_PER_MS * 500)
        events = [self._event() for _ in range(rng.randint(10, 40))]
        return {"seed": seed, "pinned": pinned, "watchful": rng.random() < 0.3,
                "heal": rng.choice(WAYS), "copies": self.copies, "peers": self.peers,
                "tables": self.tables, "events": events}

    def _peer(self, position):
        kind = self.rng.choices(("memory", "file", "wal", "utf16"), (75, 10, 10, 5))[0]
        return {"id": 11 + position, "kind": kind}

    def _table(self, shape, peer_count):
        rng = self.rng
        is_late = rng.random() < 0.1
        here = [not is_late or rng.random() < 0.4 for _ in range(peer_count)]
        late_used = bool(shape.late) and rng.random() < 0.4
        late = [[i for i in range(len(shape.late)) if late_used and rng.random() < 0.3]
                for _ in range(peer_count)]
        return {"shape": shape.name, "style": rng.choice(shape.log_styles), "here": here,
                "late": late, "late_used": late_used}

    def _event(self):
        kinds = list(self.weights)
        kind = self.rng.choices(kinds, [self.weights[k] for k in kinds])[0]
        event = {"do": kind, "id": self.next_id}
        self.next_id += 1
        event.update(getattr(self, "_" + kind)(event["id"]))
        return event

    def _any_peer(self):
        return self.rng.randrange(len(self.peers))

    def _row(self, shape, table, is_ghost):
        """Random values of one patch: the whole key and some columns; None sets NULL."""
        rng = self.rng
        may_be_odd = all(table["here"])  # a peer without the table cannot know the conversion

        def pick(column):
            if column.odd and may_be_odd and rng.random() < (0.1 if is_ghost else 0.15):
                return rng.choice(column.odd)
            values = column.values
            return rng.choice(values[:3] if self.busy and not column.is_key else values)

        values = {c.name: pick(c) for c in shape.columns if c.is_key}
        settable = [c for c in shape.columns if not c.is_key and not c.is_generated]
        if table["late_used"]:
            settable += list(shape.late)
        wanted = rng.choice((0.2, 0.4, 0.7, 1.0))
        for column in settable:
            if column.name != "deletedAt" and rng.random() < wanted:
                value = pick(column)
                if value is not None or table["style"] != "hand" or rng.random() < 0.2:
                    values[column.name] = value
        if rng.random() < 0.2 and (table["style"] == "track" or not shape.log_tombstone):
            values["deletedAt"] = rng.choice((1767225600000, 1767225600001, None))
            if values["deletedAt"] is None and table["style"] == "hand":
                del values["deletedAt"]
        return values

    def _write(self, event_id):
        self.message_ids.append(event_id)
        table = self.rng.choice(self.tables)
        shape = BY_NAME[table["shape"]]
        return {"peer": self._any_peer(), "table": shape.name,
                "form": self.rng.choice(("json", "typed")), "handle": self._handle(),
                "set": self._row(shape, table, is_ghost=False)}

    def _handle(self):
        """Which of the two connections that a file peer has."""
        return int(self.rng.random() < 0.15)

    def _ghost(self, event_id):
        rng = self.rng
        self.message_ids.append(event_id)
        ghost = rng.choice(GHOSTS[:2] if rng.random() < 0.9 else GHOSTS)
        if self.rivals and ghost in self.ghost_seqs and rng.random() < 0.4:
            seq = rng.randint(1, self.ghost_seqs[ghost])
        else:
            seq = self.ghost_seqs[ghost] = self.ghost_seqs.get(ghost, 0) + 1
        at = rng.randint(self.low, self.high)
        if self.future and rng.random() < 0.3:
            at += rng.choice((1, 2, 3, 48)) * HOUR_MS * TICKS_PER_MS
        event = {"ghost": ghost, "seq": seq, "at": at}
        if rng.random() < 0.04:
            event.update(table="_", set={}, at=rng.randint(self.low, self.high))
        elif rng.random() < 0.03:
            event.update(table="nowhere", set={"id": 1, "x": rng.choice((1, None, b"\x00"))})
        else:
            table = rng.choice(self.tables)
            shape = BY_NAME[table["shape"]]
            values = self._row(shape, table, is_ghost=True)
            if rng.random() < 0.04:
                values["nothing"] = rng.choice((1, "x", None, 0.5))
            generated = [c.name for c in shape.columns if c.is_generated]
            if generated and rng.random() < 0.1:
                values[rng.choice(generated)] = "1"
            if rng.random() < 0.04:
                key = rng.choice([c.name for c in shape.columns if c.is_key])
                values[key] = None
                if rng.random() < 0.5:
                    del values[key]
            if all(table["here"]) and rng.random() < 0.05:
                values = {name.upper() if name.isascii() else name: v for name, v in values.items()}
            event.update(table=shape.name, set=values)
        event["to"] = [p for p in range(len(self.peers)) if rng.random() < 0.3]
        return event

    def _deliver(self, _):
        rng = self.rng
        recent = self.message_ids[-8:] if rng.random() < 0.6 else self.message_ids
        what = [rng.choice(recent) for _ in range(rng.randint(1, 7))] if recent else []
        return {"peer": self._any_peer(), "what": what, "form": rng.choice(FORMS),
                "handle": self._handle()}

    def _relay(self, _):
        to = self._any_peer()
        return {"from": self._any_peer(), "peer": to, "form": self.rng.choice(FORMS),
                "share": self.rng.choice((0.3, 0.7, 1.0)), "pick": self.rng.randrange(10**6),
                "since": self.rng.random() < 0.3}

    def _txn(self, _):
        steps = []
        for _ in range(self.rng.randint(1, 4)):
            kind = self.rng.choice(("write", "write", "deliver"))
            step = {"do": kind, "id": self.next_id}
            self.next_id += 1
            step.update(getattr(self, "_" + kind)(step["id"]))
            steps.append(step)
        return {"peer": self._any_peer(), "handle": self._handle(), "steps": steps,
                "end": self.rng.choice(("commit", "commit", "rollback", "savepoint"))}

    def _check(self, _):
        return {}

    def _restart(self, _):
        return {"peer": self._any_peer()}

    def _clone(self, _):
        return {"from": self._any_peer(), "peer": self._any_peer()}

    def _backup(self, _):
        return {"peer": self._any_peer()}

    def _restore(self, _):
        return {"peer": self._any_peer()}

    def _ddl(self, _):
        table = self.rng.choice(self.tables)
        late = BY_NAME[table["shape"]].late
        column = self.rng.randrange(len(late)) if late and table["late_used"] else None
        return {"peer": self._any_peer(), "table": table["shape"], "column": column,
                "then": self.rng.choice(("retry", "retry", "apply"))}

    def _drift(self, _):
        return {"peer": self._any_peer(), "ms": DAY_MS}

    def _bad_write(self, _):
        table = self.rng.choice(self.tables)
        return {"peer": self._any_peer(), "table": table["shape"],
                "kind": self.rng.choice(("no key", "null key", "unknown column", "unknown table",
                                         "generated column", "not json", "column twice"))}

    def _bad_apply(self, _):
        what = [self.rng.choice(self.message_ids) for _ in range(2)] if self.message_ids else []
        table = self.rng.choice(self.tables)
        return {"peer": self._any_peer(), "what": what, "table": table["shape"],
                "kind": self.rng.choice(("truncated", "no seq", "seq 0", "number", "at too big"))}
