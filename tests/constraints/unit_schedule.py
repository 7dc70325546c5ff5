"""Random schedules of patches from peers that exist only as messages, as data that can be replayed.

    {"seed": 7, "kind": "memory", "pragma": 1, "option": 0, "pinned": True, "watchful": False,
     "relay": "bundle", "triggers": [sql], "tables": [<see constrained_tables.py>, ..],
     "events": [{"do": "unit", ..}, ..]}

"pragma": foreign_keys of the connections; "option": replic's, None leaves it to the first track.
"relay": how a second database receives at the end what the first one holds; None: there is none.
"triggers": the application's own, which write to a local table.
Events, each of which stands by itself:

    unit     a transaction of a ghost: "parts" [{"seq", "table", "set"}, ..] share "at" and a group.
             table "_" makes a void. "lost": the part is never delivered by itself.
    deliver  "what" [[id of the unit, seq], ..] in one "form"; ids and seqs that are not there are
             ignored, so that anything may be removed
    gone     the seqs "first" to "last" of "ghost" exist no more
    write    a local patch; txn: several, and deliveries, in BEGIN .. COMMIT
    index    the application creates or drops an index: "sql", on "table"
    column   the application adds the column "name" of that "kind" to "table"
    check, restart, drift, fk: hold against the oracle; close and open; let the future come; set
             the option foreign_keys

In the end all that was not delivered is, but for lost parts, in a random order.
"""

import copy
import random

from constrained_tables import DELETED, KEY_NAMES, are_sound, random_tables
from schedule import HOUR_MS
from shrink import changed
from wire import TICKS_PER_MS

FORMS = ("single", "single", "array", "array", "spaced", "insert", "bundle")
WEIGHTS = {"deliver": 26, "write": 7, "txn": 3, "gone": 1, "check": 3, "restart": 1, "fk": 0.5,
           "index": 0.5}


def make_schedule(seed):
    return _Maker(random.Random(seed)).make(seed)


def refers_to_itself_by_collation(literal):
    """SQLite compares a row with itself byte by byte: it refuses id 'a' that refers to 'A'."""
    return (any(f"REFERENCES {literal['name']}(" in sql for sql in literal["constraints"])
            and any("NOCASE" in kind for _, kind in literal["columns"]))


