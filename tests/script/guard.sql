.echo on
.nullvalue NULL
.load ./replic
-- Mode guard: the table is written by replic_patch and by what others send; plain SQL is refused.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE log(what TEXT);
INSERT INTO note VALUES (1, 'before');
SELECT replic_init(1), replic_track('note', '{"mode":"guard"}');
SELECT tab, mode, patches FROM replic_tables;
INSERT INTO note VALUES (2, 'plain');
UPDATE note SET body = 'plain' WHERE id = 1;
UPDATE note SET body = 'plain' WHERE id = 99;
DELETE FROM note;
INSERT OR REPLACE INTO note VALUES (1, 'plain');
SELECT * FROM note;
SELECT json_remove(replic_patch('note', 'id', 2, 'body', 'patched'), '$.at');
SELECT replic_apply('{"type":10,"at":1000,"peer":7,"seq":1,"ver":1,"tab":"note","delta":{"id":3,"body":"of another"}}');
SELECT json_remove(replic_patch('note', 'id', 2, 'deletedAt', 1767225600000), '$.at');
SELECT * FROM note;
-- Nor may a trigger write to it by the way.
CREATE TRIGGER sneak AFTER INSERT ON log BEGIN UPDATE note SET body = NEW.what; END;
INSERT INTO log VALUES ('x');
CREATE TRIGGER meddle AFTER UPDATE ON note BEGIN UPDATE note SET body = 'meddled' WHERE id = NEW.id; END;
SELECT replic_patch('note', 'id', 1, 'body', 'by patch');
-- What others sent comes whole, and the trigger is ignored: see triggers.sql.
SELECT replic_apply('{"type":10,"at":1001,"peer":7,"seq":2,"ver":1,"tab":"note","delta":{"id":3,"body":"again"}}');
SELECT * FROM note;
-- Other modes.
DROP TRIGGER meddle;
SELECT replic_track('note', '{"mode":"manual"}');
SELECT count(*) FROM sqlite_schema WHERE name LIKE '\_replic\_%' ESCAPE '\' AND type = 'trigger';
INSERT INTO note VALUES (4, 'manual');
SELECT code, detail FROM replic_check;
SELECT replic_track('note');
INSERT INTO log VALUES ('y');
SELECT seq, delta FROM replic_changes WHERE peer = 1 AND seq > 3;
SELECT * FROM replic_check;
SELECT replic_track('note', '{"mode":"guard"}');
DELETE FROM note WHERE id = 4;
SELECT mode FROM replic_tables;
