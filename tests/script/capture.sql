.echo on
.nullvalue NULL
.load ./replic
-- replic_track('T'), and plain SQL goes on: each INSERT, UPDATE and DELETE becomes the patches that
-- say what has changed, no more.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, stars INTEGER DEFAULT 3, price REAL);
INSERT INTO note(body) VALUES ('was here before');
SELECT replic_init(1), replic_track('note');
CREATE TEMP VIEW told AS SELECT seq, tab, CASE json_type(delta, '$.deletedAt') WHEN 'integer'
  THEN json_set(delta, '$.deletedAt', 'now') ELSE delta END AS delta, json_extract(message, '$.grp') AS grp
  FROM replic_changes WHERE peer = 1;
SELECT * FROM told;

-- INSERT: the columns that are not NULL, defaults included. One statement is one group.
INSERT INTO note(body, price) VALUES ('one', 1.5), ('two', 2) RETURNING id, body;
SELECT changes(), last_insert_rowid();
INSERT INTO note(id, stars) SELECT id + 10, NULL FROM note WHERE id < 3;
SELECT * FROM told WHERE seq > 1;

-- UPDATE: the columns that have changed, by type and bytes. No patch when none has.
UPDATE note SET body = 'ONE', stars = stars WHERE id = 2 RETURNING *;
UPDATE note SET price = 2.0, stars = '3' WHERE id = 3;
SELECT changes();
UPDATE note SET body = NULL WHERE id = 2;
SELECT * FROM told WHERE seq > 5;

-- Another primary key: the old row is deleted, the new one told whole.
UPDATE note SET id = 20 WHERE id = 3;
SELECT * FROM told WHERE seq > 7;

-- DELETE leaves a tombstone in the log. A row that comes back is told by what is different.
DELETE FROM note WHERE id = 20 RETURNING id;
INSERT INTO note(id, body) VALUES (20, 'two');
SELECT * FROM told WHERE seq > 9;

-- UPSERT, and REPLACE of the row itself and of one that holds a UNIQUE value.
INSERT INTO note(id, body) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET body = 'upsert';
INSERT INTO note(id, body) VALUES (1, 'x') ON CONFLICT DO NOTHING;
REPLACE INTO note(id, body, stars) VALUES (1, 'upsert', 5);
CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
SELECT replic_track('tag');
INSERT INTO tag VALUES (1, 'red'), (2, 'blue');
REPLACE INTO tag VALUES (3, 'red');
UPDATE OR REPLACE tag SET name = 'blue' WHERE id = 3;
SELECT * FROM told WHERE seq > 11;
SELECT * FROM tag;

-- A transaction: what is rolled back in part leaves nothing, and no hole.
BEGIN;
INSERT INTO tag VALUES (10, 'ten');
SAVEPOINT a;
INSERT INTO tag VALUES (11, 'eleven');
SAVEPOINT b;
DELETE FROM tag;
ROLLBACK TO b;
INSERT INTO tag VALUES (12, 'twelve'), (13, 'thirteen'), (10, 'again');
INSERT OR IGNORE INTO tag VALUES (14, 'fourteen'), (10, 'again');
INSERT OR FAIL INTO tag VALUES (15, 'fifteen'), (10, 'again'), (16, 'sixteen');
ROLLBACK TO a;
INSERT INTO tag VALUES (17, 'seventeen');
COMMIT;
INSERT OR ROLLBACK INTO tag VALUES (18, 'eighteen'), (17, 'again');
SELECT * FROM told WHERE seq > 19;
SELECT * FROM tag;

-- Writes of the application's triggers, and foreign-key actions, are captured as well.
PRAGMA foreign_keys = ON;
CREATE TABLE author(id INTEGER PRIMARY KEY, books INTEGER DEFAULT 0);
CREATE TABLE book(id INTEGER PRIMARY KEY, author INTEGER REFERENCES author ON DELETE CASCADE
  ON UPDATE CASCADE, editor INTEGER REFERENCES author ON DELETE SET NULL ON UPDATE CASCADE);
CREATE TRIGGER count_books AFTER INSERT ON book BEGIN
  UPDATE author SET books = books + 1 WHERE id = NEW.author;
