.echo on
.nullvalue NULL
.load ./replic
-- Every database file writes under its own peer id, a positive whole number up to 2^53-1.
SELECT replic_peer();
-- A random one, when none is given; the first function that writes takes it, if it has to.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_track('note', '{"mode":"manual"}');
SELECT replic_peer() BETWEEN 1 AND 9007199254740991, replic_init() = replic_peer();
-- It can be chosen only at first. Later, replic_fork takes another one, and the former stays known.
SELECT replic_fork(17);
SELECT replic_init(17), replic_peer();
SELECT replic_fork(17);
SELECT replic_init(0);
SELECT replic_init(9007199254740992);
SELECT replic_init('a');
SELECT replic_patch('note', '{"id":1,"body":"by 17"}') IS NOT NULL;
SELECT replic_fork(18);
SELECT json_remove(replic_patch('note', '{"id":1,"body":"by 18"}'), '$.at');
SELECT replic_init(17), replic_init(18);
SELECT peer, is_self, last_seq FROM replic_peers WHERE peer IN (17, 18);
SELECT peer, seq, delta FROM replic_changes;

-- A patch of our own that comes back is a duplicate.
SELECT replic_apply(message) FROM replic_changes WHERE peer = 18;

-- A patch of our own id that we never wrote: this file is a copy, or came from a backup. It is
-- accepted, and from then on this database writes under a new id, so that no number is used twice.
SELECT replic_apply('
  {"type":10,"at":5000,"peer":18,"seq":2,"ver":1,"tab":"note","delta":{"id":2,"body":"by the other 18"}}');
SELECT replic_peer() <> 18;
SELECT * FROM note;
SELECT json_extract(replic_patch('note', '{"id":3}'), '$.seq');
SELECT json_extract(value, '$.code'), json_extract(value, '$.cure')
  FROM json_each(replic_status(), '$.problems');

-- Another patch under a number of ours: one of the two wins on every peer, and is kept under that
-- number. What the other says is written again under the new id, with its old clock value.
SELECT replic_apply('
  {"type":10,"at":6000,"peer":17,"seq":1,"ver":1,"tab":"note","delta":{"id":4,"body":"by the other 17"}}');
SELECT * FROM note;
SELECT peer, seq, delta, reason FROM replic_pending;
SELECT seq, at, delta FROM replic_changes WHERE peer = replic_peer() AND seq > 1;
SELECT * FROM replic_check;
