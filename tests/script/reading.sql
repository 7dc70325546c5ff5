.echo on
.nullvalue NULL
.load ./replic
-- Looking at a database. Before anything is written, all of this is empty and writes nothing.
SELECT replic_peer(), replic_vector(), replic_digest();
SELECT count(*) FROM replic_changes;
SELECT count(*) FROM replic_peers;
SELECT count(*) FROM replic_check;
SELECT json_extract(replic_status(), '$.ok');
SELECT count(*) FROM sqlite_schema;

CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
CREATE TABLE tag(name TEXT PRIMARY KEY);
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}'),
       replic_track('tag', '{"mode":"manual"}');
SELECT replic_option('name', 'kitchen');
SELECT replic_patch('note', '{"id":1,"body":"one"}') IS NOT NULL,
       replic_patch('tag', '{"name":"a"}') IS NOT NULL;

-- Peer 2: its patches 1 and 2 came, 3 and 4 did not, 5 came, and a jump of a thousand million.
SELECT replic_apply('
  {"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"note","delta":{"id":2,"body":"two"}}
  {"type":10,"at":2000,"peer":2,"seq":2,"ver":1,"tab":"note","delta":{"id":2,"body":"two again"}}
  {"type":10,"at":9000,"peer":2,"seq":5,"ver":1,"tab":"tag","delta":{"name":"b"}}
  {"type":10,"at":9500,"peer":2,"seq":1000000005,"ver":1,"tab":"tag","delta":{"name":"c"}}');
-- Peer 3 tells that it has written 7 patches, and how far it has ours: up to 1.
SELECT replic_apply('{"type":20,"at":8192000000,"peer":3,"seq":7,"ver":1,"tab":"_",
                      "delta":{"1":[0,1,0,1,0,0]},"name":"cellar"}');

SELECT replic_vector();
SELECT * FROM replic_missing;
SELECT peer, name, is_self, last_seq, contiguous_seq, missing, acked_seq, lag_ms FROM replic_peers;
SELECT * FROM replic_tables;

-- What a receiver lacks, by its vector; one peer's patches; a range of them.
SELECT peer, seq, tab, delta FROM replic_changes;
SELECT peer, seq FROM replic_changes('{"1":[[1,1]],"2":[[1,5]]}');
SELECT seq FROM replic_changes WHERE peer = 2 AND seq BETWEEN 2 AND 5;
SELECT seq FROM replic_changes WHERE peer = 2 AND seq > 4 ORDER BY seq DESC;
SELECT peer, seq FROM replic_changes WHERE peer > 1 AND seq < 2;
EXPLAIN QUERY PLAN SELECT seq FROM replic_changes('{}') WHERE peer = 2 AND seq >= 4;
SELECT peer FROM replic_changes('nothing');
SELECT peer FROM replic_changes(12);

-- Options are stored in the file.
SELECT * FROM replic_options WHERE name IN ('name', 'max_drift_ms');
SELECT replic_option('max_drift_ms', 1000), replic_option('MAX_DRIFT_MS'), replic_option('name');
SELECT replic_option('speed', 9);
SELECT replic_option('name', 17);

-- The state of this peer, as JSON.
SELECT key, value FROM json_each(replic_status())
 WHERE key IN ('ok', 'peer', 'name', 'ver', 'problems', 'missing', 'received', 'duplicates');
SELECT replic_version() = json_extract(replic_status(), '$.version');

-- The digest of all tables, of one, and of some of its rows. The rows count, not how they came about.
SELECT replic_digest() = replic_digest(NULL), length(replic_digest('note')), replic_digest('note', 3, 9);
SELECT replic_digest('note') <> replic_digest('note', 2),
       replic_digest('note', 1, 2) = replic_digest('note');
SELECT replic_digest('nothing');
SELECT replic_digest(NULL, 1);

-- replic_check finds rows that were changed by a plain write.
UPDATE note SET body = 'changed by hand' WHERE id = 2;
INSERT INTO note VALUES (3, 'not from a patch');
SELECT * FROM replic_check;
SELECT * FROM replic_check('tag');
SELECT * FROM replic_check('nothing');
-- A patch mends the row.
SELECT replic_patch('note', '{"id":2,"body":"two"}') IS NOT NULL,
       replic_patch('note', '{"id":3,"body":"three"}') IS NOT NULL;
SELECT * FROM replic_check;

-- What there is, and how it is called.
SELECT kind, count(*) > 0 FROM replic_help GROUP BY kind;
SELECT usage FROM replic_help WHERE name = 'replic_missing';
SELECT count(*) FROM replic_help WHERE summary = '' OR example = '' OR usage NOT LIKE name || '%';
