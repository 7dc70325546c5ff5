"""The ordinary business of the task tracker: see task_tracker.sql."""

import pathlib

from copies import random_key

SCHEMA = pathlib.Path(__file__).with_name("task_tracker.sql").read_text()
TABLES = ["person", "project", "membership", "milestone", "task", "dependency", "label",
          "task_label", "comment", "attachment", "timer"]
TEXT_INDEX = ("task_text", "task", "id", ("title", "body"))
# A counter that a trigger keeps: table, key, counter; and the UPDATEs that make it count.
COUNTER = ("task", "id", "revision")
COUNTED = ("UPDATE task SET title", "UPDATE task SET body", "UPDATE task SET state")
VIEWS = ["open_task", "minutes", "tagged"]
WORDS = ("login page export report search invoice printer backup upgrade network letter calendar "
         "filter menu button picture archive timeout password mobile").split()
STATES = ["open", "doing", "done"]


def words(choose, count):
    return " ".join(choose.choices(WORDS, k=count)).capitalize()


def fill(copy, choose):
    """What the tracker has before any copy is made."""
    for name in ("bug", "idea", "urgent"):
        copy.run("INSERT INTO label(id, name) VALUES (?, ?)", random_key(choose), name)
    for n in range(100):
        copy.run("INSERT INTO person(id, handle, name) VALUES (?, ?, ?)", random_key(choose),
                 f"user{n}", words(choose, 2))
    for n in range(60):
        new_project(copy, choose, f"P{n}")
    for _ in range(1500):
        new_task(copy, choose)


def new_project(copy, choose, code=None):
    copy.run("INSERT INTO project VALUES (?, ?, ?, ?)", random_key(choose),
             code or f"Q{choose.randrange(1000)}", words(choose, 2), copy.pick(choose, "person", "id"))


def new_task(copy, choose):
    """Most projects are worked on at one copy; sometimes two number a task of one at once."""
    own = f"unicode(substr(id, 1, 1)) % 3 = {copy.number - 1}" if choose.random() < 0.9 else "1"
    project = copy.pick(choose, "project", "id", own)
    copy.run("INSERT INTO task(id, project_id, number, assignee_id, title, body) "
             "SELECT ?1, ?2, coalesce(max(number), 0) + 1, ?3, ?4, ?5 FROM task "
             "WHERE project_id = ?2", copy.new_key(), project, copy.pick(choose, "person", "id"),
             words(choose, 3), choose.choice([None, words(choose, 6)]))
    if choose.random() < 0.3:
        copy.run("INSERT INTO tagged VALUES (?, ?)", copy.number * 10**9 + copy.last_key,
                 choose.choice(["Bug", "idea", "URGENT", choose.choice(WORDS)]))


def edit_task(copy, choose):
    task = copy.pick(choose, "task", "id")
    kind = choose.randrange(7)
    if kind == 0:
        copy.run("UPDATE task SET title = ? WHERE id = ?", words(choose, 3), task)
    elif kind == 1:
        copy.run("UPDATE task SET body = ? WHERE id = ?", choose.choice([None, words(choose, 6)]), task)
    elif kind in (2, 3):
        state = choose.choice(STATES)
        copy.run("UPDATE task SET state = ?1, done_at = iif(?1 = 'done', CURRENT_TIMESTAMP, NULL) "
                 "WHERE id = ?2", state, task)
    elif kind == 4:
        copy.run("UPDATE task SET assignee_id = ? WHERE id = ?", copy.pick(choose, "person", "id"), task)
    elif kind == 5:
        copy.run("UPDATE task SET milestone_id = (SELECT id FROM milestone WHERE milestone.project_id "
                 "= task.project_id ORDER BY due_day LIMIT 1) WHERE id = ?", task)
    else:
        copy.run("UPDATE task SET parent_id = ? WHERE id = ?", copy.pick(choose, "task", "id"), task)


def talk(copy, choose):
    task = copy.pick(choose, "task", "id")
    copy.run("INSERT INTO comment(id, task_id, author_id, body) VALUES (?, ?, ?, ?)",
             random_key(choose), task, copy.pick(choose, "person", "id"), words(choose, 5))
    if choose.random() < 0.2:
        copy.run("INSERT INTO attachment VALUES (?, ?, ?, ?)", random_key(choose), task,
                 f"{choose.choice(WORDS[:5])}.txt", choose.randbytes(20))


