-- Two database files write the same row while apart, exchange messages, and show the same row.
-- After that a duplicate and a late message arrive, and change nothing.
--
-- Run it with `make demo`, or in an empty folder that holds replic.so:  sqlite3 < demo.sql
-- The messages are ordinary files, one JSON object a line. Any other way to carry them will do.

.print Two files, phone.db and laptop.db, replicate the same table note(id, body, done).
.open phone.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, done INTEGER NOT NULL DEFAULT 0);
SELECT 'phone is peer', replic_init(1), 'and tracks', replic_track('note', '{"mode":"manual"}');

.open laptop.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, done INTEGER NOT NULL DEFAULT 0);
SELECT 'laptop is peer', replic_init(2), 'and tracks', replic_track('note', '{"mode":"manual"}');

.print
.print While apart, both write note 1. The phone writes twice; each write gives a message to send.
.open phone.db
.load ./replic
.once phone-1.json
SELECT replic_patch('note', '{"id":1,"body":"Buy milk"}');
.once phone-2.json
SELECT replic_patch('note', '{"id":1,"done":1}');
SELECT 'phone', * FROM note;

.print
.print The laptop writes after it, and knows nothing of the phone.
.open laptop.db
.load ./replic
.once laptop-1.json
SELECT replic_patch('note', '{"id":1,"body":"Buy bread"}');
SELECT 'laptop', * FROM note;

.print
.print They exchange their messages, but the first one of the phone is held up on its way.
SELECT 'laptop receives', replic_apply(readfile('phone-2.json'));
SELECT 'laptop', * FROM note;
.open phone.db
.load ./replic
SELECT 'phone receives', replic_apply(readfile('laptop-1.json'));
SELECT 'phone', * FROM note;
.print Both show the same row: each column has the value that was written last.

.print
.print A message comes a second time. Nothing is received, nothing changes.
SELECT 'phone receives', replic_apply(readfile('laptop-1.json'));
SELECT 'phone', * FROM note;

.print
.print The laptop knows which message it lacks: peer, first and last sequence number.
.open laptop.db
.load ./replic
SELECT 'laptop lacks', peer, min_seq, max_seq FROM replic_missing;

.print
.print The late message comes. It is received, and changes nothing: a newer one set its column.
SELECT 'laptop receives', replic_apply(readfile('phone-1.json'));
SELECT 'laptop', * FROM note;

.print
.print Both files have the same content, and nothing is missing, waiting or broken.
SELECT 'laptop', replic_digest(), json_extract(replic_status(), '$.ok'), count(*) FROM replic_check;
.open phone.db
.load ./replic
SELECT 'phone', replic_digest(), json_extract(replic_status(), '$.ok'), count(*) FROM replic_check;
