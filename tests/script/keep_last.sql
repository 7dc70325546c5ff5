.echo on
.nullvalue NULL
.load ./replic
-- keep_last(value, at, peer, seq) folds a log: the value with the greatest stamp, NULLs left out.
CREATE TABLE log(id INTEGER, at INTEGER, peer INTEGER, seq INTEGER, name TEXT, size INTEGER);
INSERT INTO log VALUES
  (1, 300, 1, 3, NULL, 7), (1, 100, 1, 1, 'first', 5), (1, 200, 1, 2, 'second', NULL),
  (2, 200, 3, 1, 'peer 3', 2), (2, 200, 2, 9, 'peer 2', 1),
  (3, 100, 1, 4, 'seq 4', 1), (3, 100, 1, 5, 'seq 5', 1),
  (4, 100, 1, 6, NULL, NULL);
SELECT id, keep_last(name, at, peer, seq), keep_last(size, at, peer, seq) FROM log GROUP BY id;
-- In whatever order the rows come.
SELECT id, keep_last(name, at, peer, seq) FROM (SELECT * FROM log ORDER BY at DESC, seq) GROUP BY id;
-- As a window function: how a row came to be, and the last two values only.
SELECT at, name, keep_last(name, at, peer, seq) OVER (ORDER BY at),
       keep_last(name, at, peer, seq) OVER (ORDER BY at ROWS 1 PRECEDING)
  FROM log WHERE id = 1;
-- Values of all types; nothing at all; wrong arguments.
SELECT quote(keep_last(value, 1, 1, key)) FROM json_each('[1, 2.5, "x"]');
SELECT quote(keep_last(x'0102', 1, 1, 1)), keep_last(1, 2, 3, 4) FROM log WHERE 0;
SELECT keep_last(name, 'now', peer, seq) FROM log;
SELECT keep_last(name, at) FROM log;

-- On a real log it gives what the table shows.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, done INTEGER);
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}');
SELECT replic_apply('
  {"type":10,"at":2000,"peer":2,"seq":1,"ver":1,"tab":"note","delta":{"id":1,"body":"late"}}
  {"type":10,"at":1000,"peer":2,"seq":2,"ver":1,"tab":"note","delta":{"id":1,"body":"early","done":1}}');
SELECT * FROM note;
SELECT id, keep_last(body, _patchedAt, _peerId, _sequenceId),
       keep_last(done, _patchedAt, _peerId, _sequenceId)
  FROM note_patches GROUP BY id;