def edit_talk(copy, choose):
    comment = copy.pick(choose, "comment", "id")
    if choose.random() < 0.6:
        copy.run("UPDATE comment SET body = ? WHERE id = ?", words(choose, 5), comment)
    else:
        copy.run("DELETE FROM comment WHERE id = ?", comment)


def measure(copy, choose):
    """Starts the timer of a person, or stops it."""
    person = copy.pick(choose, "person", "id")
    now = choose.randrange(10**6, 2 * 10**6)
    running = copy.run("UPDATE timer SET stopped_at = max(started_at, ?) WHERE person_id = ? AND "
                       "stopped_at IS NULL RETURNING id", now, person)
    if not running:
        copy.run("INSERT INTO timer VALUES (?, ?, ?, ?, NULL)", random_key(choose), person,
                 copy.pick(choose, "task", "id"), now)


def plan(copy, choose):
    project = copy.pick(choose, "project", "id")
    kind = choose.randrange(4)
    if kind == 0:
        start = choose.randrange(300)
        copy.run("INSERT INTO milestone VALUES (?, ?, ?, ?, ?)", random_key(choose), project,
                 f"Version {choose.randrange(12)}", start, start + choose.randrange(60))
    elif kind == 1:
        column = choose.choice(["start_day", "due_day"])
        copy.run(f"UPDATE milestone SET {column} = {column} + ? WHERE id = ?",
                 choose.randint(-30, 30), copy.pick(choose, "milestone", "id"))
    elif kind == 2:
        copy.run("DELETE FROM milestone WHERE id = ?", copy.pick(choose, "milestone", "id"))
    else:
        copy.run("INSERT OR IGNORE INTO dependency VALUES (?, ?)", copy.pick(choose, "task", "id"),
                 copy.pick(choose, "task", "id"))


def sort_out(copy, choose):
    task = copy.pick(choose, "task", "id")
    kind = choose.randrange(4)
    if kind == 0:
        copy.run("INSERT OR REPLACE INTO task_label SELECT ?, id FROM label WHERE id >= ? LIMIT 2",
                 task, random_key(choose))
    elif kind == 1:
        copy.run("DELETE FROM task_label WHERE task_id = ?", task)
    elif kind == 2:
        copy.run("INSERT INTO label VALUES (?, ?, 'red') ON CONFLICT (name) DO UPDATE "
                 "SET colour = 'blue'", random_key(choose), choose.choice(WORDS))
    else:
        copy.run("DELETE FROM label WHERE id = ?", copy.pick(choose, "label", "id"))


def staff(copy, choose):
    kind = choose.randrange(5)
    person = copy.pick(choose, "person", "id")
    if kind == 0:
        copy.run("INSERT INTO person(id, handle, name) VALUES (?, ?, ?)", random_key(choose),
                 f"{choose.choice(['User', 'user'])}{choose.randrange(1000)}", words(choose, 2))
    elif kind == 1:
        copy.run("UPDATE person SET handle = ?, active = 1 - active WHERE id = ?",
                 f"user{choose.randrange(1000)}", person)
    elif kind == 2:
        copy.run("INSERT INTO membership VALUES (?, ?, 'member') ON CONFLICT DO UPDATE "
                 "SET role = 'owner'", copy.pick(choose, "project", "id"), person)
    elif kind == 3:
        new_project(copy, choose)
    else:
        copy.run("UPDATE project SET lead_id = ? WHERE id = ?", person,
                 copy.pick(choose, "project", "id"))


def clear_out(copy, choose):
    """What takes other rows along: a task, a person, now and then a whole project."""
    kind = choose.randrange(40)
    if kind == 0:
        copy.run("DELETE FROM project WHERE id = ?", copy.pick(choose, "project", "id"))
    elif kind < 6:
        copy.run("DELETE FROM person WHERE id = ?", copy.pick(choose, "person", "id"))
    else:
        copy.run("DELETE FROM task WHERE id = ?", copy.pick(choose, "task", "id"))


BUSINESS = ((new_task, 14), (edit_task, 35), (talk, 18), (edit_talk, 8), (measure, 10), (plan, 6),
            (sort_out, 8), (staff, 5), (clear_out, 2))
