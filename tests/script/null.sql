.echo on
.nullvalue NULL
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, due TEXT);
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}');

-- Locally, a JSON null and an SQL NULL set the column to NULL. The message lists such columns.
SELECT json_remove(replic_patch('note', '{"id":1,"body":"Buy bread","due":"Monday"}'), '$.at');
SELECT json_remove(replic_patch('note', '{"id":1,"due":null}'), '$.at');
SELECT json_remove(replic_patch('note', 'id', 1, 'body', NULL), '$.at');
SELECT * FROM note;
SELECT id, body, due, _nulls FROM note_patches;
SELECT delta FROM replic_changes;

-- In a message a null in the delta means "not in this patch"; "nulls" sets NULL. A NULL has a stamp
-- as any other value: here it is newer than "Tuesday", and older than "Sunday".
SELECT replic_apply('{"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"note",
                      "delta":{"id":2,"body":"Call Eve","due":"Tuesday"}}');
SELECT replic_apply('{"type":10,"at":2000,"peer":2,"seq":2,"ver":1,"tab":"note",
                      "delta":{"id":2,"body":null},"nulls":["due"]}');
SELECT * FROM note WHERE id = 2;
SELECT replic_apply('{"type":10,"at":1500,"peer":3,"seq":1,"ver":1,"tab":"note",
                      "delta":{"id":2,"due":"Friday"}}');
SELECT * FROM note WHERE id = 2;
SELECT replic_apply('{"type":10,"at":3000,"peer":3,"seq":2,"ver":1,"tab":"note",
                      "delta":{"id":2,"due":"Sunday"}}');
SELECT * FROM note WHERE id = 2;

-- A column cannot be both set and set to NULL. A key cannot be NULL: locally an error; what comes
-- from a peer, whose table may have another key, is kept.
SELECT replic_apply('{"type":10,"at":4000,"peer":3,"seq":3,"ver":1,"tab":"note",
                      "delta":{"id":2,"due":"x"},"nulls":["due"]}');
SELECT replic_apply('{"type":10,"at":4000,"peer":5,"seq":1,"ver":1,"tab":"note",
                      "delta":{"body":"x"},"nulls":["id"]}');
SELECT peer, delta, reason, detail FROM replic_pending;
SELECT replic_patch('note', '{"id":null,"body":"x"}');

-- A log made by hand may lack the column _nulls. A NULL from elsewhere then waits until it is there.
CREATE TABLE tag(name TEXT PRIMARY KEY, colour TEXT, size INTEGER);
CREATE TABLE tag_patches(_patchedAt INTEGER NOT NULL, _sequenceId INTEGER NOT NULL,
                         _peerId INTEGER NOT NULL, name TEXT, colour TEXT, size INTEGER);
SELECT replic_apply('{"type":10,"at":5000,"peer":3,"seq":3,"ver":1,"tab":"tag",
                      "delta":{"name":"a","colour":"red","size":1}}');
SELECT replic_apply('{"type":10,"at":6000,"peer":3,"seq":4,"ver":1,"tab":"tag",
                      "delta":{"name":"a","size":2},"nulls":["colour"]}');
SELECT * FROM tag;
SELECT tab, peer, seq, delta, reason, detail FROM replic_pending WHERE tab = 'tag';
SELECT replic_track('tag', '{"mode":"manual"}');
SELECT * FROM tag;
SELECT * FROM replic_pending WHERE tab = 'tag';
SELECT * FROM replic_check;
