.echo on
.nullvalue NULL
.load ./replic
-- The patches of one transaction, over any number of tables, are one group: others show all of them
-- or none.
CREATE TABLE account(id INTEGER PRIMARY KEY, cents INTEGER NOT NULL);
CREATE TABLE transfer(id INTEGER PRIMARY KEY, from_id INTEGER, to_id INTEGER, cents INTEGER);
SELECT replic_init(1), replic_track('account'), replic_track('transfer');
CREATE TEMP VIEW told AS SELECT peer, seq, tab, delta, json_extract(message, '$.grp') AS grp FROM replic_changes;
INSERT INTO account VALUES (1, 500);
INSERT INTO account VALUES (2, 300);
BEGIN;
UPDATE account SET cents = cents - 100 WHERE id = 1;
UPDATE account SET cents = cents + 100 WHERE id = 2;
INSERT INTO transfer VALUES (1, 1, 2, 100);
SELECT replic_patch('transfer', 'id', 2, 'cents', 0);
COMMIT;
SELECT * FROM told;
-- All have the same clock value.
SELECT count(DISTINCT at) FROM replic_changes WHERE seq BETWEEN 3 AND 6;

-- What is rolled back to a savepoint is not part of it, and leaves no hole.
BEGIN;
INSERT INTO transfer VALUES (3, 1, 2, 1);
SAVEPOINT s;
INSERT INTO transfer VALUES (4, 1, 2, 1);
ROLLBACK TO s;
DELETE FROM transfer WHERE id = 2;
COMMIT;
BEGIN;
INSERT INTO transfer VALUES (4, 1, 2, 1);
ROLLBACK;
SELECT seq, tab, grp FROM told WHERE seq > 6;

-- What others sent closes the group, when it is applied in the middle of a transaction.
BEGIN;
INSERT INTO transfer VALUES (5, 1, 2, 5);
INSERT INTO transfer VALUES (6, 1, 2, 6);
SELECT replic_apply('{"type":10,"at":1000,"peer":7,"seq":1,"ver":1,"tab":"account","delta":{"id":3,"cents":0}}');
INSERT INTO transfer VALUES (7, 1, 2, 7);
INSERT INTO transfer VALUES (8, 1, 2, 8);
COMMIT;
SELECT seq, tab, grp FROM told WHERE peer = 1 AND seq > 8;

-- A transaction that is larger than group_max travels as single patches, and is counted.
SELECT replic_option('group_max', 3);
BEGIN;
INSERT INTO transfer VALUES (9, 1, 2, 9), (10, 1, 2, 10);
INSERT INTO transfer VALUES (11, 1, 2, 11), (12, 1, 2, 12);
COMMIT;
SELECT seq, tab, grp FROM told WHERE peer = 1 AND seq > 12;
SELECT json_extract(replic_status(), '$.splitGroups'), json_extract(replic_status(), '$.ok');
SELECT replic_option('group_max', 0);

-- A receiver shows a group when all of it is there. Until then it waits, and is named.
.echo off
.once group.json
SELECT message FROM replic_changes WHERE peer = 1 AND seq <> 5;
.once rest.json
SELECT message FROM replic_changes WHERE peer = 1 AND seq = 5;
.once all.bundle.sql
SELECT 'SELECT replic_apply(x''' || hex(replic_bundle()) || ''');';
.echo on
.open other.db
.load ./replic
CREATE TABLE account(id INTEGER PRIMARY KEY, cents INTEGER NOT NULL);
CREATE TABLE transfer(id INTEGER PRIMARY KEY, from_id INTEGER, to_id INTEGER, cents INTEGER);
SELECT replic_init(2), replic_track('account'), replic_track('transfer');
SELECT replic_apply(readfile('group.json'));
SELECT * FROM account;
SELECT tab, seq, reason FROM replic_pending;
SELECT replic_apply(readfile('rest.json'));
SELECT * FROM account;
SELECT count(*) FROM replic_pending;
-- It sends them on as a group.
SELECT seq, json_extract(message, '$.grp') FROM replic_changes WHERE peer = 1 AND seq BETWEEN 3 AND 6;
.open third.db
.load ./replic
CREATE TABLE account(id INTEGER PRIMARY KEY, cents INTEGER NOT NULL);
CREATE TABLE transfer(id INTEGER PRIMARY KEY, from_id INTEGER, to_id INTEGER, cents INTEGER);
SELECT replic_init(3), replic_track('account'), replic_track('transfer');
.echo off
.read all.bundle.sql
.echo on
SELECT seq, json_extract(message, '$.grp') FROM replic_changes WHERE peer = 1 AND seq BETWEEN 3 AND 6;
SELECT * FROM replic_check;

-- What a transaction frees is accepted after it: it cannot make room for the same transaction.
.open fourth.db
.load ./replic
CREATE TABLE tag(id INTEGER PRIMARY KEY, name TEXT UNIQUE);
SELECT replic_init(4), replic_track('tag');
SELECT replic_apply(
  '{"type":10,"at":1000,"peer":9,"seq":1,"ver":1,"tab":"tag","delta":{"id":1,"name":"y"}}'
  || '{"type":10,"at":1001,"peer":9,"seq":2,"ver":1,"tab":"tag","delta":{"id":2,"name":"x"}}'
  || '{"type":10,"at":1002,"peer":9,"seq":3,"ver":1,"tab":"tag","delta":{"id":2,"name":"y"}}');
SELECT tab, seq, reason FROM replic_pending;
BEGIN;
DELETE FROM tag WHERE id = 1;
SELECT replic_patch('tag', 'id', 3, 'name', 'x');
SELECT replic_patch('tag', 'id', 3, 'name', 'z') IS NULL;
COMMIT;
SELECT * FROM tag;
SELECT count(*) FROM replic_pending;
BEGIN;
SELECT replic_patch('tag', 'id', 4, 'name', 'x') IS NULL;
COMMIT;
SELECT * FROM tag;
SELECT * FROM replic_check;
