.echo on
.nullvalue NULL
.load ./replic
-- Errors, as a program meets them. Each says what is wrong and what to do, and changes nothing.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, done INTEGER NOT NULL CHECK(done IN (0, 1)));
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}');

-- Writing.
SELECT replic_patch(NULL, '{"id":1}');
SELECT replic_patch('', '{"id":1}');
SELECT replic_patch('note');
SELECT replic_patch('note', NULL);
SELECT replic_patch('note', 17);
SELECT replic_patch('note', 'id', 1, 'body');
SELECT replic_patch('note', 'id', 1, NULL, 'x');
SELECT replic_patch('note', 'id', 1, 'body', 'x', 'BODY', 'y');
SELECT replic_patch('notes', '{"id":1}');
SELECT replic_patch('sqlite_schema', '{"type":1}');
SELECT replic_patch('note_patches', '{"id":1}');
SELECT replic_patch('note', '{"id":1,"title":"x"}');
SELECT replic_patch('note', '{"body":"x"}');
SELECT replic_patch('note', '{"id":"one","done":0}');
SELECT replic_patch('note', '{"id":1}');
SELECT replic_patch('note', '{"id":1,"done":2}');
SELECT replic_patch('note', '{"id":1,"done":0');
SELECT replic_patch('note', '{"id":1,"done":0} and more');
SELECT replic_patch('note', '{"id":1,"id":2,"done":0}');
SELECT replic_patch('note', '[1]');
SELECT replic_patch('note', '{"id":1,"body":{"text":"x"}}');
SELECT replic_patch('note', '{"id":1,"body":["x"]}');
SELECT replic_patch('note', '');

-- Receiving. Input that is no message changes nothing, also if a good message stands before it.
SELECT replic_apply(17);
SELECT replic_apply();
SELECT replic_apply('not JSON');
SELECT replic_apply('{"type":10}');
SELECT replic_apply('"text"');
SELECT replic_apply('17');
SELECT replic_apply('[[]]');
SELECT replic_apply('{"type":10,"at":1,"peer":2,"seq":0,"ver":1,"tab":"note","delta":{"id":1}}');
SELECT replic_apply('{"type":10,"at":-1,"peer":2,"seq":1,"ver":1,"tab":"note","delta":{"id":1}}');
SELECT replic_apply('{"type":10,"at":1,"peer":9007199254740992,"seq":1,"ver":1,"tab":"note","delta":{"id":1}}');
SELECT replic_apply('{"type":10,"at":1,"peer":2,"seq":1.5,"ver":1,"tab":"note","delta":{"id":1}}');
SELECT replic_apply('{"type":10,"at":1,"peer":2,"seq":"1","ver":1,"tab":"note","delta":{"id":1}}');
SELECT replic_apply('{"type":10,"at":1,"peer":2,"seq":1,"ver":1,"tab":"","delta":{"id":1}}');
SELECT replic_apply('{"type":10,"at":1,"peer":2,"seq":1,"ver":1,"tab":"note","delta":[1]}');
SELECT replic_apply('{"type":10,"at":1,"peer":2,"seq":1,"ver":1,"tab":"note","delta":{"ID":1,"id":2}}');
SELECT replic_apply('{"type":10,"at":1,"peer":2,"seq":1,"ver":1,"tab":"note","delta":{"id":1},"grp":[1]}');
SELECT replic_apply('{"type":30,"peer":2,"minSeq":5,"maxSeq":4,"forPeer":1}');
SELECT replic_apply('
  {"type":10,"at":1,"peer":2,"seq":1,"ver":1,"tab":"note","delta":{"id":1,"done":0}}
  {"type":10,"at":2,"peer":2,"seq":2,"ver":1,"tab":"note"}');
SELECT replic_apply('[' || replace(printf('%040d', 0), '0', '[') || ']');
SELECT replic_apply(printf('{"type":10,"x":"%.*c"}', 17000000, 'x'));
SELECT count(*) FROM note;
SELECT count(*) FROM replic_changes;

-- No errors: nothing to apply, and a type of message that a later version may know.
SELECT replic_apply(NULL), replic_apply(''), replic_apply(x''), replic_apply('  [] ');
SELECT replic_apply('{"type":99,"anything":["goes"]}');
SELECT json_extract(replic_status(), '$.unknownMessages');

-- Where a function must not be used.
CREATE TRIGGER note_copy AFTER INSERT ON note BEGIN
  SELECT replic_patch('note', '{"id":2,"done":0}');
END;
SELECT replic_patch('note', '{"id":1,"done":0}');
DROP TRIGGER note_copy;
CREATE VIEW writer AS SELECT replic_patch('note', '{"id":3,"done":0}');
SELECT * FROM writer;
INSERT INTO replic_gate(op) VALUES (1);
INSERT INTO replic_pending(tab) VALUES ('note');
SELECT replic_option();
SELECT replic_vector(1);
SELECT replic_no_such_function();

-- A table that is changed by others is looked at anew; the error says what no longer fits.
ALTER TABLE note_patches RENAME COLUMN body TO text;
SELECT replic_patch('note', '{"id":4,"body":"x","done":0}');
SELECT * FROM replic_tables;
ALTER TABLE note_patches RENAME COLUMN text TO body;
SELECT replic_patch('note', '{"id":4,"body":"x","done":0}') IS NOT NULL;
DROP TABLE note_patches;
SELECT replic_patch('note', '{"id":5,"done":0}');

-- A log that lacks what it must have.
CREATE TABLE tag(name TEXT PRIMARY KEY, size INTEGER);
CREATE TABLE tag_patches(_patchedAt INTEGER, _sequenceId INTEGER, name TEXT);
SELECT replic_patch('tag', '{"name":"a"}');
DROP TABLE tag_patches;
CREATE TABLE tag_patches(_patchedAt INTEGER, _sequenceId INTEGER, _peerId INTEGER, name TEXT, size TEXT);
SELECT replic_patch('tag', '{"name":"a"}');
SELECT * FROM replic_tables;
DROP TABLE tag_patches;
CREATE VIEW tag_patches AS SELECT 1 AS _patchedAt, 1 AS _sequenceId, 1 AS _peerId, 'a' AS name;
SELECT replic_patch('tag', '{"name":"a"}');