class _Maker:
    def __init__(self, rng):
        self.rng = rng
        self.next_id = 0
        self.sent = []      # (id, seq) of every part that is not lost
        self.lost = []      # (ghost, seq)
        self.seqs = {}      # ghost -> greatest seq

    def make(self, seed):
        rng = self.rng
        made = random_tables(rng)
        self.literals = [literal for literal, _ in made]
        self.names = [literal["name"] for literal in self.literals]
        self.pools = {literal["name"]: pools for literal, pools in made}
        self.ghosts = list(range(901, 901 + rng.randint(2, 4)))
        self.ats = rng.choice((3, 8, 20))
        self.densities = rng.choice(((0.3, 1.0), (0.5, 0.9, 1.0), (1.0,), (0.2, 0.5)))
        self.odd_share = rng.choice((0, 0.05, 0.15))
        self.group_sizes = rng.choice(((1,), (1, 1, 1, 2, 3), (1, 2, 2, 3, 4)))
        self.has_local = rng.random() < 0.35 and not any(
            refers_to_itself_by_collation(literal) for literal, _ in made)
        self.has_rivals = rng.random() < 0.1
        self.has_future = rng.random() < 0.07
        self.has_unknown = rng.random() < 0.07
        late_column = self._late_column() if rng.random() < 0.1 else None
        events = self._units()
        events += self._others(len(events))
        if late_column:
            events.insert(rng.randint(len(events) // 2, len(events)), late_column)
        if self.has_future:
            events.append({"do": "drift", "id": self._id()})
        return {"seed": seed, "kind": rng.choices(("memory", "file", "wal"), (85, 10, 5))[0],
                "pragma": rng.randrange(2), "option": rng.choice((None, 0, 1, 1, 1)),
                "pinned": rng.random() < 0.6, "watchful": rng.random() < 0.25,
                "relay": rng.choice((None, None, None, "bundle", "changes", "sync")),
                "triggers": self._triggers() if rng.random() < 0.1 else [],
                "tables": [literal for literal, _ in made], "events": events}

    def _id(self):
        self.next_id += 1
        return self.next_id

    def _triggers(self):
        return [f"CREATE TRIGGER g{name} {self.rng.choice(('BEFORE', 'AFTER'))} "
                f"{self.rng.choice(('INSERT', 'UPDATE', 'DELETE'))} ON {name} "
                "BEGIN INSERT INTO noted(what) VALUES (1); END" for name in self.names]

    def _late_column(self):
        """A column that the ghosts know from the start, and the database only later."""
        name = self.rng.choice(self.names)
        parents = [literal["name"] for literal in self.literals
                   if ["id", "INTEGER PRIMARY KEY"] in literal["columns"]]
        kind = self.rng.choice(["INTEGER", "INTEGER CHECK (late < 3)", "INTEGER NOT NULL DEFAULT 1"]
                               + [f"INTEGER REFERENCES {parent}(id)" for parent in parents])
        self.pools[name].columns["late"] = (1, 2, 3, None)
        return {"do": "column", "id": self._id(), "table": name, "name": "late", "kind": kind}

    # What the ghosts write

    def _units(self):
        wanted = self.rng.choice((4, 6, 9, 12, 18))
        return [self._unit() for _ in range(wanted)]

    def _unit(self):
        rng = self.rng
        ghost, unit_id = rng.choice(self.ghosts), self._id()
        size = rng.choice(self.group_sizes)
        first = self.seqs.get(ghost, 0) + 1
        if self.has_rivals and first > 1 and rng.random() < 0.4:
            first = rng.randrange(1, first)
        self.seqs[ghost] = max(self.seqs.get(ghost, 0), first + size - 1)
        event = {"do": "unit", "id": unit_id, "ghost": ghost, "at": rng.randint(1, self.ats),
                 "parts": [self._part(first + k) for k in range(size)]}
        if self.has_future and rng.random() < 0.3:
            event["at"] += HOUR_MS * TICKS_PER_MS
        for part in event["parts"]:
            if len(event["parts"]) > 1 and rng.random() < 0.04:
                part["lost"] = True
                self.lost.append((ghost, part["seq"]))
            else:
                self.sent.append([unit_id, part["seq"]])
        return event

    def _part(self, seq):
        rng = self.rng
        if rng.random() < 0.03:
            return {"seq": seq, "table": "_", "set": {}}
        if self.has_unknown and rng.random() < 0.1:
            return {"seq": seq, "table": "nowhere", "set": {"id": 1, "x": rng.choice((1, None))}}
        name = rng.choice(self.names)
        values = self._row(name)
        if self.has_unknown and rng.random() < 0.1:
            values["nothing"] = rng.choice((1, None))
        return {"seq": seq, "table": name, "set": values}

    def _row(self, name):
        rng = self.rng
        values = self.pools[name].row(rng, rng.choice(self.densities), self.odd_share)
        if rng.random() < 0.15:
            values["deletedAt"] = rng.choice(DELETED + (None,))
        return values

    # What becomes of it

    def _others(self, unit_count):
        """Deliveries and the rest; the units stand before them all."""
        wanted = unit_count + self.rng.randint(0, 8)
        kinds = {**WEIGHTS, **({} if self.has_local else {"write": 0, "txn": 0})}
        self.fresh = list(self.sent)
        if self.rng.random() < 0.85:
            self.rng.shuffle(self.fresh)
        events = []
        for _ in range(wanted):
            kind = self.rng.choices(list(kinds), kinds.values())[0]
            event = {"do": kind, "id": self._id()}
            event.update(getattr(self, "_" + kind)())
            events.append(event)
        return events

    def _deliver(self):
        rng = self.rng
        form = rng.choice(FORMS)
        count = 1 if form == "single" else rng.randint(1, 7)
        what = [self.fresh.pop() for _ in range(min(count, len(self.fresh)))]
        while self.sent and rng.random() < 0.15:
            what.insert(rng.randint(0, len(what)), rng.choice(self.sent))
        return {"what": what, "form": form}

    def _write(self):
        name = self.rng.choice(self.names)
        return {"table": name, "form": self.rng.choice(("json", "typed")), "set": self._row(name)}

    def _txn(self):
        steps = []
        for _ in range(self.rng.randint(1, 4)):
            kind = self.rng.choice(("write", "write", "write", "deliver"))
            steps.append({"do": kind, **getattr(self, "_" + kind)()})
            if steps[-1].get("form") == "bundle":
                steps[-1]["form"] = "array"
        return {"steps": steps, "end": self.rng.choice(("commit", "commit", "rollback",
                                                        "savepoint"))}

    def _gone(self):
        if self.lost and self.rng.random() < 0.8:
            ghost, seq = self.rng.choice(self.lost)
            return {"ghost": ghost, "first": seq, "last": seq}
        ghost = self.rng.choice(self.ghosts)
        first = self.rng.randint(1, self.seqs.get(ghost, 1))
        last = min(self.seqs.get(ghost, 1), first + self.rng.randint(0, 2))
        return {"ghost": ghost, "first": first, "last": last}

    def _fk(self):
        return {"value": self.rng.randrange(2)}

    def _index(self):
        literal = self.rng.choice(self.literals)
        droppable = [sql for sql in literal["indexes"] if " WHERE " in sql or "COLLATE" in sql]
        if droppable and self.rng.random() < 0.5:
            name = self.rng.choice(droppable).split()[3]
            return {"table": literal["name"], "sql": f"DROP INDEX {name}"}
        column = self.rng.choice(list(self.pools[literal["name"]].columns))
        name = f"late_{self.next_id}"
        return {"table": literal["name"],
                "sql": f"CREATE UNIQUE INDEX {name} ON {literal['name']}({column})"}

    def _check(self):
        return {}

    def _restart(self):
        return {}


def simpler_schedules(schedule):
    """Schedules with one thing less, or one thing plainer, apart from whole events."""
    for name, plain in (("relay", None), ("kind", "memory"), ("pinned", False), ("option", 1)):
        if schedule[name] != plain:
            yield changed(schedule, lambda s, n=name, v=plain: s.update({n: v}))
    if schedule["triggers"]:
        yield {**schedule, "triggers": []}
    used = {part["table"] for part in _parts_of(schedule)}
    yield from simpler_tables(schedule, used.__contains__, _drop_column)
    for position, event in enumerate(schedule["events"]):
        for candidate in _simpler_event(event):
            yield {**schedule, "events": schedule["events"][:position] + [candidate]
                   + schedule["events"][position + 1:]}


def _parts_of(schedule):
    return [part for event in schedule["events"]
            for part in [event] + event.get("parts", []) + event.get("steps", [])
            if "table" in part]


def _drop_column(schedule, table, name):
    """Takes a column that is going to be dropped out of the patches, too."""
    wire_name = "deletedAt" if name == table["tombstone"] else name
    for part in _parts_of(schedule):
        if part["table"] == table["name"]:
            part.get("set", {}).pop(wire_name, None)
    return True


def simpler_tables(schedule, is_used, drop_column):
    """Schedules with a table, a column, a constraint, an index or an option less.

    `is_used(name of a table)`; `drop_column(schedule, table, name)` takes the column out of the
    events and says whether it can be dropped.
    """
    return (candidate for candidate in _all_simpler_tables(schedule, is_used, drop_column)
            if are_sound(candidate["tables"]))


def _all_simpler_tables(schedule, is_used, drop_column):
    for position, table in enumerate(schedule["tables"]):
        if not is_used(table["name"]):
            yield changed(schedule, lambda s, p=position: s["tables"].pop(p))
        for part in ("constraints", "indexes"):
            for number in range(len(table[part])):
                yield changed(schedule, lambda s, p=position, n=part, i=number:
                              s["tables"][p][n].pop(i))
        for option, plain in (("options", ""), ("indexes_late", False)):
            if table[option]:
                yield changed(schedule, lambda s, p=position, o=option, v=plain:
                              s["tables"][p].update({o: v}))
        for number, (name, _) in enumerate(table["columns"]):
            if name not in KEY_NAMES:
                candidate = copy.deepcopy(schedule)
                if drop_column(candidate, table, name):
                    candidate["tables"][position]["columns"].pop(number)
                    if name == table["tombstone"]:
                        candidate["tables"][position]["tombstone"] = None
                    yield candidate


def _simpler_event(event):
    if event.get("form") in ("array", "spaced", "insert", "bundle"):
        yield {**event, "form": "single"}
    for name in ("what", "steps"):
        for number in range(len(event.get(name, ()))):
            yield {**event, name: event[name][:number] + event[name][number + 1:]}
    parts = event.get("parts", [])
    if len(parts) > 1:
        yield {**event, "parts": parts[1:]}
        yield {**event, "parts": parts[:-1]}
    for number, part in enumerate(parts):
        for name in part["set"].keys() - KEY_NAMES:
            values = {n: v for n, v in part["set"].items() if n != name}
            yield {**event, "parts": parts[:number] + [{**part, "set": values}]
                   + parts[number + 1:]}
    for name in event.get("set", {}).keys() - KEY_NAMES:
        yield {**event, "set": {n: v for n, v in event["set"].items() if n != name}}
