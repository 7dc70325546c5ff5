.echo on
.nullvalue NULL
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}');

-- Outside a transaction replic_patch returns the message: the patch is committed.
SELECT json_remove(replic_patch('note', '{"id":1,"body":"one"}'), '$.at');

-- Inside one it returns NULL, since all may still be rolled back. After COMMIT the messages are in
-- replic_changes: everything that the receiver of the vector lacks.
CREATE TEMP TABLE sent AS SELECT replic_vector() AS vector;
BEGIN;
SELECT replic_patch('note', '{"id":2,"body":"two"}');
SELECT replic_patch('note', '{"id":2,"body":"two again"}');
INSERT INTO note(id, body) VALUES (100, 'a plain write is in the same transaction');
COMMIT;
SELECT json_remove(message, '$.at') FROM replic_changes((SELECT vector FROM sent));
DELETE FROM note WHERE id = 100;

-- A transaction that is rolled back leaves nothing behind, and no hole in the sequence.
BEGIN;
SELECT replic_patch('note', '{"id":3,"body":"three"}');
SELECT replic_vector();
ROLLBACK;
SELECT replic_vector();
SELECT json_remove(replic_patch('note', '{"id":3,"body":"really three"}'), '$.at');

-- So does a savepoint.
BEGIN;
SELECT replic_patch('note', '{"id":4,"body":"four"}');
SAVEPOINT inner;
SELECT replic_patch('note', '{"id":4,"body":"not four"}');
SELECT replic_apply('
  {"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"note","delta":{"id":5,"body":"five"}}');
SELECT replic_vector();
ROLLBACK TO inner;
SELECT replic_vector();
SELECT replic_patch('note', '{"id":6,"body":"six"}');
RELEASE inner;
COMMIT;
SELECT * FROM note;
SELECT peer, seq, delta FROM replic_changes WHERE seq >= 4;

-- An error undoes the statement that met it, not the transaction.
BEGIN;
SELECT replic_patch('note', '{"id":7,"body":"seven"}');
SELECT replic_patch('note', '{"id":8,"boddy":"eight"}');
SELECT replic_apply('
  {"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"note","delta":{"id":9,"body":"nine"}}
  {"type":10,"at":1000,"peer":2,"seq":2,"ver":1,"tab":"note"}');
COMMIT;
SELECT max(id) FROM note;
SELECT replic_vector();

-- Several patches in one statement. The rows are chosen first: a statement must not read a table and
-- patch it at the same time.
WITH chosen AS MATERIALIZED (SELECT id, body FROM note WHERE id <= 3)
SELECT json_remove(replic_patch('note', 'id', id, 'body', upper(body)), '$.at') FROM chosen;
SELECT * FROM note;

-- Under a running write statement nothing is committed either: NULL.
CREATE TABLE outbox(message TEXT);
INSERT INTO outbox SELECT replic_patch('note', '{"id":9,"body":"nine"}');
SELECT * FROM outbox;

-- last_insert_rowid() is the program's own, and stays as it was.
CREATE TABLE local(id INTEGER PRIMARY KEY, x);
INSERT INTO local(id) VALUES (41), (42);
SELECT last_insert_rowid();
SELECT replic_patch('note', '{"id":10,"body":"ten"}') IS NOT NULL;
SELECT last_insert_rowid();

-- A connection that may not write: reading goes on.
PRAGMA query_only = on;
SELECT replic_patch('note', '{"id":11}');
SELECT replic_vector();
PRAGMA query_only = off;
SELECT * FROM replic_check;
