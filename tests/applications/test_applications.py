"""Two applications that know nothing of replication, each on three copies at once.

A music shop and a task tracker, with foreign keys, unique indexes, triggers, views and a full-text
index; replic_track once for each table, and nothing else is changed. The copies do ordinary
business, and exchange it over a network that shuffles, doubles and loses; pings and answers heal
what is lost. Prints what the business was, and what was parked and why.

A fixed seed, and a tenth as much with a fresh one. $REPLIC_SEED: that seed alone.
$REPLIC_STATEMENTS: another number than 20000.
"""

import os
import pathlib
import random
import re
import tempfile
import time
import unittest

import music_shop
import task_tracker
from copies import Copy, Network
from database import rows
from inspect_copies import (broken, counter_faults, differences, own_patches, parked,
                            parked_units)
from seeds import fresh_seed

STATEMENTS = int(os.environ.get("REPLIC_STATEMENTS", "20000"))  # of each application
RUNS = ([(int(os.environ["REPLIC_SEED"]), STATEMENTS)] if "REPLIC_SEED" in os.environ
        else [(1, STATEMENTS), (fresh_seed(), STATEMENTS // 10)])
DETAILS = re.compile(r"(FOREIGN KEY|UNIQUE|NOT NULL|CHECK) constraint failed: ")


class Business:
    """Three copies of an application at work until so many statements are done, then healed."""

    def __init__(self, app, seed, folder):
        self.app = app
        self.choose = random.Random(seed)
        self.copies = [Copy(pathlib.Path(folder, f"{app.__name__}{n}.db"), n, app.SCHEMA, app.COUNTED)
                       for n in (1, 2, 3)]
        self.network = Network(self.copies, self.choose)
        with self.copies[0].transaction():
            app.fill(self.copies[0], self.choose)
        assert not self.copies[0].refused, self.copies[0].refused
        self.copies[0].executed = 0
        for copy in self.copies:
            copy.track(app.TABLES)
        self.network.heal()

    def executed(self):
        return sum(copy.executed for copy in self.copies)

    def work(self, statements):
        actions, weights = zip(*self.app.BUSINESS)
        while self.executed() < statements:
            copy = self.choose.choice(self.copies)
            for _ in range(self.choose.randint(1, 6)):
                with copy.transaction():
                    for _ in range(self.choose.choice([1, 1, 1, 2, 3])):
                        self.choose.choices(actions, weights)[0](copy, self.choose)
            self.network.broadcast(copy)
            for happens, chance in ((self.some_arrives, 0.5), (self.somebody_pings, 0.1),
                                    (self.two_call, 0.01)):
                if self.choose.random() < chance:
                    happens()

    def some_arrives(self):
        self.network.deliver(self.choose.choice(self.copies), self.choose.random())

    def somebody_pings(self):
        self.network.ping(self.choose.choice(self.copies))

    def two_call(self):
        self.network.call(*self.choose.sample(self.copies, 2))

    def close(self):
        for copy in self.copies:
            copy.close()

    def story(self):
        """What was done, what the applications saw, and what waits for what."""
        net, copies = self.network, self.copies
        yield (f"{self.app.__name__}: {self.executed()} statements, "
               f"{sum(own_patches(copy) for copy in copies)} patches; {net.sent} packets, "
               f"{net.lost} lost, {net.doubled} doubled; {net.calls} calls; refused where they were "
               f"written: {sum(sum(copy.refused.values()) for copy in copies)} transactions")
        waiting, kinds = parked_units(copies[0])
        yield (f"parked: {sum(waiting.values())} patches of {len(waiting)} transactions, "
               "by what the transaction waits for")
        for kind, units in sorted(kinds.items(), key=lambda item: -len(item[1])):
            detail = min(units.values(), key=lambda text: (len(text), text))
            yield f"  {len(units):4}  {kind}"
            yield f"        e.g. {detail}"


class ApplicationTest(unittest.TestCase):
    def run_application(self, app):
        for seed, statements in RUNS:
            began = time.process_time()
            with self.subTest(seed=seed), tempfile.TemporaryDirectory() as folder:
                business = Business(app, seed, folder)
                try:
                    business.work(statements)
                    written = [own_patches(copy) for copy in business.copies]
                    rounds = business.network.heal()
                    print(f"\nseed {seed}, {time.process_time() - began:.1f} s of CPU, {rounds} rounds "
                          "of pings", *business.story(), sep="\n", flush=True)
                    self.inspect(business, written)
                finally:
                    business.close()

    def inspect(self, business, written):
        app, copies = business.app, business.copies
        self.assertEqual(differences(copies, app.TABLES + app.VIEWS), [])
        for copy in copies:
            self.assertEqual(broken(copy, app.TEXT_INDEX), [])
        # Triggers and cascades wrote nothing where patches were applied.
        self.assertEqual([own_patches(copy) for copy in copies], written)
        counts = {}
        for copy in copies:
            for key, times in copy.counts.items():
                counts.setdefault(key, {})[copy.number] = times
        faults, exact, less = counter_faults(copies, counts, *app.COUNTER)
        self.assertEqual(faults, [])
        self.assertGreater(exact, 10 * less)
        # What waits, waits for a constraint, and says which; and such a business has conflicts.
        self.assertNotEqual(parked(copies[0]), [])
        for row in parked(copies[0]):
            self.assertEqual(row[-1], "constraint", row)
        for (detail,) in rows(copies[0].db, "SELECT detail FROM replic_pending"):
            self.assertRegex(detail, DETAILS)
        for copy in copies:
            for text in copy.refused:
                self.assertRegex(text, "constraint failed")

    def test_three_copies_of_a_music_shop_agree(self):
        self.run_application(music_shop)

    def test_three_copies_of_a_task_tracker_agree(self):
        self.run_application(task_tracker)


if __name__ == "__main__":
    unittest.main()
