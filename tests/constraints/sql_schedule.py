"""Random schedules of peers that write ordinary SQL, as data that can be replayed.

    {"seed": 7, "foreign_keys": 1, "recursive_triggers": 0, "trusted_schema": 0, "pinned": True,
     "watchful": False, "heal": "sync", "peers": [{"id": 11, "kind": "memory"}, ..],
     "tables": [..], "triggers": [sql], "before": [sql], "mixed": False, "option": None,
     "late": None, "events": [{"do": "txn", ..}, ..]}

The first three are pragmas of every connection. "pinned": all clocks stand at one future value and
count. "heal": how the peers become level in the end. "tables": see constrained_tables.py.
"triggers": the application's own, on every peer. "before": what the first peer wrote before its
tables were tracked. "mixed": not everything is plain SQL; then there may be an "option"
foreign_keys of the file, unlike the pragma, and a "late" column {"table": .., "kind": ..}.
Events:

    txn      one peer runs "steps" (SQL texts, savepoints among them) in BEGIN .. "end", or outside of
             any transaction when there is no "end"; a step {"from": .., ..} receives messages.
             "handle": on which of a file's two connections
    alter    a peer gets the late column; "refresh": replic is told at once
    send     "from" one peer "to" another, by "way": messages (a "share" of them, in one "form"),
             bundle, sync, pull; "pages": of so many bytes; "rounds": the dialogue is cut after them
    check, restart
"""

import random

from constrained_tables import Pools, random_tables
from healing import WAYS
from schedule import FORMS
from schema import quote
from shrink import changed
from sql_statements import Statements, literal_of
from unit_schedule import simpler_tables

WEIGHTS = {"txn": 20, "send": 11, "check": 1.5, "restart": 0.7}


def make_schedule(seed):
    return _Maker(random.Random(seed)).make(seed)


class _Maker:
    def __init__(self, rng):
        self.rng = rng

    def make(self, seed):
        rng = self.rng
        made = random_tables(rng)
        odd_share = rng.choice((0, 0.05))
        self.statements = [Statements(rng, literal, pools, odd_share) for literal, pools in made]
        self.count = rng.choice((2, 3, 3, 3, 4, 5))
        self.table_count = len(made)
        self.mixed = rng.random() < 0.35
        self.weights = dict(WEIGHTS)
        late = self._late_column(made) if self.mixed and rng.random() < 0.35 else None
        events = [self._event() for _ in range(rng.randint(8, 26))]
        schedule = {"seed": seed, "foreign_keys": int(rng.random() < 0.75), "mixed": self.mixed,
                "option": rng.choice((None, 0, 1)) if self.mixed else None, "late": late,
                "recursive_triggers": rng.randrange(2), "trusted_schema": rng.randrange(2),
                "pinned": rng.random() < 0.6, "watchful": rng.random() < 0.3, "heal": rng.choice(WAYS),
                "peers": [{"id": 11 + i, "kind": rng.choices(("memory", "file", "wal"),
                                                            (80, 12, 8))[0]}
                          for i in range(self.count)],
                "tables": [literal for literal, _ in made],
                "triggers": self._triggers() if rng.random() < 0.2 else [],
                "before": self._before() if rng.random() < 0.15 else [], "events": events}
        return schedule

    def _before(self):
        return [self.rng.choice(self.statements[:self.table_count]).draw_insert()
                for _ in range(8)]

    def _event(self):
        kind = self.rng.choices(list(self.weights), self.weights.values())[0]
        return {"do": kind, **getattr(self, "_" + kind)()}

    def _any_peer(self):
        return self.rng.randrange(self.count)

    def _late_column(self, made):
        """A column that a peer has only after its event `alter`; some statements use it."""
        literal, pools = self.rng.choice(made)
        self.weights["alter"] = 2
        pools = Pools(pools.key, {**pools.columns, "late": (1, 2, None)}, pools.odd)
        self.statements.append(Statements(self.rng, literal, pools, 0))
        return {"table": literal["name"], "kind": self.rng.choice((
            "INTEGER", "INTEGER CHECK (late < 2)", "INTEGER NOT NULL DEFAULT 1"))}

    def _alter(self):
        return {"peer": self._any_peer(), "refresh": self.rng.random() < 0.3}

    def _txn(self):
        rng = self.rng
        steps = [self._statement() for _ in range(rng.choice((1, 1, 1, 2, 3, 5)))]
        event = {"peer": self._any_peer(), "steps": steps, "handle": int(rng.random() < 0.3)}
        if rng.random() < 0.05:
            steps.insert(0, "PRAGMA defer_foreign_keys = 1")
        if len(steps) > 1 and rng.random() < 0.4:
            first = rng.randrange(len(steps))
            steps.insert(first, "SAVEPOINT s")
            last = rng.randint(first + 2, len(steps))
            steps.insert(last, rng.choice(("ROLLBACK TO s", "RELEASE s")))
        if self.mixed and rng.random() < 0.15:
            others = [i for i in range(self.count) if i != event["peer"]]
            steps.insert(rng.randint(0, len(steps)), {
                "from": rng.choice(others), "pick": rng.randrange(10**6), "own": False,
                "share": rng.choice((0.3, 1.0))})
        if len(steps) > 1 or rng.random() < 0.4:
            event["end"] = rng.choice(("COMMIT", "COMMIT", "COMMIT", "COMMIT", "ROLLBACK"))
        return event

    def _statement(self):
        statements = self.rng.choice(self.statements)
        if self.mixed and self.rng.random() < 0.1:
            return statements.draw_patch()
        return statements.draw()

    def _send(self):
        rng = self.rng
        source = self._any_peer()
        target = rng.choice([i for i in range(self.count) if i != source])
        way = rng.choice(("messages", "messages", "messages", "bundle", "sync", "pull"))
        event = {"from": source, "to": target, "way": way}
        if way == "messages":
            event.update(form=rng.choice(FORMS), share=rng.choice((0.3, 0.6, 1.0, 1.0)),
                         pick=rng.randrange(10**6), own=rng.random() < 0.4)
        elif way != "pull":
            event.update(pages=rng.choice((None, None, 1, 300)), rounds=rng.choice((1, 2, 9)))
        return event

    def _check(self):
        return {}

    def _restart(self):
        return {"peer": self._any_peer()}

    def _triggers(self):
        """One or two triggers that write to a replicated table, or to a local one."""
        rng = self.rng
        made = []
        for number in range(rng.choice((1, 1, 2))):
            on, to = rng.choice(self.statements), rng.choice(self.statements[:self.table_count])
            when = rng.choice(("AFTER INSERT", "AFTER UPDATE", "AFTER DELETE", "BEFORE UPDATE"))
            name = rng.choice(list(to.pools.columns))
            value = literal_of(rng.choice(to.pools.columns[name]))
            body = f"UPDATE {to.name} SET {name} = {value} WHERE {to.condition()};"
            # SQLite leaves open what a BEFORE trigger does that writes to the very row.
            if rng.random() < 0.3 or when.startswith("BEFORE") and on is to:
                body = "INSERT INTO noted(what) VALUES (1);"
            made.append(f"CREATE TRIGGER g{number} {when} ON {on.name} BEGIN {body} END")
        return made


