.echo on
.nullvalue NULL
.load ./replic
-- A clock value holds milliseconds since 2025-01-01T00:00Z times 2^13, plus a counter.
SELECT replic_at_from_ms(1735689600000), replic_at_from_ms(1735689600001);
SELECT replic_at_to_ms(0), replic_at_to_ms(8191), replic_at_to_ms(8192),
       replic_at_to_ms(9007199254740991);
SELECT datetime(replic_at_to_ms(replic_at_from_ms(1767225600000)) / 1000, 'unixepoch');
SELECT replic_at_from_ms(NULL), replic_at_to_ms(NULL);
SELECT replic_at_from_ms(1735689599999);
SELECT replic_at_from_ms(2835201227776);
SELECT replic_at_to_ms(-1);
SELECT replic_at_to_ms(9007199254740992);
SELECT replic_at_to_ms('now');

-- replic_now() is the stamp that a write would get now; reading it moves nothing.
SELECT abs(replic_at_to_ms(replic_now()) / 1000 - strftime('%s', 'now')) < 5;

-- Local stamps never fall, and rise above every stamp that came from another peer. Here peer 9 is a
-- minute ahead, which is within max_drift_ms.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}');
CREATE TEMP TABLE ahead AS SELECT replic_at_from_ms(strftime('%s', 'now') * 1000 + 60000) AS at;
SELECT replic_apply(json_object('type', 10, 'at', at, 'peer', 9, 'seq', 1, 'ver', 1, 'tab', 'note',
                                'delta', json_object('id', 1, 'body', 'from the future'))) FROM ahead;
SELECT replic_now() - at FROM ahead;
SELECT json_extract(replic_patch('note', '{"id":1,"body":"first"}'), '$.at') - at FROM ahead;
SELECT json_extract(replic_patch('note', '{"id":1,"body":"second"}'), '$.at') - at FROM ahead;
SELECT * FROM note;
-- Two peers wrote at the same clock value: the greater peer id decides, on every peer.
SELECT replic_apply(json_object('type', 10, 'at', at + 1, 'peer', 9, 'seq', 2, 'ver', 1, 'tab', 'note',
                                'delta', json_object('id', 1, 'body', 'peer 9'))) FROM ahead;
SELECT * FROM note;
SELECT json_extract(replic_patch('note', '{"id":1,"body":"third"}'), '$.at') - at FROM ahead;
SELECT * FROM note;

-- Too far ahead: the patch waits, and local stamps do not follow it.
SELECT replic_apply(json_object('type', 10, 'at', at + 8192 * 3600000, 'peer', 9, 'seq', 3, 'ver', 1,
                                'tab', 'note', 'delta', json_object('id', 1, 'body', 'in an hour')))
  FROM ahead;
SELECT replic_now() < at + 8192 * 3600000 FROM ahead;
SELECT reason FROM replic_pending;
SELECT * FROM replic_check;
