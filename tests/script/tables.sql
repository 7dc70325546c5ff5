.echo on
.nullvalue NULL
.load ./replic
-- All kinds of tables can be replicated. Each gets patches of this peer and of another one.
SELECT replic_init(1);

-- WITHOUT ROWID, STRICT, with a composite key in another order than the columns.
CREATE TABLE price(
  cents INT NOT NULL DEFAULT 0, shop TEXT NOT NULL, item INT NOT NULL, note ANY,
  PRIMARY KEY(item, shop)) STRICT, WITHOUT ROWID;
SELECT replic_track('price', '{"mode":"manual"}');
SELECT json_remove(replic_patch('price', '{"shop":"A","item":1,"cents":250,"note":"x"}'), '$.at');
SELECT replic_apply('
  {"type":10,"at":1000,"peer":2,"seq":1,"ver":1,"tab":"price","delta":{"item":1,"shop":"A","cents":1}}
  {"type":10,"at":2000,"peer":2,"seq":2,"ver":1,"tab":"price","delta":{"item":2,"shop":"A","note":1.5}}');
SELECT * FROM price;
-- STRICT refuses a value of another type: here with an error, from a peer by parking it.
SELECT replic_patch('price', '{"shop":"A","item":1,"cents":"much"}');
SELECT replic_apply('
  {"type":10,"at":3000,"peer":2,"seq":3,"ver":1,"tab":"price","delta":{"item":2,"shop":"A","cents":"much"}}');
SELECT peer, seq, delta, reason, detail FROM replic_pending;
SELECT replic_apply('
  {"type":10,"at":4000,"peer":2,"seq":4,"ver":1,"tab":"price","delta":{"item":2,"shop":"A","cents":"75"}}');
SELECT * FROM price;

-- A key that compares NOCASE: one row, in the spelling of the newest patch.
CREATE TABLE city(name TEXT COLLATE NOCASE PRIMARY KEY, people INTEGER);
SELECT replic_track('city', '{"mode":"manual"}');
SELECT replic_apply('
  {"type":10,"at":1000,"peer":3,"seq":1,"ver":1,"tab":"city","delta":{"name":"oslo","people":1}}
  {"type":10,"at":3000,"peer":3,"seq":2,"ver":1,"tab":"city","delta":{"name":"OSLO"}}
  {"type":10,"at":2000,"peer":3,"seq":3,"ver":1,"tab":"city","delta":{"name":"Oslo","people":700000}}');
SELECT * FROM city;

-- Generated columns are computed on every peer, and are no part of a patch.
CREATE TABLE box(id INTEGER PRIMARY KEY, w REAL, h REAL, area REAL AS (w * h),
                 label TEXT AS ('#' || id) STORED);
SELECT replic_track('box', '{"mode":"manual"}');
SELECT json_remove(replic_patch('box', '{"id":1,"w":2,"h":1.5}'), '$.at');
SELECT * FROM box;
SELECT replic_patch('box', '{"id":1,"area":7}');
SELECT replic_apply('
  {"type":10,"at":1000,"peer":4,"seq":1,"ver":1,"tab":"box","delta":{"id":2,"w":3,"h":3,"area":9}}');
SELECT * FROM box;
SELECT peer, seq, delta, reason, detail FROM replic_pending WHERE tab = 'box';

-- Any name: keywords, spaces, quotes, brackets, other scripts; found in any case of ASCII letters.
CREATE TABLE "order; DROP TABLE ""x"" --"(
  "select" INTEGER PRIMARY KEY, "two words" TEXT, "q""q'q" TEXT, [Größe] REAL);
SELECT replic_track('order; drop table "x" --', '{"mode":"manual"}');
SELECT json_remove(replic_patch('ORDER; DROP TABLE "x" --', 
  'SELECT', 1, 'Two Words', 'a', 'q"q''q', 'b', 'Größe', 1.25), '$.at');
SELECT * FROM "order; DROP TABLE ""x"" --";
CREATE TABLE 目录(键 TEXT PRIMARY KEY, 值 TEXT);
SELECT replic_track('目录', '{"mode":"manual"}');
SELECT json_remove(replic_patch('目录', '{"键":"一","值":"二 😀"}'), '$.at');
SELECT * FROM 目录;

-- A key without a type takes values of any type. 1 and 1.0 are one row, in the newest spelling.
CREATE TABLE thing(id PRIMARY KEY, name TEXT);
SELECT replic_track('thing', '{"mode":"manual"}');
SELECT json_remove(replic_patch('thing', 'id', 1, 'name', 'integer'), '$.at');
SELECT json_remove(replic_patch('thing', 'id', 1.0, 'name', 'real'), '$.at');
SELECT json_remove(replic_patch('thing', 'id', '1', 'name', 'text'), '$.at');
SELECT json_remove(replic_patch('thing', 'id', x'31', 'name', 'blob'), '$.at');
SELECT quote(id), name FROM thing ORDER BY id;

-- A table with triggers and an index of its own: a search index is kept up.
CREATE TABLE page(id INTEGER PRIMARY KEY, body TEXT);
CREATE INDEX page_body ON page(body);
CREATE VIRTUAL TABLE page_search USING fts5(body, content='page', content_rowid='id');
CREATE TRIGGER page_in AFTER INSERT ON page BEGIN
  INSERT INTO page_search(rowid, body) VALUES (new.id, new.body);
END;
CREATE TRIGGER page_out AFTER DELETE ON page BEGIN
  INSERT INTO page_search(page_search, rowid, body) VALUES ('delete', old.id, old.body);
END;
CREATE TRIGGER page_change AFTER UPDATE ON page BEGIN
  INSERT INTO page_search(page_search, rowid, body) VALUES ('delete', old.id, old.body);
  INSERT INTO page_search(rowid, body) VALUES (new.id, new.body);
END;
SELECT replic_track('page', '{"mode":"manual"}');
SELECT json_remove(replic_patch('page', '{"id":1,"body":"the quick brown fox"}'), '$.at');
SELECT replic_apply('
  {"type":10,"at":1000,"peer":5,"seq":1,"ver":1,"tab":"page","delta":{"id":2,"body":"a slow fox"}}
  {"type":10,"at":2000,"peer":5,"seq":2,"ver":1,"tab":"page","delta":{"id":2,"body":"a slow dog"}}
  {"type":10,"at":1500,"peer":5,"seq":3,"ver":1,"tab":"page","delta":{"id":2,"body":"a late fox"}}');
SELECT rowid FROM page_search WHERE page_search MATCH 'fox';
SELECT rowid FROM page_search WHERE page_search MATCH 'dog';
INSERT INTO page_search(page_search) VALUES ('integrity-check');

SELECT * FROM replic_tables;
SELECT * FROM replic_check;
PRAGMA integrity_check;