def simpler_schedules(schedule):
    """Schedules with one thing less, or one thing plainer, apart from whole events."""
    last = len(schedule["peers"]) - 1
    if last > 1 and not any(last in (e.get("peer"), e.get("from"), e.get("to"))
                            for event in schedule["events"] for e in
                            [event] + [s for s in event.get("steps", ()) if isinstance(s, dict)]):
        yield changed(schedule, lambda s: s["peers"].pop())
    for name, plain in (("heal", "changes"), ("option", None), ("recursive_triggers", 0),
                        ("trusted_schema", 1), ("pinned", False)):
        if schedule[name] != plain:
            yield changed(schedule, lambda s, n=name, v=plain: s.update({n: v}))
    for position, peer in enumerate(schedule["peers"]):
        if peer["kind"] != "memory":
            yield changed(schedule, lambda s, p=position: s["peers"][p].update(kind="memory"))
    for number in range(len(schedule["triggers"])):
        yield changed(schedule, lambda s, i=number: s["triggers"].pop(i))
    for number in range(len(schedule["before"])):
        yield changed(schedule, lambda s, i=number: s["before"].pop(i))
    texts = [str(step) for event in schedule["events"] for step in event.get("steps", ())]
    texts += schedule["before"] + schedule["triggers"]
    texts += [schedule["late"]["table"]] if schedule["late"] else []
    yield from simpler_tables(schedule, lambda name: any(name in t for t in texts),
                              lambda _s, _table, name: not any(name in t for t in texts))
    for position, event in enumerate(schedule["events"]):
        for number in range(len(event.get("steps", ()))):
            yield changed(schedule, lambda s, p=position, i=number:
                          s["events"][p]["steps"].pop(i))
        if event.get("way") not in (None, "messages"):
            yield changed(schedule, lambda s, p=position: s["events"][p].update(
                way="messages", form="array", share=1.0, pick=0, own=False))
