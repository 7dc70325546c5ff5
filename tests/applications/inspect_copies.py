"""What is asked of copies that have received everything: each answer is a list of faults."""

import json
import re

from database import one, rows


def differences(copies, tables):
    """Tables that differ from the first copy's, and what is parked here and not there."""
    faults = []
    digests = {one(copy.db, "SELECT replic_digest()") for copy in copies}
    if len(digests) > 1:
        faults.append(f"replic_digest: {sorted(digests)}")
    for copy in copies[1:]:
        for table in tables:
            first, here = (set(rows(c.db, f"SELECT * FROM {table}")) for c in (copies[0], copy))
            if first != here:
                faults.append(f"{table} differs at copy {copy.number}: there are not at both "
                              f"{sorted(first ^ here, key=repr)[:4]}")
        if parked(copies[0]) != parked(copy):
            faults.append(f"copy {copy.number} has other patches parked than copy 1")
    return faults


def parked(copy):
    return rows(copy.db, "SELECT peer, seq, tab, at, delta, reason FROM replic_pending "
                         "ORDER BY peer, seq, reason")


# What a refusal reads like, and its kind.
KINDS = [
    (r"FOREIGN KEY constraint failed: the row with .* of (\w+) refers to .* in (\w+)$",
     r"a row of \2 was deleted or moved, and a row of \1 refers to it"),
    (r"FOREIGN KEY constraint failed: (\S+(?:, \S+)*) is .*, and (\w+) has no such row$",
     r"\1 refers to a row of \2 that is gone, or waits itself"),
    (r"UNIQUE constraint failed: ([\w., ]+?)(?:: .*)?$",
     r"an earlier row holds the same \1"),
    (r"NOT NULL constraint failed: (\w+)\.\w+$",
     r"a change of a row of \1 that is gone, or waits itself"),
]


def parked_units(copy):
    """The parked transactions, {one: its patches}, and {kind of refusal: {transaction: refusal}}.

    A transaction is named by its peer and its first seq, as the details do.
    """
    units, kinds = {}, {}
    for peer, seq, detail in rows(copy.db, "SELECT peer, seq, detail FROM replic_pending"):
        refusal = re.split(", in the transaction |; it is tried again", detail)[0]
        group = re.search(r"in the transaction of peer (\d+) with the seqs (\d+)", detail)
        unit = tuple(map(int, group.groups())) if group else (peer, seq)
        kind = next((re.sub(pattern, text, refusal) for pattern, text in KINDS
                     if re.match(pattern, refusal)), refusal)
        units[unit] = units.get(unit, 0) + 1
        kinds.setdefault(kind, {})[unit] = refusal
    return units, kinds


def broken(copy, text_index):
    """What the pragmas, replic_check and the full-text index's own check find."""
    faults = [f"foreign_key_check: {row}" for row in rows(copy.db, "PRAGMA foreign_key_check")]
    faults += [f"integrity_check: {row}" for row in rows(copy.db, "PRAGMA integrity_check")
               if row != ("ok",)]
    faults += [f"replic_check: {row}" for row in rows(copy.db, "SELECT * FROM replic_check")]
    return [f"copy {copy.number}: {fault}" for fault in faults + text_faults(copy, *text_index)]


def text_faults(copy, index, table, key, columns):
    """The index against the table: as FTS5 tests it, and each word against a scan."""
    faults = []
    try:
        copy.db.execute(f"INSERT INTO {index}({index}, rank) VALUES ('integrity-check', 1)")
    except Exception as error:  # SQLITE_CORRUPT_VTAB; Python has several classes for it
        faults.append(f"{index}: {error}")
    places = {}
    for found, *texts in rows(copy.db, f"SELECT {key}, {', '.join(columns)} FROM {table}"):
        for word in " ".join(text or "" for text in texts).lower().split():
            places.setdefault(word, set()).add(found)
    for word, expected in places.items():
        hits = rows(copy.db, f"SELECT rowid FROM {index} WHERE {index} MATCH ?", word)
        if {found for (found,) in hits} != expected or len(hits) != len(expected):
            faults.append(f"{index}: {word!r} is not found in the right rows")
    return faults


def counter_faults(copies, counts, table, key, counter):
    """A counter that a trigger keeps is not more than how often it ran at the origin.

    `counts` is {key: {copy number: how often}}. Looks at the rows that one copy alone has edited,
    and of which nothing waits. It can be less: when an edit had to wait for a while, the next one
    at that copy counted from the value before it. Returns the faults, and how many values were
    exactly that often, and were less.
    """
    waiting = {json.loads(delta).get(key) for _, _, tab, _, delta, _ in parked(copies[0])
               if tab == table}
    faults, exact, less = [], 0, 0
    for row, by_copy in counts.items():
        if len(by_copy) > 1 or row in waiting:
            continue
        for copy in copies:
            for (value,) in rows(copy.db, f"SELECT {counter} FROM {table} WHERE {key} = ?", row):
                times = sum(by_copy.values())
                exact += value == times
                less += value < times
                if value > times:
                    faults.append(f"copy {copy.number}: {table}.{counter} of {row} is {value}, and "
                                  f"its trigger ran {times} times")
    return faults, exact, less


def own_patches(copy):
    return one(copy.db, "SELECT count(*) FROM replic_changes WHERE peer = replic_peer()")
