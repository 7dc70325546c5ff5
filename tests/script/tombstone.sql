.echo on
.nullvalue NULL
.load ./replic
-- Deleting is a patch that sets the tombstone, deletedAt, to the time in Unix milliseconds.
-- Setting it back to NULL brings the row back.

-- 1. The table has the column. The row stays; a program reads WHERE deletedAt IS NULL.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, deletedAt INTEGER);
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}');
SELECT json_remove(replic_patch('note', '{"id":1,"body":"Buy bread"}'), '$.at');
SELECT json_remove(replic_patch('note', '{"id":1,"deletedAt":1767225600000}'), '$.at');
SELECT * FROM note;
SELECT json_remove(replic_patch('note', '{"id":1,"deletedAt":null}'), '$.at');
SELECT * FROM note;

-- 2. The table has no such column. Then the tombstone stands in the log alone: a deleted row leaves
-- the table, and comes back with what it held.
CREATE TABLE tag(name TEXT PRIMARY KEY, colour TEXT, size INTEGER NOT NULL DEFAULT 1);
SELECT replic_track('tag', '{"mode":"manual"}');
SELECT json_remove(replic_patch('tag', '{"name":"a","colour":"red"}'), '$.at');
SELECT json_remove(replic_patch('tag', '{"name":"a","deletedAt":1767225600000}'), '$.at');
SELECT * FROM tag;
-- What is written to a deleted row is kept, and seen when it comes back.
SELECT json_remove(replic_patch('tag', '{"name":"a","size":3}'), '$.at');
SELECT * FROM tag;
SELECT json_remove(replic_patch('tag', '{"name":"a","deletedAt":null}'), '$.at');
SELECT * FROM tag;
SELECT delta FROM replic_changes WHERE tab = 'tag';
-- To others both kinds look the same: their tables may have the column or not.
SELECT json_remove(message, '$.at') FROM replic_changes WHERE seq IN (2, 5);

-- 3. Stamps decide: an older deletion that comes late does not delete, and a newer one does.
SELECT replic_apply('
  {"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"tag","delta":{"name":"a","deletedAt":1}}
  {"type":10,"at":2000,"peer":2,"seq":2,"ver":1,"tab":"tag","delta":{"name":"b","colour":"blue"}}
  {"type":10,"at":3000,"peer":2,"seq":3,"ver":1,"tab":"tag","delta":{"name":"b","deletedAt":1}}');
SELECT * FROM tag;
-- An older value reaches a deleted row: the row stays deleted.
SELECT replic_apply('
  {"type":10,"at":2500,"peer":3,"seq":1,"ver":1,"tab":"tag","delta":{"name":"b","size":9}}');
SELECT * FROM tag;
SELECT replic_apply('
  {"type":10,"at":4000,"peer":3,"seq":2,"ver":1,"tab":"tag","delta":{"name":"b"},"nulls":["deletedAt"]}');
SELECT * FROM tag;
SELECT * FROM replic_pending;
SELECT * FROM replic_check;

-- A plain DELETE is not noticed, and replic_check tells of it.
DELETE FROM tag WHERE name = 'b';
SELECT * FROM replic_check('tag');
