"""The seeds of the random tests: fixed ones, from 1 on, and fresh ones, others in each run.

$REPLIC_FRESH_SEED: where the fresh ones begin. `.ci/run` sets it, by the files that it tests: what
it says of them does not hang on chance, and other files are tested with other seeds.
"""

import os
import random

FRESH_FROM = 10**6  # fixed seeds are below


def fresh_seed():
    given = os.environ.get("REPLIC_FRESH_SEED")
    return int(given) if given else random.SystemRandom().randrange(FRESH_FROM, 2**40)


def fixed_and_fresh(count, fresh):
    """The seeds 1 to `count`, and so many fresh ones. Prints which."""
    first = fresh_seed()
    print(f"seeds 1 to {count}, and {first} to {first + fresh - 1}", flush=True)
    return [*range(1, count + 1), *range(first, first + fresh)]
