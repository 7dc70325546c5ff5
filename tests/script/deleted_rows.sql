.echo on
.nullvalue NULL
.load ./replic
-- A table that has the tombstone column keeps its deleted rows. Plain DELETE works as ever, and the
-- row stays with deletedAt set; programs read the live rows, through a view for instance.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL, deletedAt INTEGER);
CREATE VIEW live_note AS SELECT id, body FROM note WHERE deletedAt IS NULL;
SELECT replic_init(1), replic_track('note');
CREATE TEMP VIEW told AS SELECT seq, CASE json_type(delta, '$.deletedAt') WHEN 'integer'
  THEN json_set(delta, '$.deletedAt', 'now') ELSE delta END AS delta FROM replic_changes WHERE peer = 1;
INSERT INTO note(body) VALUES ('one'), ('two'), ('three');
DELETE FROM note WHERE id = 2 RETURNING *;
SELECT changes();
SELECT * FROM live_note;
SELECT id, body, abs(deletedAt / 1000 - strftime('%s')) < 60 FROM note WHERE deletedAt IS NOT NULL;
-- Deleting it again changes nothing.
DELETE FROM note WHERE id = 2;
SELECT * FROM told WHERE seq > 3;

-- A new row of that key takes its place. It is told by what is different.
INSERT INTO note(id, body) VALUES (2, 'two, again');
SELECT * FROM live_note;
SELECT * FROM told WHERE seq > 4;
-- An UPDATE of the tombstone is an ordinary one: it deletes, or brings back.
UPDATE note SET deletedAt = 1767225600000 WHERE id = 2;
UPDATE note SET deletedAt = NULL WHERE id = 2;
-- UPSERT and REPLACE meet a deleted row as if it were not there.
DELETE FROM note WHERE id IN (1, 3);
INSERT INTO note(id, body) VALUES (1, 'upsert') ON CONFLICT (id) DO UPDATE SET body = 'not this';
REPLACE INTO note(id, body) VALUES (3, 'replace');
SELECT * FROM live_note;
-- Another key: the row under the old one is deleted, and stays.
UPDATE note SET id = 30 WHERE id = 3;
SELECT id, body, deletedAt IS NOT NULL AS deleted FROM note;
SELECT * FROM told WHERE seq > 5;

-- An INSERT that is skipped leaves the deleted row where it was.
DELETE FROM note WHERE id = 1;
INSERT OR IGNORE INTO note(id, body) VALUES (1, NULL);
BEGIN;
INSERT OR IGNORE INTO note(id, body) VALUES (1, NULL);
COMMIT;
SELECT id, body, deletedAt IS NOT NULL AS deleted FROM note WHERE id = 1;
SELECT * FROM replic_check;

-- A deleted row still holds its UNIQUE values: let the index look at live rows only.
CREATE TABLE person(id INTEGER PRIMARY KEY, mail TEXT, deletedAt INTEGER);
CREATE UNIQUE INDEX person_mail ON person(mail) WHERE deletedAt IS NULL;
SELECT replic_track('person');
INSERT INTO person(id, mail) VALUES (1, 'ada@example.org');
DELETE FROM person;
INSERT INTO person(id, mail) VALUES (2, 'ada@example.org');
REPLACE INTO person(id, mail) VALUES (3, 'ada@example.org');
SELECT id, mail, deletedAt IS NOT NULL AS deleted FROM person;
SELECT * FROM replic_check;

-- Another column may be the tombstone. In messages it is deletedAt.
CREATE TABLE account(id INTEGER PRIMARY KEY, closed_ms INTEGER);
SELECT replic_track('account', '{"tombstone":"closed_ms"}');
INSERT INTO account(id) VALUES (1);
DELETE FROM account;
SELECT id, closed_ms IS NOT NULL AS closed FROM account;
SELECT delta FROM told ORDER BY seq DESC LIMIT 1;