END;
SELECT replic_track('author'), replic_track('book');
INSERT INTO author(id) VALUES (1), (2);
INSERT INTO book VALUES (1, 1, 2), (2, 2, 1);
UPDATE author SET id = 5 WHERE id = 1;
DELETE FROM author WHERE id = 5;
SELECT * FROM told WHERE seq > 21;
SELECT * FROM author, book;

-- Tables of other kinds.
CREATE TABLE "odd ""name"""("the key" TEXT COLLATE NOCASE, part INTEGER, "select" BLOB,
  twice AS (part * 2), thrice AS (part * 3) STORED, PRIMARY KEY ("the key", part)) WITHOUT ROWID;
CREATE TABLE strict(id INTEGER PRIMARY KEY, any ANY, number REAL) STRICT;
SELECT replic_track('odd "name"'), replic_track('strict');
INSERT INTO "odd ""name""" VALUES ('Oslo', 1, x'00ff');
UPDATE "odd ""name""" SET "the key" = 'OSLO';
INSERT INTO strict VALUES (1, '1', 1), (2, 1.0, 2);
UPDATE strict SET any = 1 WHERE id = 2;
INSERT INTO strict VALUES (3, 1, 'no number');
SELECT * FROM told WHERE seq > 32;

-- Text must be UTF-8, and a key must not be NULL.
INSERT INTO note(id, body) VALUES (30, CAST(x'ff41' AS TEXT));
CREATE TABLE loose(k TEXT PRIMARY KEY, v);
SELECT replic_track('loose');
INSERT INTO loose VALUES (NULL, 1);
SELECT count(*) FROM loose;

-- With the settings that careful hosts use.
PRAGMA trusted_schema = OFF;
PRAGMA recursive_triggers = ON;
.dbconfig defensive on
REPLACE INTO note(id, body) VALUES (1, 'careful');
REPLACE INTO tag VALUES (4, 'blue');
SELECT * FROM told WHERE seq > 38;

-- The functions that the triggers call do nothing by hand.
SELECT replic_capture('note', 'insert', 'x', 1, 2, 3, 4);
SELECT replic_ignores('note', 'insert', 1);
SELECT replic_capture();
SELECT * FROM replic_check;

-- replic_untrack leaves an ordinary table, with its log.
SELECT replic_untrack('note');
SELECT count(*) FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = 'note';
UPDATE note SET body = 'untracked' WHERE id = 2;
DELETE FROM note WHERE id = 1;
SELECT mode FROM replic_tables WHERE tab = 'note';
-- Tracked again, what was written meanwhile is told now. A second call has nothing to do.
SELECT replic_track('note'), replic_track('note');
SELECT * FROM told WHERE seq > 41;
SELECT * FROM replic_check;

-- REPLACE makes room as well where the other row has just come into a partial index.
PRAGMA recursive_triggers = OFF;
CREATE TABLE seat(id INTEGER PRIMARY KEY, name TEXT, taken INTEGER);
CREATE UNIQUE INDEX seat_taken ON seat(name) WHERE taken;
SELECT replic_track('seat');
INSERT INTO seat VALUES (1, 'window', 0), (2, 'window', 1);
UPDATE OR REPLACE seat SET taken = 1 WHERE id = 1;
SELECT tab, delta FROM told WHERE tab = 'seat';
SELECT * FROM seat;
SELECT * FROM replic_check();
-- By expressions too, however the index is written; and when the index came after replic_track.
CREATE UNIQUE INDEX "seat (odd)" /* ( */ ON seat(lower(name || ')') DESC, "taken" COLLATE NOCASE)
  WHERE name <> 'where (' -- to the end
;
INSERT OR REPLACE INTO seat VALUES (3, 'WINDOW', 1);
SELECT * FROM seat;
SELECT replic_refresh();
INSERT OR REPLACE INTO seat VALUES (4, 'Window', 1), (5, 'aisle', 1);
SELECT * FROM seat;
SELECT * FROM replic_check();

-- REPLACE puts the default in the place of a NULL that may not be, and that can meet another row.
CREATE TABLE rank(id INTEGER PRIMARY KEY, place TEXT NOT NULL DEFAULT 'last' UNIQUE,
  n INTEGER NOT NULL DEFAULT (2 + 3));
