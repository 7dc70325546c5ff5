.echo on
.nullvalue NULL
.load ./replic
-- Values reach other peers bit by bit. This script sends each message to a second file.
.open here.db
.load ./replic
CREATE TABLE cell(id TEXT PRIMARY KEY, v, i INTEGER, r REAL, t TEXT, n NUMERIC);
SELECT replic_init(1), replic_track('cell', '{"mode":"manual"}');

-- 64-bit integers. Without a point or exponent a number in JSON is an integer, with one a real.
SELECT json_extract(replic_patch('cell', 'id', 'greatest', 'i', 9223372036854775807), '$.delta');
SELECT json_extract(replic_patch('cell', 'id', 'least', 'i', -9223372036854775808), '$.delta');
SELECT json_extract(replic_patch('cell', '{"id":"json","i":9223372036854775807,"v":1.0}'), '$.delta');
-- Reals keep all their bits; also those that JSON has no number for.
SELECT instr(replic_patch('cell', 'id', 'third', 'r', 1.0 / 3, 'v', 0.1 + 0.2), '0.30000000000000004') > 0;
SELECT instr(replic_patch('cell', 'id', 'tiny', 'r', 5e-324, 'v', 1.7976931348623157e308), '5e-324') > 0;
SELECT instr(replic_patch('cell', 'id', 'zero', 'v', -0.0, 'r', 1e15), '-0.0') > 0;
SELECT json_extract(replic_patch('cell', 'id', 'endless', 'r', 9e999, 'v', -9e999), '$.delta');
-- Blobs, the empty one included; text with U+0000, with escapes, and beyond 16 bits.
SELECT json_extract(replic_patch('cell', 'id', 'blob', 'v', x'00ff10'), '$.delta');
SELECT json_extract(replic_patch('cell', 'id', 'empty', 'v', x'', 't', ''), '$.delta');
SELECT json_extract(replic_patch('cell', '{"id":"base64","v":{"base64":"AP8Q"}}'), '$.delta');
SELECT replic_patch('cell', 'id', 'zero byte', 't', 'a' || char(0) || 'b') LIKE '%"a\u0000b"%';
SELECT json_extract(replic_patch('cell', 'id', 'text', 't', '"\/' || char(9, 10, 31, 127, 128512)), '$.delta.t');
-- true and false are 1 and 0. A column's affinity applies before anything is sent.
SELECT json_extract(replic_patch('cell', '{"id":"true","v":true,"i":false}'), '$.delta');
SELECT json_extract(replic_patch('cell', 'id', 'affinity', 'i', '12', 'r', 7, 't', 1.5, 'n', '3.0'), '$.delta');
.echo off
SELECT * FROM replic_check;
.output all.json
SELECT message FROM replic_changes;
.output
.echo on

.open there.db
.load ./replic
CREATE TABLE cell(id TEXT PRIMARY KEY, v, i INTEGER, r REAL, t TEXT, n NUMERIC);
SELECT replic_init(2), replic_track('cell', '{"mode":"manual"}');
SELECT replic_apply(readfile('all.json'));
SELECT id, typeof(v), quote(v), quote(i), quote(r), quote(t), quote(n) FROM cell ORDER BY rowid;
SELECT length(CAST(t AS BLOB)), hex(t) FROM cell WHERE id = 'zero byte';
SELECT id, printf('%!.17g %!.17g', r, v) FROM cell WHERE id IN ('third', 'tiny');
-- The rows are the same, value by value and type by type.
ATTACH 'here.db' AS here;
SELECT count(*), sum(a.v IS b.v AND typeof(a.v) = typeof(b.v) AND a.i IS b.i AND a.r IS b.r AND
                     CAST(a.t AS BLOB) IS CAST(b.t AS BLOB) AND a.n IS b.n)
  FROM main.cell AS a JOIN here.cell AS b USING(id);
SELECT * FROM replic_check;

-- What cannot be kept exactly is refused, with the place where it stands.
SELECT replic_apply('{"type":10,"at":1,"peer":3,"seq":1,"ver":1,"tab":"cell","delta":{"id":"x","v":9223372036854775808}}');
SELECT replic_apply('{"type":10,"at":1,"peer":3,"seq":1,"ver":1,"tab":"cell","delta":{"id":"x","v":1e400}}');
SELECT replic_apply('{"type":10,"at":1,"peer":3,"seq":1,"ver":1,"tab":"cell","delta":{"id":"x","v":NaN}}');
SELECT replic_apply('{"type":10,"at":1,"peer":3,"seq":1,"ver":1,"tab":"cell","delta":{"id":"x","v":{"base64":"A"}}}');
SELECT replic_apply('{"type":10,"at":1,"peer":3,"seq":1,"ver":1,"tab":"cell","delta":{"id":"x","v":[1,2]}}');
SELECT replic_apply('{"type":10,"at":1,"peer":3,"seq":1,"ver":1,"tab":"cell","delta":{"id":"x","t":"\ud800"}}');
SELECT replic_patch('cell', 'id', 'x', 't', CAST(x'ff' AS TEXT));
SELECT replic_apply(CAST('{"type":10,"at":1,"peer":3,"seq":1,"ver":1,"tab":"cell","delta":{"id":"' || x'ff' || '"}}' AS BLOB));
SELECT count(*) FROM cell WHERE id = 'x';
