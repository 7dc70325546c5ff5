.nullvalue NULL
.open here.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}');
SELECT count(replic_patch('note', 'id', value, 'body', 'note | "' || value || '"'))
  FROM json_each('[1,2,3,4]');
.once messages.json
SELECT message FROM replic_changes;
.echo on
-- A file of messages, one a line, comes in by any of three doors.

-- 1. As a whole: replic_apply takes what a file holds.
.open one.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(2), replic_track('note', '{"mode":"manual"}');
SELECT replic_apply(readfile('messages.json'));
SELECT * FROM note;

-- 2. Line by line: .import into a table, and from there. The separators make each line one field.
.open two.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(3), replic_track('note', '{"mode":"manual"}');
CREATE TEMP TABLE inbox(message);
.mode ascii
.separator "\037" "\n"
.import messages.json inbox
.mode list
INSERT INTO replic_changes(message) SELECT message FROM inbox;
SELECT * FROM note;

-- 3. Straight .import into replic_changes. The shell warns for each line that there are more columns.
.open three.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(4), replic_track('note', '{"mode":"manual"}');
.mode ascii
.separator "\037" "\n"
.import messages.json replic_changes
.mode list
SELECT * FROM note;
SELECT replic_vector();

-- An INSERT takes several messages in one value, a blob, NULL; and refuses anything else.
INSERT INTO replic_changes(message) VALUES ('
  {"type":10,"at":1000,"peer":9,"seq":1,"ver":1,"tab":"note","delta":{"id":91,"body":"a"}}
  {"type":10,"at":2000,"peer":9,"seq":2,"ver":1,"tab":"note","delta":{"id":92,"body":"b"}}');
INSERT INTO replic_changes(message) VALUES (CAST('
  {"type":10,"at":3000,"peer":9,"seq":3,"ver":1,"tab":"note","delta":{"id":93,"body":"c"}}' AS BLOB));
INSERT INTO replic_changes(message) VALUES (NULL), ('');
INSERT INTO replic_changes(message) VALUES (17);
INSERT INTO replic_changes(message, peer) VALUES ('{}', 5);
INSERT INTO replic_changes(peer, seq) VALUES (5, 1);
SELECT peer, count(*) FROM replic_changes GROUP BY peer;
-- One bad message undoes its whole statement.
INSERT INTO replic_changes(message) VALUES
  ('{"type":10,"at":4000,"peer":9,"seq":4,"ver":1,"tab":"note","delta":{"id":94,"body":"d"}}'), ('{}');
SELECT peer, count(*) FROM replic_changes GROUP BY peer;
UPDATE replic_changes SET message = NULL;
DELETE FROM replic_changes;
SELECT * FROM replic_check;
