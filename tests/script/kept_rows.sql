.echo on
.nullvalue NULL
.load ./replic
-- A table that keeps its deleted rows: they hold their UNIQUE values, unless the index leaves them out.
CREATE TABLE t(id TEXT PRIMARY KEY, u TEXT, deletedAt INTEGER);
CREATE UNIQUE INDEX t_u ON t(u);
SELECT replic_init(1), replic_track('t');
INSERT INTO t(id, u) VALUES ('a', 'x');
INSERT OR REPLACE INTO t(id, u) VALUES ('b', 'x');
UPDATE OR REPLACE t SET id = 'b' WHERE id = 'a';
SELECT * FROM t;
DROP INDEX t_u;
CREATE UNIQUE INDEX t_u ON t(u) WHERE deletedAt IS NULL;
INSERT OR REPLACE INTO t(id, u) VALUES ('b', 'x');
UPDATE OR REPLACE t SET id = 'c' WHERE id = 'b';
SELECT id, u, deletedAt IS NOT NULL FROM t;
SELECT * FROM replic_check;
