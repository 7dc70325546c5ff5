.echo on
.nullvalue NULL
.load ./replic
-- What is received and cannot be shown is parked: kept, listed with the reason, sent on to others,
-- and merged when the reason goes away.

-- 1. A constraint. The patch of peer 2 breaks the CHECK; nothing else is held up by it.
CREATE TABLE item(id INTEGER PRIMARY KEY, low INTEGER, high INTEGER, CHECK(low <= high));
SELECT replic_init(1), replic_track('item', '{"mode":"manual"}');
SELECT replic_apply('
  {"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"item","delta":{"id":1,"low":1,"high":5}}
  {"type":10,"at":2000,"peer":2,"seq":2,"ver":1,"tab":"item","delta":{"id":1,"low":9}}
  {"type":10,"at":3000,"peer":2,"seq":3,"ver":1,"tab":"item","delta":{"id":2,"low":3}}');
SELECT * FROM item;
SELECT tab, peer, seq, delta, reason, detail FROM replic_pending;
SELECT seq, delta, reason FROM replic_changes;

-- Locally the same is an error.
SELECT replic_patch('item', '{"id":1,"low":9}');

-- Another patch of the row makes room: what waited is merged in the same step.
SELECT replic_apply('
  {"type":10,"at":2500,"peer":3,"seq":1,"ver":1,"tab":"item","delta":{"id":1,"high":10}}');
SELECT * FROM item WHERE id = 1;
SELECT * FROM replic_pending;

-- Stamps decide, not the order of arrival. A patch that was written earlier and comes later stands
-- before the others: item 2 has high = 2 from then on, so the later low = 3 has to wait now.
SELECT replic_apply('
  {"type":10,"at":1200,"peer":4,"seq":1,"ver":1,"tab":"item","delta":{"id":2,"high":2}}');
SELECT * FROM item WHERE id = 2;
SELECT peer, seq, delta, reason FROM replic_pending;
SELECT replic_apply('
  {"type":10,"at":3500,"peer":4,"seq":2,"ver":1,"tab":"item","delta":{"id":2,"high":7}}');
SELECT * FROM item WHERE id = 2;

-- 2. The schema. A table and a column that are not known here.
SELECT replic_apply('
  {"type":10,"at":4000,"peer":2,"seq":4,"ver":2,"tab":"item","delta":{"id":1,"unit":"kg","high":11}}
  {"type":10,"at":5000,"peer":2,"seq":5,"ver":2,"tab":"shelf","delta":{"id":1,"name":"A"}}');
-- The known part is merged. To others the patch goes whole.
SELECT * FROM item WHERE id = 1;
SELECT tab, peer, seq, ver, delta, reason, detail FROM replic_pending;
SELECT message FROM replic_changes WHERE peer = 2 AND seq >= 4;
-- When the schema is there, the next write merges them under their own stamps; or replic_retry().
ALTER TABLE item ADD COLUMN unit TEXT;
ALTER TABLE item_patches ADD COLUMN unit TEXT;
CREATE TABLE shelf(id INTEGER PRIMARY KEY, name TEXT);
SELECT replic_retry();
SELECT * FROM item WHERE id = 1;
SELECT replic_track('shelf', '{"mode":"manual"}');
SELECT * FROM shelf;
SELECT * FROM replic_pending;

-- 3. The clock. A patch whose clock is too far ahead of this machine's neither shows nor moves our
-- clock; it is merged when its time has come. The option max_drift_ms says how far is too far.
SELECT replic_option('max_drift_ms');
SELECT replic_apply('
  {"type":10,"at":9007199254740000,"peer":2,"seq":6,"ver":1,"tab":"shelf","delta":{"id":1,"name":"Z"}}');
SELECT replic_apply(json_object('type', 10, 'at', replic_now() + 8192 * 3600000, 'peer', 2, 'seq', 7,
  'ver', 1, 'tab', 'shelf', 'delta', json('{"id":2,"name":"in an hour"}')));
SELECT seq, delta, reason, detail FROM replic_pending;
SELECT * FROM shelf;
SELECT replic_retry();
SELECT replic_option('max_drift_ms', 7200000);
SELECT * FROM shelf;
SELECT seq, delta, reason FROM replic_pending;
SELECT replic_option('max_drift_ms', -1);

-- 4. The identity. Two patches with one peer and sequence number but other contents: a file was
-- copied, and both copies wrote. One wins on every peer; the other is kept.
SELECT replic_apply('
  {"type":10,"at":6000,"peer":5,"seq":1,"ver":1,"tab":"shelf","delta":{"id":3,"name":"first"}}
  {"type":10,"at":7000,"peer":5,"seq":1,"ver":1,"tab":"shelf","delta":{"id":4,"name":"second"}}');
SELECT * FROM shelf;
SELECT tab, peer, seq, delta, reason, detail FROM replic_pending WHERE reason = 'identity';
SELECT code, detail, cure FROM (
  SELECT json_extract(value, '$.code') AS code, json_extract(value, '$.detail') AS detail,
         json_extract(value, '$.cure') AS cure
    FROM json_each(replic_status(), '$.problems'));
SELECT * FROM replic_check;
