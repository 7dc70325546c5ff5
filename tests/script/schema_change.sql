.echo on
.nullvalue NULL
.load ./replic
-- The application alters a table that is captured. Either replic brings log and triggers up to date
-- first, or the write fails and says so: no write is lost.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, stars INTEGER);
SELECT replic_init(1), replic_track('note');
INSERT INTO note VALUES (1, 'one', 1), (2, 'two', 2), (3, 'three', NULL);
DELETE FROM note WHERE id = 3;

-- ADD COLUMN. A plain write cannot change the schema by the way, and is refused; every function of
-- replic that writes brings things up to date first.
ALTER TABLE note ADD COLUMN colour TEXT DEFAULT 'white';
UPDATE note SET colour = 'red' WHERE id = 1;
SELECT replic_refresh(), replic_refresh();
UPDATE note SET colour = 'red' WHERE id = 1;
ALTER TABLE note ADD COLUMN owner TEXT;
SELECT replic_patch('note', 'id', 2, 'owner', 'Ada') IS NOT NULL;
INSERT INTO note VALUES (4, 'four', 4, 'blue', 'Bob');
SELECT seq, delta FROM replic_changes WHERE peer = 1 AND seq > 4;
SELECT * FROM replic_check;

-- RENAME COLUMN takes the log along. Rename on all peers, while nothing is on its way.
UPDATE note SET stars = NULL WHERE id = 2;
ALTER TABLE note RENAME COLUMN stars TO points;
UPDATE note SET points = 7 WHERE id = 1;
SELECT replic_refresh();
UPDATE note SET points = 7 WHERE id = 1;
SELECT seq, delta FROM replic_changes WHERE peer = 1 AND seq > 7;
SELECT * FROM replic_check;

-- RENAME TABLE.
ALTER TABLE note RENAME TO memo;
DELETE FROM memo WHERE id = 4;
SELECT replic_refresh();
DELETE FROM memo WHERE id = 4;
SELECT tab, mode, patches, problem FROM replic_tables;
SELECT * FROM replic_check;
-- The old name is free again.
CREATE TABLE note(id INTEGER PRIMARY KEY);
SELECT replic_track('note');

-- DROP COLUMN: SQLite refuses it while the triggers name the column. Untrack the table first.
ALTER TABLE memo DROP COLUMN colour;
SELECT replic_untrack('memo');
ALTER TABLE memo DROP COLUMN colour;
SELECT replic_track('memo');
UPDATE memo SET owner = 'Eve' WHERE id = 2;
SELECT * FROM replic_check;
-- What others have of that column stays whole for them, and comes back with the column.
SELECT seq, delta, reason FROM replic_pending;
SELECT seq, delta, reason FROM replic_changes WHERE delta LIKE '%colour%';

-- A tombstone column that comes: deleted rows come back to the table, as deleted ones.
ALTER TABLE memo ADD COLUMN deletedAt INTEGER;
SELECT replic_refresh();
SELECT id, body, deletedAt > 0 AS deleted FROM memo;

-- The table is made anew, as SQLite's own documentation tells for other changes. DROP TABLE takes
-- the triggers along: what was written without them is found by comparing the rows with the log.
CREATE TABLE new_memo(id INTEGER PRIMARY KEY, body TEXT NOT NULL, points INTEGER, owner TEXT,
                      deletedAt INTEGER);
INSERT INTO new_memo SELECT * FROM memo;
DROP TABLE memo;
ALTER TABLE new_memo RENAME TO memo;
INSERT INTO memo(id, body) VALUES (9, 'nine');
UPDATE memo SET body = 'changed' WHERE id = 1;
SELECT replic_refresh();
SELECT seq, delta FROM replic_changes WHERE peer = 1 AND seq > 10;
INSERT INTO memo(id, body) VALUES (10, 'ten');
SELECT count(*) FROM memo_patches WHERE id = 10;

-- The column that was dropped comes back.
ALTER TABLE memo ADD COLUMN colour TEXT;
SELECT replic_refresh();
SELECT id, colour FROM memo;
SELECT count(*) FROM replic_pending;
SELECT * FROM replic_check;

-- A trigger of ours that is dropped by hand is missed, too.
DROP TRIGGER _replic_after_delete_memo;
DELETE FROM memo WHERE id = 10;
SELECT replic_refresh();
SELECT seq, json_type(delta, '$.deletedAt') FROM replic_changes WHERE peer = 1 AND seq > 13;

-- A table that can be replicated no more says why.
ALTER TABLE memo ADD COLUMN _peerId;
INSERT INTO memo(id, body) VALUES (11, 'eleven');
SELECT problem FROM replic_tables WHERE tab = 'memo';
SELECT replic_untrack('memo');
INSERT INTO memo(id, body) VALUES (11, 'eleven');

-- After a change of the schema, REPLACE in an UPDATE tells of the row that it takes away while it
-- has a cursor pinned, where SQLite cannot go back to a savepoint.
PRAGMA recursive_triggers = ON;
CREATE TABLE part(id INTEGER PRIMARY KEY, v INTEGER);
CREATE UNIQUE INDEX part_v ON part(coalesce(v, 'none'));
INSERT INTO part VALUES (1, NULL), (2, 2);
SELECT replic_track('part');
ALTER TABLE part ADD COLUMN late INTEGER DEFAULT 1;
SELECT replic_refresh();
BEGIN;
UPDATE OR REPLACE part SET v = NULL WHERE id = 2;
COMMIT;
SELECT * FROM part;
SELECT * FROM replic_check WHERE tab = 'part';