CREATE UNIQUE INDEX rank_n ON rank(n + 1);
SELECT replic_track('rank');
INSERT INTO rank(id) VALUES (1);
INSERT OR REPLACE INTO rank VALUES (2, NULL, 6);
INSERT OR REPLACE INTO rank VALUES (3, 'first', 5);
UPDATE OR REPLACE rank SET n = NULL WHERE id = 2;
SELECT * FROM rank;
SELECT * FROM replic_check();

-- A generated column is computed from that default, and an expression from the id that SQLite gives.
CREATE TABLE grade(id TEXT PRIMARY KEY, n INTEGER NOT NULL DEFAULT 5,
  word TEXT AS ('grade ' || n) UNIQUE);
CREATE TABLE turn(id INTEGER PRIMARY KEY, who TEXT);
CREATE UNIQUE INDEX turn_of_three ON turn(id % 3);
SELECT replic_track('grade'), replic_track('turn');
INSERT INTO grade(id) VALUES ('a');
INSERT OR REPLACE INTO grade(id, n) VALUES ('b', NULL);
INSERT INTO grade(id, n) VALUES ('c', 6);
UPDATE OR REPLACE grade SET n = NULL WHERE id = 'c';
INSERT OR REPLACE INTO turn(who) VALUES ('a'), ('b'), ('c'), ('d');
SELECT * FROM grade;
SELECT * FROM turn;
SELECT * FROM replic_check();

-- What UPDATE OR REPLACE takes away can take the updated row with it, and then no trigger tells of
-- the update: found by a key, and by a UNIQUE value.
PRAGMA foreign_keys = ON;
CREATE TABLE branch(id TEXT PRIMARY KEY COLLATE NOCASE, name TEXT UNIQUE,
  up TEXT REFERENCES branch(id) ON DELETE CASCADE);
SELECT replic_track('branch');
INSERT INTO branch VALUES ('A', 'a', NULL), ('b', 'b', 'A');
UPDATE OR REPLACE branch SET id = 'a' WHERE id = 'b';
INSERT INTO branch VALUES ('c', 'c', NULL), ('d', 'd', 'c'), ('e', 'e', NULL);
UPDATE OR REPLACE branch SET name = 'c' WHERE id = 'd';
SELECT * FROM branch;
-- Actions of a FOREIGN KEY write rows in the midst of a statement that writes them as well.
CREATE TABLE leaf(id INTEGER PRIMARY KEY, name TEXT UNIQUE,
  up INTEGER DEFAULT 1 REFERENCES leaf(id) ON DELETE SET DEFAULT ON UPDATE CASCADE);
SELECT replic_track('leaf');
INSERT INTO leaf VALUES (1, 'a', 1), (2, 'b', 1), (3, 'c', 2);
UPDATE leaf SET id = id + 10, name = name || id;
SELECT * FROM leaf;
CREATE TABLE twig(id INTEGER PRIMARY KEY, name TEXT UNIQUE,
  up TEXT REFERENCES twig(name) ON DELETE SET DEFAULT);
SELECT replic_track('twig');
INSERT OR REPLACE INTO twig VALUES (2, 'y', 'x'), (1, 'x', 'y'), (2, 'x', NULL);
SELECT * FROM twig;
SELECT * FROM replic_check();
PRAGMA foreign_keys = OFF;
-- replic_patch frees a value for which another row waits: what it writes is not captured once more.
CREATE TABLE place(id INTEGER PRIMARY KEY, n INTEGER NOT NULL DEFAULT 5, word AS (n || '.') UNIQUE);
SELECT replic_track('place');
INSERT INTO place(id, n) VALUES (1, 6);
SELECT replic_apply(json_object('type', 10, 'at', replic_now(), 'peer', 7, 'seq', 9, 'ver', 1,
  'tab', 'place', 'delta', json_object('id', 2, 'n', 6)));
SELECT replic_patch('place', 'id', 1, 'n', 5) IS NOT NULL;
SELECT * FROM place;
SELECT tab, delta FROM told WHERE tab = 'place';
SELECT * FROM replic_check;
