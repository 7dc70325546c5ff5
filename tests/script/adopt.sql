.echo on
.nullvalue NULL
-- A database that has been replicated by other means: table, log and patches are there already.
CREATE TABLE task(id INTEGER PRIMARY KEY, title TEXT, deletedAt INTEGER);
CREATE TABLE task_patches(
  _patchedAt INTEGER NOT NULL, _sequenceId INTEGER NOT NULL, _peerId INTEGER NOT NULL,
  id INTEGER NOT NULL, title TEXT, deletedAt INTEGER);
INSERT INTO task VALUES (1, 'one', NULL), (2, 'two', 5);
INSERT INTO task_patches VALUES
  (1000, 1, 17, 1, 'one', NULL), (2000, 2, 17, 2, 'two', NULL), (3000, 3, 4, 2, NULL, 5);
.load ./replic

-- The first use takes over what the log holds. Peer 17 goes on with its own sequence.
SELECT replic_init(17);
SELECT peer, seq, at, delta FROM replic_changes;
SELECT replic_vector();
SELECT peer, min_seq, max_seq FROM replic_missing;
SELECT json_extract(replic_patch('task', '{"id":1,"title":"one again"}'), '$.seq');
SELECT * FROM task;
-- Patches that are here already are duplicates, and older ones change nothing.
SELECT replic_apply('
  {"type":10,"at":1000,"peer":17,"seq":1,"ver":1,"tab":"task","delta":{"id":1,"title":"one"}}
  {"type":10,"at":3000,"peer":4,"seq":3,"ver":1,"tab":"task","delta":{"id":2,"deletedAt":5}}
  {"type":10,"at":500,"peer":4,"seq":1,"ver":1,"tab":"task","delta":{"id":2,"title":"first title"}}');
SELECT * FROM task;
SELECT * FROM replic_check;
