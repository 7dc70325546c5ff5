.echo on
.nullvalue NULL
.load ./replic
-- Triggers of the application on replicated tables. Here, and where the patches are applied: local
-- tables such as a full-text index are kept up on every peer, and what triggers write to replicated
-- tables happens once, at the origin.
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT, updated_at INTEGER, changes INTEGER DEFAULT 0);
CREATE TABLE total(id INTEGER PRIMARY KEY CHECK (id = 1), notes INTEGER NOT NULL DEFAULT 0);
CREATE VIRTUAL TABLE note_text USING fts5(body, content='note', content_rowid='id');
CREATE TRIGGER text_insert AFTER INSERT ON note BEGIN
  INSERT INTO note_text(rowid, body) VALUES (NEW.id, NEW.body);
END;
CREATE TRIGGER text_delete AFTER DELETE ON note BEGIN
  INSERT INTO note_text(note_text, rowid, body) VALUES ('delete', OLD.id, OLD.body);
END;
CREATE TRIGGER text_update AFTER UPDATE ON note BEGIN
  INSERT INTO note_text(note_text, rowid, body) VALUES ('delete', OLD.id, OLD.body);
  INSERT INTO note_text(rowid, body) VALUES (NEW.id, NEW.body);
END;
CREATE TRIGGER touch AFTER UPDATE OF body ON note BEGIN
  UPDATE note SET updated_at = 77, changes = changes + 1 WHERE id = NEW.id;
END;
CREATE TRIGGER count_up AFTER INSERT ON note BEGIN UPDATE total SET notes = notes + 1; END;
CREATE TRIGGER count_down AFTER DELETE ON note BEGIN UPDATE total SET notes = notes - 1; END;
.echo off
.once schema.sql
SELECT sql || ';' FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'note\_text\_%' ESCAPE '\' AND name NOT LIKE 'sqlite%';
.echo on
SELECT replic_init(1), replic_track('note'), replic_track('total');
INSERT INTO total(id) VALUES (1);
INSERT INTO note(id, body) VALUES (1, 'the quick brown fox'), (2, 'a lazy dog'), (3, 'gone soon');
UPDATE note SET body = 'the quick red fox' WHERE id = 1;
DELETE FROM note WHERE id = 3;
-- replic_patch: the triggers run, and what they write is captured.
SELECT json_remove(replic_patch('note', 'id', 2, 'body', 'a lazy cat'), '$.at');
SELECT * FROM note;
SELECT * FROM total;
SELECT rowid FROM note_text('lazy OR quick');
SELECT seq, tab, json_remove(delta, '$.deletedAt'), json_extract(message, '$.grp') FROM replic_changes;
SELECT * FROM replic_check;
INSERT INTO note_text(note_text) VALUES ('integrity-check');
.echo off
.once note.json
SELECT message FROM replic_changes ORDER BY seq DESC;
.echo on

-- At another peer: the same rows, a right index, and nothing counted twice.
.open other.db
.load ./replic
.echo off
.read schema.sql
.echo on
SELECT replic_init(2), replic_track('note'), replic_track('total');
SELECT replic_apply(readfile('note.json'));
SELECT * FROM note;
SELECT * FROM total;
SELECT rowid FROM note_text('lazy OR quick');
SELECT rowid FROM note_text('brown OR dog OR gone');
INSERT INTO note_text(note_text) VALUES ('integrity-check');
SELECT count(*) FROM replic_changes WHERE peer = 2;
SELECT * FROM replic_pending;
SELECT * FROM replic_check;
-- A trigger that comes after replic_track gets in line at the next call that writes.
CREATE TRIGGER late BEFORE UPDATE ON note BEGIN UPDATE total SET notes = 1000; END;
SELECT replic_refresh();
SELECT replic_apply('{"type":10,"at":' || (replic_now() + 1) || ',"peer":7,"seq":1,"ver":1,"tab":"note","delta":{"id":2,"body":"a lazy bird"}}');
SELECT id, body FROM note;
SELECT * FROM total;

-- Foreign-key actions while applying are ignored as well: the origin sends what they did.
.open first.db
.load ./replic
PRAGMA foreign_keys = ON;
CREATE TABLE author(id INTEGER PRIMARY KEY);
CREATE TABLE book(id INTEGER PRIMARY KEY, author INTEGER REFERENCES author ON DELETE CASCADE);
SELECT replic_init(1), replic_track('author'), replic_track('book');
INSERT INTO author VALUES (1), (2);
INSERT INTO book VALUES (1, 1), (2, 1), (3, 2);
DELETE FROM author WHERE id = 1;
.echo off
.once books.json
SELECT message FROM replic_changes;
.echo on
.open second.db
.load ./replic
PRAGMA foreign_keys = ON;
CREATE TABLE author(id INTEGER PRIMARY KEY);
CREATE TABLE book(id INTEGER PRIMARY KEY, author INTEGER REFERENCES author ON DELETE CASCADE);
SELECT replic_init(2), replic_track('author'), replic_track('book');
SELECT replic_apply(readfile('books.json'));
SELECT * FROM author, book;
SELECT * FROM replic_pending;
SELECT count(*) FROM replic_changes WHERE peer = 2;

