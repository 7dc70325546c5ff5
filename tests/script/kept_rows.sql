.echo on
.nullvalue NULL
.load ./replic
-- A table that keeps its deleted rows: they hold their UNIQUE values, unless the index leaves them out.
CREATE TABLE t(id TEXT PRIMARY KEY, u TEXT, deletedAt INTEGER);
CREATE UNIQUE INDEX t_u ON t(u);
SELECT replic_init(1), replic_track('t');
INSERT INTO t(id, u) VALUES ('a', 'x');
INSERT OR REPLACE INTO t(id, u) VALUES ('b', 'x');
UPDATE OR REPLACE t SET id = 'b' WHERE id = 'a';
SELECT * FROM t;
DROP INDEX t_u;
CREATE UNIQUE INDEX t_u ON t(u) WHERE deletedAt IS NULL;
INSERT OR REPLACE INTO t(id, u) VALUES ('b', 'x');
UPDATE OR REPLACE t SET id = 'c' WHERE id = 'b';
SELECT id, u, deletedAt IS NOT NULL FROM t;
SELECT * FROM replic_check;

-- A row that an INSERT has skipped is no room made by REPLACE: its later deletion leaves a tombstone
-- that must have its parent.
PRAGMA recursive_triggers = ON;
PRAGMA foreign_keys = ON;
CREATE TABLE owner(id INTEGER PRIMARY KEY);
CREATE TABLE pet(id INTEGER PRIMARY KEY, deletedAt INTEGER,
  owner INTEGER NOT NULL REFERENCES owner(id) DEFERRABLE INITIALLY DEFERRED);
SELECT replic_option('foreign_keys', 1), replic_track('owner'), replic_track('pet');
BEGIN;
INSERT OR IGNORE INTO pet(id, owner) VALUES (1, 9), (1, 9);
DELETE FROM pet;
COMMIT;
ROLLBACK;
INSERT INTO owner VALUES (9);
INSERT INTO pet(id, owner) VALUES (1, 9);
BEGIN;
INSERT OR IGNORE INTO pet(id, owner) VALUES (1, 9);
DELETE FROM pet;
SELECT id, owner, deletedAt IS NOT NULL FROM pet;
COMMIT;
SELECT * FROM replic_check;

-- A trigger of the application changes the row that is being moved to the key of a deleted one: what
-- stays under the old key is what its log says.
CREATE TABLE pair(id INTEGER PRIMARY KEY, mark TEXT, touched TEXT, deletedAt INTEGER);
CREATE TRIGGER touch AFTER DELETE ON pair BEGIN
  UPDATE pair SET touched = 'y' WHERE mark IS NULL;
END;
SELECT replic_track('pair');
INSERT INTO pair(id, mark) VALUES (1, NULL), (2, 'm');
UPDATE pair SET deletedAt = 5 WHERE id = 2;
UPDATE pair SET id = 2 WHERE id = 1;
SELECT id, mark, touched, deletedAt IS NOT NULL FROM pair;
SELECT * FROM replic_check;

-- A deleted row that stays may not refer to what is not there.
CREATE TABLE node(id INTEGER PRIMARY KEY, v INTEGER, up INTEGER REFERENCES node(id),
  deletedAt INTEGER);
CREATE UNIQUE INDEX node_v ON node(v) WHERE deletedAt IS NULL;
SELECT replic_track('node');
INSERT INTO node(id, v) VALUES (1, 1), (2, 2);
UPDATE OR REPLACE node SET v = 3, up = CASE id WHEN 1 THEN 9 END;
UPDATE OR REPLACE node SET v = 3, up = CASE id WHEN 1 THEN 2 END;
SELECT id, v, up, deletedAt IS NOT NULL FROM node;
SELECT * FROM replic_check;

-- The first statement of a transaction that takes a row away by UPDATE OR REPLACE.
UPDATE OR REPLACE node SET v = 3 WHERE id = 1;
UPDATE node SET deletedAt = NULL, v = 7 WHERE id = 1;
UPDATE OR REPLACE node SET v = 7 WHERE id = 2;
SELECT id, v, up, deletedAt IS NOT NULL FROM node;
SELECT * FROM replic_check;
-- The row that stays was written by an action of its FOREIGN KEY in the statement that moves it.
PRAGMA foreign_keys = ON;
CREATE TABLE page(id INTEGER PRIMARY KEY, body TEXT, deletedAt INTEGER,
  up INTEGER REFERENCES page(id) ON DELETE SET NULL);
SELECT replic_track('page');
INSERT INTO page VALUES (1, 'a', NULL, NULL), (3, 'c', NULL, 1);
UPDATE OR REPLACE page SET id = 1;
SELECT id, body, deletedAt IS NULL, up FROM page;
SELECT * FROM replic_check;
-- An INSERT that is skipped after the deleted row made room for it: the row comes back in the COMMIT.
CREATE TABLE line(id INTEGER PRIMARY KEY, body TEXT NOT NULL, deletedAt INTEGER,
  up INTEGER REFERENCES line(id) DEFERRABLE INITIALLY DEFERRED);
SELECT replic_track('line');
BEGIN;
INSERT INTO line VALUES (1, 'a', NULL, 2);
DELETE FROM line WHERE id = 1;
INSERT OR IGNORE INTO line VALUES (1, NULL, NULL, NULL);
COMMIT;
SELECT count(*) FROM line;
SELECT * FROM replic_check;
-- A trigger writes another row while REPLACE takes one away, which comes back with its tombstone.
PRAGMA recursive_triggers = ON;
CREATE TABLE seat(id INTEGER PRIMARY KEY, name TEXT, note TEXT, deletedAt INTEGER);
CREATE UNIQUE INDEX seat_name ON seat(name) WHERE deletedAt IS NULL;
CREATE TRIGGER seat_left AFTER DELETE ON seat BEGIN
  UPDATE seat SET note = NULL WHERE note = 'neighbour';
END;
SELECT replic_track('seat');
INSERT INTO seat VALUES (1, NULL, 'neighbour', NULL), (2, 'window', NULL, NULL);
INSERT OR REPLACE INTO seat VALUES (3, 'window', NULL, NULL);
SELECT id, name, note, deletedAt IS NULL FROM seat;
SELECT * FROM replic_check;
PRAGMA recursive_triggers = OFF;
-- REPLACE takes a row away, and the action of a foreign key writes, before the new row, the one that
-- makes room for it.
CREATE TABLE part(name TEXT PRIMARY KEY, place TEXT, deletedAt INTEGER,
  inside TEXT REFERENCES part(name) ON DELETE SET NULL);
CREATE UNIQUE INDEX part_place ON part(place) WHERE deletedAt IS NULL;
SELECT replic_track('part');
PRAGMA foreign_keys = ON;
INSERT INTO part(name, place) VALUES ('a', 'x'), ('b', 'y');
UPDATE part SET inside = 'a' WHERE name = 'b';
INSERT OR REPLACE INTO part(name, place) VALUES ('b', 'x');
SELECT name, place, deletedAt IS NULL, inside FROM part ORDER BY name;
PRAGMA recursive_triggers = ON;
INSERT INTO part(name, place, inside) VALUES ('c', 'z', 'b');
INSERT OR REPLACE INTO part(name, place) VALUES ('c', 'x');
SELECT name, place, deletedAt IS NULL, inside FROM part ORDER BY name;
SELECT * FROM replic_check;
PRAGMA recursive_triggers = OFF;
