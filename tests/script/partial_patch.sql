.echo on
.nullvalue NULL
.load ./replic
-- A patch names some columns only. On a table with NOT NULL columns a new row needs them all; a row
-- that is there does not.
CREATE TABLE person(
  id INTEGER PRIMARY KEY, name TEXT NOT NULL, mail TEXT NOT NULL, phone TEXT,
  active INTEGER NOT NULL DEFAULT 1, added TEXT NOT NULL DEFAULT (date('2026-01-01')));
SELECT replic_init(1), replic_track('person', '{"mode":"manual"}');

-- A local patch that leaves out what has no default is refused, and nothing is stored.
SELECT replic_patch('person', '{"id":1,"name":"Ada"}');
SELECT count(*) FROM replic_changes;

-- A constant DEFAULT need not be sent: all peers have it in their schema. A DEFAULT that is an
-- expression is evaluated here and sent along, since it might give another value elsewhere.
SELECT json_remove(replic_patch('person', '{"id":1,"name":"Ada","mail":"ada@example.org"}'), '$.at');
SELECT json_remove(replic_patch('person', '{"id":1,"phone":"555"}'), '$.at');
SELECT * FROM person;

-- Two peers each know a part of a new row. The parts wait until they are a whole row together.
SELECT replic_apply('{"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"person",
                      "delta":{"id":2,"name":"Bob","added":"2025-12-31"}}');
SELECT replic_apply('{"type":10,"at":3000,"peer":3,"seq":1,"ver":1,"tab":"person",
                      "delta":{"id":2,"phone":"777"}}');
SELECT * FROM person WHERE id = 2;
SELECT peer, seq, delta, reason, detail FROM replic_pending;
SELECT replic_apply('{"type":10,"at":2000,"peer":4,"seq":1,"ver":1,"tab":"person",
                      "delta":{"id":2,"mail":"bob@example.org"}}');
SELECT * FROM person WHERE id = 2;
SELECT * FROM replic_pending;

-- A patch of the key alone makes the row exist, where nothing else is needed.
CREATE TABLE tag(name TEXT PRIMARY KEY, colour TEXT DEFAULT 'grey') WITHOUT ROWID;
SELECT replic_track('tag', '{"mode":"manual"}');
SELECT json_remove(replic_patch('tag', '{"name":"new"}'), '$.at');
SELECT * FROM tag;

-- NOT NULL holds for later patches too; here from this peer, then from another.
SELECT replic_patch('person', '{"id":1,"mail":null}');
SELECT replic_apply('{"type":10,"at":4000,"peer":2,"seq":2,"ver":1,"tab":"person",
                      "delta":{"id":2},"nulls":["mail"]}');
SELECT peer, seq, delta, reason, detail FROM replic_pending;
SELECT * FROM person;
SELECT * FROM replic_check;
