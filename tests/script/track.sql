.echo on
.nullvalue NULL
.load ./replic
-- replic_track makes a table replicated: it makes the log in the best shape.
CREATE TABLE task(
  id INTEGER PRIMARY KEY, title TEXT COLLATE NOCASE, weight REAL, data, deletedAt INT);
SELECT replic_init(1);
SELECT replic_track('task', '{"mode":"manual"}');
SELECT sql FROM sqlite_schema WHERE tbl_name = 'task_patches' AND sql IS NOT NULL;
SELECT * FROM replic_tables;

-- Called again it changes nothing.
SELECT replic_track('TASK', '{"mode":"manual"}');
SELECT count(*) FROM replic_changes;

-- Rows that are there already become patches, unless "backfill" says no.
CREATE TABLE city(name TEXT PRIMARY KEY, people INTEGER);
INSERT INTO city VALUES ('Oslo', 700000), ('Rome', NULL);
SELECT replic_track('city', '{"mode":"manual"}');
SELECT seq, tab, delta FROM replic_changes;
CREATE TABLE river(name TEXT PRIMARY KEY, km INTEGER);
INSERT INTO river VALUES ('Po', 652);
SELECT replic_track('river', '{"mode":"manual","backfill":false}');
SELECT * FROM replic_tables ORDER BY tab;

-- A row that no patch has made is not known to other peers. A patch of it starts its replication.
SELECT json_remove(replic_patch('river', '{"name":"Po","km":653}'), '$.at');
SELECT * FROM river;

-- A column that is added to the table later must come into the log as well. Until then it cannot be
-- set, and the error says how. replic_track adds whatever the log lacks.
ALTER TABLE task ADD COLUMN owner TEXT;
SELECT replic_patch('task', '{"id":1,"owner":"Ada"}');
SELECT replic_track('task', '{"mode":"manual"}');
SELECT json_remove(replic_patch('task', '{"id":1,"owner":"Ada"}'), '$.at');

-- Another column as the tombstone.
CREATE TABLE account(id TEXT PRIMARY KEY, closed_ms INTEGER) STRICT;
SELECT replic_track('account', '{"mode":"manual","tombstone":"closed_ms"}');
SELECT json_remove(replic_patch('account', '{"id":"a","closed_ms":1767225600000}'), '$.at');
SELECT * FROM account;

-- replic_untrack forgets what replic_track noted; table and log stay, and go on being replicated.
SELECT replic_untrack('account');
SELECT * FROM replic_tables ORDER BY tab;

-- A table without a log stays local.
CREATE TABLE draft(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_patch('draft', '{"id":1,"body":"x"}');

-- What cannot be replicated is refused by name.
CREATE TABLE no_key(a, b);
SELECT replic_track('no_key', '{"mode":"manual"}');
CREATE VIEW open_task AS SELECT * FROM task WHERE deletedAt IS NULL;
SELECT replic_track('open_task', '{"mode":"manual"}');
CREATE TEMP TABLE scratch(id INTEGER PRIMARY KEY);
SELECT replic_track('scratch', '{"mode":"manual"}');
SELECT replic_track('nothing', '{"mode":"manual"}');
SELECT replic_track('_replic_state', '{"mode":"manual"}');

-- The modes, and what is not one.
SELECT replic_track('task');
SELECT replic_track('task', '{"mode":"guard"}');
SELECT tab, mode FROM replic_tables WHERE tab = 'task';
SELECT replic_track('task', '{"mode":"magic"}');
SELECT replic_track('task', '{"mode":"manual","colour":"red"}');
SELECT replic_track('task', '{"mode":"manual","tombstone":"id"}');
SELECT replic_track(NULL, '{"mode":"manual"}');
SELECT replic_track('task', 'manual');
