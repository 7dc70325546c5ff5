.echo on
.nullvalue NULL
.load ./replic
-- A table is replicated when a log stands beside it: an ordinary table of the same name with _patches
-- at its end. Both may come from your own migrations. No other call is needed.
CREATE TABLE myTable (
  id            INTEGER NOT NULL,
  tenantId      INTEGER NOT NULL,
  name          TEXT,
  deletedAt     INTEGER,

  PRIMARY KEY (id, tenantId)
) STRICT;
CREATE TABLE myTable_patches (
  _patchedAt    INTEGER  NOT NULL,
  _sequenceId   INTEGER  NOT NULL,
  _peerId       INTEGER  NOT NULL,

  id            INTEGER NOT NULL,
  tenantId      INTEGER NOT NULL,
  name          TEXT,
  deletedAt     INTEGER
) STRICT;

-- Without an identity of its own the database takes a random one at the first write. Here it is 1.
SELECT replic_peer();
SELECT replic_init(1);

-- A local write: the whole key, and some columns. It gives the message for the others; its clock
-- value is left out here, since it differs from run to run.
SELECT json_remove(replic_patch('myTable', '{"id":1,"tenantId":7,"name":"Ada"}'), '$.at');
SELECT json_remove(replic_patch('myTable', 'id', 2, 'tenantId', 7, 'name', 'Bob'), '$.at');
SELECT * FROM myTable;

-- The same change is in the log.
SELECT _sequenceId, _peerId, id, tenantId, name, deletedAt FROM myTable_patches;

-- A message of another peer. Its clock value is small: it was written long before.
SELECT replic_apply('{"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"myTable",
                      "delta":{"id":3,"tenantId":7,"name":"Eve"}}');
-- An older patch of a row that has a newer one: what the newer one set stays.
SELECT replic_apply('{"type":10,"at":2000,"peer":2,"seq":2,"ver":1,"tab":"myTable",
                      "delta":{"id":1,"tenantId":7,"name":"Ada Lovelace","deletedAt":5}}');
SELECT * FROM myTable ORDER BY id;

-- The same message again is not received a second time.
SELECT replic_apply('{"type":10,"at":2000,"peer":2,"seq":2,"ver":1,"tab":"myTable",
                      "delta":{"id":1,"tenantId":7,"name":"Ada Lovelace","deletedAt":5}}');

-- Deleting is a patch that sets deletedAt; the row stays.
SELECT json_remove(replic_patch('myTable', '{"id":2,"tenantId":7,"deletedAt":1767225600000}'), '$.at');
SELECT id, name FROM myTable WHERE deletedAt IS NULL;

-- What is here, by peer and sequence number; and everything is in order.
SELECT replic_vector();
SELECT peer, seq, tab, delta, reason FROM replic_changes;
SELECT * FROM replic_check;
SELECT * FROM replic_tables;

-- The first write has added two indexes to the log.
SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = 'myTable_patches';

-- This log cannot say that a column is set to NULL. replic_track adds what it lacks.
SELECT replic_patch('myTable', '{"id":1,"tenantId":7,"name":null}');
SELECT replic_track('myTable', '{"mode":"manual"}');
SELECT json_remove(replic_patch('myTable', '{"id":1,"tenantId":7,"name":null}'), '$.at');
SELECT * FROM myTable ORDER BY id;
