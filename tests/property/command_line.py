"""What a property test does by itself and by hand: a file that has a Suite calls main().

    test_x.py                    the fixed seeds and some fresh ones
    test_x.py --count 50         fewer fixed seeds; --fresh N as well
    test_x.py --seed 7           one schedule; a failure is shrunk and printed
    test_x.py --script F --trace a printed schedule, with every call that changes a peer
    test_x.py --hunt 3600        fresh seeds for an hour; each failure is shrunk and kept as a file

The extension is $REPLIC_SO, or build/replic.so.
"""

import argparse
import ast
import pathlib
import time

from engine import as_text, explain, run_many, run_once, run_schedule
from peer import extension_path
from seeds import fixed_and_fresh, fresh_seed

HUNT_CHUNK = 500  # schedules between two looks at the clock


def run_all(suite, count, fresh, jobs=2):
    """True when every schedule holds; the first one that does not is explained."""
    failure = run_many(fixed_and_fresh(count, fresh), suite, jobs)
    if failure:
        explain(suite.make(failure[0]), failure[1], suite)
    return failure is None


def run_one(suite, schedule, trace):
    if trace:
        failure = run_schedule(schedule, suite, trace=True)
        print(failure[1] if failure else "no failure")
    else:
        failure = run_once(schedule, suite)
        if failure:
            explain(schedule, failure, suite)
        else:
            print(f"seed {schedule['seed']}: agrees with the oracle")
    return failure is None


def hunt(suite, seconds, folder, jobs):
    """Runs fresh seeds; each failure becomes a file in `folder`. True when there was none."""
    end, found, done, fresh = time.monotonic() + seconds, 0, 0, fresh_seed()
    while time.monotonic() < end:
        first = fresh + done
        failure = run_many(range(first, first + HUNT_CHUNK), suite, jobs)
        done += HUNT_CHUNK
        if failure:
            found += 1
            small = explain(suite.make(failure[0]), failure[1], suite)
            again = run_once(small, suite) or failure
            comment = "".join(f"# {line}\n" for line in again[1].splitlines())
            folder.mkdir(parents=True, exist_ok=True)
            path = folder / f"{again[0]}-{failure[0]}.txt"
            path.write_text(comment + as_text(small), encoding="utf-8")
            print(f"kept as {path}", flush=True)
    print(f"{done} schedules, {found} failures", flush=True)
    return found == 0


def main(suite, count, fresh):
    parser = argparse.ArgumentParser(description=f"{suite.script}: random schedules on real peers "
                                     "against the oracle")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--script", type=pathlib.Path)
    parser.add_argument("--trace", action="store_true")
    parser.add_argument("--count", type=int, default=count)
    parser.add_argument("--fresh", type=int, default=fresh)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--hunt", type=int, metavar="SECONDS")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("found"),
                        help="the folder for the failures of --hunt")
    options = parser.parse_args()
    extension_path()
    if options.script:
        schedule = ast.literal_eval(options.script.read_text(encoding="utf-8"))
        return 0 if run_one(suite, schedule, options.trace) else 1
    if options.seed is not None:
        return 0 if run_one(suite, suite.make(options.seed), options.trace) else 1
    if options.hunt:
        return 0 if hunt(suite, options.hunt, options.out, options.jobs) else 1
    return 0 if run_all(suite, options.count, options.fresh, options.jobs) else 1
