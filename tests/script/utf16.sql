.echo on
.nullvalue NULL
-- A database in UTF-16 takes and gives the same messages as one in UTF-8.
.open narrow.db
.load ./replic
CREATE TABLE 城市(名 TEXT COLLATE NOCASE PRIMARY KEY, note TEXT);
SELECT replic_init(1), replic_track('城市', '{"mode":"manual"}');
SELECT json_remove(replic_patch('城市', '{"名":"Zürich","note":"grüezi 😀"}'), '$.at');
SELECT json_remove(replic_patch('城市', '名', '東京', 'note', 'a' || char(0) || 'ü'), '$.at');
-- (The shell's echo is switched off where output goes to a file, or it would be in the file too.)
.echo off
.once narrow.json
SELECT message FROM replic_changes;
.echo on
SELECT replic_digest();

.open wide.db
.load ./replic
PRAGMA encoding = 'UTF-16le';
CREATE TABLE 城市(名 TEXT COLLATE NOCASE PRIMARY KEY, note TEXT);
SELECT replic_init(2), replic_track('城市', '{"mode":"manual"}');
PRAGMA encoding;
SELECT replic_apply(readfile('narrow.json'));
SELECT 名, note, length(CAST(note AS BLOB)) FROM 城市 ORDER BY rowid;
SELECT json_remove(replic_patch('城市', '{"名":"ZÜRICH"}'), '$.at');
SELECT json_remove(replic_patch('城市', '{"名":"zürich","note":"hoi"}'), '$.at');
SELECT 名, note FROM 城市 ORDER BY rowid;
SELECT delta FROM replic_changes;
SELECT * FROM replic_check;
.echo off
.once wide.json
SELECT message FROM replic_changes WHERE peer = 2;
.echo on
SELECT replic_digest();

.open narrow.db
.load ./replic
SELECT replic_apply(readfile('wide.json'));
SELECT 名, note FROM 城市 ORDER BY rowid;
SELECT * FROM replic_check;
SELECT replic_digest();