-- A BEFORE trigger that writes the row which is being updated: what the update then makes of it is
-- captured, though the AFTER trigger is told of an older one.
CREATE TABLE odd(id TEXT PRIMARY KEY, mark TEXT, n INTEGER);
CREATE TRIGGER odd_clears BEFORE UPDATE ON odd BEGIN UPDATE odd SET mark = NULL WHERE id = 'a'; END;
SELECT replic_track('odd');
INSERT INTO odd VALUES ('a', 'm', 1), ('b', 'm', 1);
UPDATE odd SET mark = 'm' WHERE id = 'a';
SELECT * FROM odd;
SELECT * FROM replic_check;
BEGIN;
UPDATE odd SET mark = 'm', n = n + 1;
UPDATE odd SET n = n + 1 WHERE id = 'b';
COMMIT;
SELECT * FROM odd;
SELECT * FROM replic_check;

-- REPLACE takes away what a BEFORE trigger has just written.
CREATE TABLE mark(id INTEGER PRIMARY KEY, u TEXT UNIQUE, v INTEGER);
CREATE TRIGGER mark_steals BEFORE INSERT ON mark WHEN NEW.v = 7 BEGIN
  UPDATE mark SET u = NEW.u WHERE id = 1;
  INSERT INTO mark VALUES (5, NEW.u || '5', 0);
END;
SELECT replic_track('mark');
INSERT INTO mark VALUES (1, 'b', 1);
INSERT OR REPLACE INTO mark VALUES (4, 'a', 7);
SELECT * FROM mark;
SELECT * FROM replic_check;

-- What replic_patch frees is merged: what a trigger writes to the same row then is ignored.
CREATE TABLE desk(id INTEGER PRIMARY KEY, u TEXT UNIQUE);
CREATE TRIGGER desk_once AFTER UPDATE ON desk BEGIN UPDATE desk SET u = 'X' WHERE id = 1; END;
SELECT replic_track('desk');
INSERT INTO desk VALUES (1, 'a'), (2, 'x');
SELECT replic_apply(json_object('type', 10, 'at', replic_now(), 'peer', 7, 'seq', 1, 'ver', 1,
  'tab', 'desk', 'delta', json_object('id', 1, 'u', 'x')));
SELECT tab, reason FROM replic_pending;
SELECT replic_patch('desk', 'id', 2, 'deletedAt', 5) IS NOT NULL;
SELECT tab, reason FROM replic_pending;
SELECT * FROM desk;
SELECT * FROM replic_check;

-- Temporary triggers run before ours: they may have put back what is told to be gone.
CREATE TEMP TRIGGER back AFTER DELETE ON main.mark BEGIN
  INSERT INTO mark VALUES (OLD.id, OLD.u, 'back');
END;
CREATE TEMP TRIGGER moved AFTER UPDATE OF id ON main.mark WHEN NEW.id = 2 BEGIN
  UPDATE mark SET id = OLD.id WHERE id = NEW.id;
END;
DELETE FROM mark WHERE id = 4;
UPDATE mark SET id = 2 WHERE id = 5;
SELECT * FROM mark;
SELECT * FROM replic_check;
DROP TRIGGER back;
DROP TRIGGER moved;

-- One that ends the statement after the row is written hides the row; it is found, and made good.
CREATE TABLE sign(id INTEGER PRIMARY KEY, v INTEGER);
SELECT replic_track('sign');
INSERT INTO sign VALUES (2, 1), (3, 1);
CREATE TEMP TRIGGER cut_i AFTER INSERT ON main.sign BEGIN SELECT RAISE(IGNORE); END;
CREATE TEMP TRIGGER cut_u AFTER UPDATE ON main.sign BEGIN SELECT RAISE(IGNORE); END;
CREATE TEMP TRIGGER cut_d AFTER DELETE ON main.sign BEGIN SELECT RAISE(IGNORE); END;
INSERT INTO sign VALUES (1, 7);
UPDATE sign SET v = 7 WHERE id = 2;
DELETE FROM sign WHERE id = 3;
SELECT severity, code, detail FROM replic_check;
SELECT replic_track('sign', '{"mode":"manual"}'), replic_track('sign');
SELECT * FROM replic_check;
SELECT count(*) FROM replic_changes WHERE tab = 'sign';
DROP TRIGGER cut_i;
DROP TRIGGER cut_u;
DROP TRIGGER cut_d;
