"""Shrinks a failing schedule: removes what is not needed for the same kind of failure.

Source: Zeller and Hildebrandt 2002, "Simplifying and Isolating Failure-Inducing Input", ddmin.
"""

import copy
import itertools
import time


def shrink(schedule, still_fails, simpler, limit_s=90):
    """The smallest schedule found within `limit_s` for which `still_fails(schedule)` holds.

    `simpler(schedule)` gives schedules with one thing less, apart from whole events.
    """
    deadline = time.monotonic() + limit_s

    def accepts(candidate):
        return time.monotonic() < deadline and still_fails(candidate)

    schedule = _fewer_events(schedule, accepts)
    progress = True
    while progress:
        schedule, progress = _one_pass(schedule, simpler, accepts)
    return _fewer_events(schedule, accepts)


def _one_pass(schedule, simpler, accepts):
    """Tries everything once: the schedule that is left, and whether anything could go."""
    progress, tried = False, 0
    while True:
        candidate = next(itertools.islice(simpler(schedule), tried, None), None)
        if candidate is None:
            return schedule, progress
        if accepts(candidate):  # what has been tried is not tried again before the next pass
            schedule, progress = candidate, True
        else:
            tried += 1


def _fewer_events(schedule, accepts):
    events = schedule["events"]
    size = max(1, len(events) // 2)
    while size >= 1:
        start, removed = 0, False
        while start < len(events):
            shorter = events[:start] + events[start + size:]
            if accepts({**schedule, "events": shorter}):
                events, removed = shorter, True
            else:
                start += size
        if size == 1 and not removed:
            break
        size = size if removed and size == 1 else size // 2 or (1 if removed else 0)
    return {**schedule, "events": events}


def simpler_schedules(schedule):
    """Schedules with one thing less, or one thing plainer."""
    for position, table in enumerate(schedule["tables"]):
        names = [e.get("table") for e in schedule["events"]]
        if table["shape"] not in names and len(schedule["tables"]) > 1:
            yield changed(schedule, lambda s, p=position: s["tables"].pop(p))
    last = len(schedule["peers"]) - 1
    if last > 0 and not any(last in (e.get("peer"), e.get("from")) or last in e.get("to", ())
                            for e in schedule["events"]):
        yield changed(schedule, lambda s: s["peers"].pop())
    for position, peer in enumerate(schedule["peers"]):
        if peer["kind"] != "memory":
            yield changed(schedule, lambda s, p=position: s["peers"][p].update(kind="memory"))
    for position, event in enumerate(schedule["events"]):
        for name in ("what", "to", "steps", "set"):
            for item in list(event.get(name, ())):
                yield changed(schedule, lambda s, p=position, n=name, i=item: _remove(s, p, n, i))
        if event.get("form") in ("array", "spaced", "blob", "insert"):
            yield changed(schedule, lambda s, p=position: s["events"][p].update(form="single"))


def changed(schedule, change):
    """A copy of the schedule on which change(copy) has been called."""
    candidate = copy.deepcopy(schedule)
    change(candidate)
    return candidate


def _remove(schedule, position, name, item):
    collection = schedule["events"][position][name]
    if isinstance(collection, dict):
        del collection[item]
    else:
        collection.remove(item)
