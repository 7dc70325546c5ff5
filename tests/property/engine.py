"""Runs many schedules in a few processes, tells how far it is, and explains the first failure."""

import multiprocessing
import os
import pprint
import tempfile
import time
import traceback
from dataclasses import dataclass
from typing import Callable

from checks import Broken
from isolate import TIME_LIMIT_S, death_of, run_isolated, stop_after
from shrink import shrink

PROGRESS_S = 3


@dataclass(frozen=True)
class Suite:
    """One property test."""
    script: str         # the file that replays a schedule
    make: Callable      # make(seed) -> schedule
    run: Callable       # run(schedule, make_peer, folder) -> an object with execute() and close()
    peers: Callable     # peers(folder, trace) -> make_peer(id, kind)
    simpler: Callable   # simpler(schedule) -> schedules with one thing less, apart from events


def run_schedule(schedule, suite, trace=False):
    """None, or (kind, text) of what is broken."""
    with tempfile.TemporaryDirectory(prefix="replic-") as folder:
        run = None
        try:
            run = suite.run(schedule, suite.peers(folder, trace), folder)
            run.execute()
            run.close()
        except Broken as broken:
            return broken.kind, str(broken)
        except Exception as error:  # whatever else goes wrong is a failure of this schedule too
            return type(error).__name__, traceback.format_exc()
    return None


def run_once(schedule, suite):
    """run_schedule in a process of its own; a crash has the kind "crash"."""
    lived, result = run_isolated(run_schedule, schedule, suite)
    return result if lived else ("crash", result)


def explain(schedule, failure, suite):
    """Prints the failure and a shrunk script that shows it again; returns that script."""
    kind, text = failure
    print(f"\nFAILED: seed {schedule['seed']}\n{text}\n", flush=True)
    again = run_once(schedule, suite)
    if again is None or again[0] != kind:
        print(f"not the same when run again ({again and again[0]}); the whole schedule follows")
        small = schedule
    else:
        print(f"shrinking {len(schedule['events'])} events ...", flush=True)
        small = shrink(schedule, lambda s: (run_once(s, suite) or ("",))[0] == kind, suite.simpler)
        again = run_once(small, suite) or again
        print(f"shrunk to {len(small['events'])} events:\n{again[1]}\n")
    path = os.path.join(tempfile.gettempdir(), f"replic-schedule-{schedule['seed']}.txt")
    with open(path, "w", encoding="utf-8") as file:
        file.write(as_text(small))
    print(f"{as_text(small)}\nreplay: {suite.script} --seed {schedule['seed']}\n"
          f"    or: {suite.script} --script {path} --trace", flush=True)
    return small


def as_text(schedule):
    """The schedule as a Python literal, one event a line."""
    lines = [f" {name!r}: {pprint.pformat(value, width=96, indent=1)}," for name, value
             in schedule.items() if name != "events"]
    events = "".join(f"  {event!r},\n" for event in schedule["events"])
    return "{\n" + "\n".join(lines) + "\n 'events': [\n" + events + " ]}\n"


def _work(seeds, suite, current, done, failures):
    for seed in seeds:
        current.value = seed
        stop_after(TIME_LIMIT_S)
        failure = run_schedule(suite.make(seed), suite)
        if failure is not None:
            failures.send((seed, failure))
            break
        done.value += 1
    stop_after(0)


class _Worker:
    def __init__(self, seeds, suite):
        context = multiprocessing.get_context("fork")
        self.current = context.Value("q", seeds[0])
        self.done = context.Value("q", 0)
        self.failures, writer = context.Pipe(duplex=False)
        self.process = context.Process(
            target=_work, args=(seeds, suite, self.current, self.done, writer))
        self.process.start()
        writer.close()

    def failure(self):
        """(seed, (kind, text)) when this worker has failed, else None."""
        try:
            if self.failures.poll():
                return self.failures.recv()
        except EOFError:
            pass
        if self.process.exitcode:
            return self.current.value, ("crash", death_of(self.process.exitcode))
        return None


def run_many(seeds, suite, jobs=2):
    """Runs the schedules of all seeds; returns the first (seed, failure), or None."""
    began = told = time.monotonic()
    workers = [_Worker(seeds[j::jobs], suite) for j in range(jobs) if seeds[j::jobs]]
    failure = None
    while failure is None and any(w.process.is_alive() for w in workers):
        time.sleep(0.1)
        failure = next((f for f in (w.failure() for w in workers) if f), None)
        if time.monotonic() - told >= PROGRESS_S:
            told = time.monotonic()
            done = sum(w.done.value for w in workers)
            print(f"  {done} of {len(seeds)} schedules, {told - began:.0f} s", flush=True)
    failure = failure or next((f for f in (w.failure() for w in workers) if f), None)
    for worker in workers:
        if failure:
            worker.process.terminate()
        worker.process.join()
    if failure is None:
        print(f"  {len(seeds)} schedules agree with the oracle, "
              f"{time.monotonic() - began:.1f} s", flush=True)
    return failure
