-- Real input: three database files load, edit and exchange the Unicode character table and the
-- package list of this machine, with the sqlite3 shell and ordinary files alone.
--
-- Run it in an empty folder that holds replic.so:  sqlite3 < real_input.sql
-- It needs Debian's package unicode-data, and dpkg. The last line says whether all went well.
--
--   one.db loads the characters, two.db the packages; all three get both.
--   Then all three edit the same rows, and exchange what they wrote: shuffled, twice, and some of
--   it over another file. In the end they hold the same rows.

.bail on

-- --- The same tables in three files --------------------------------------------------------------

-- The shell runs this for each file that it opens below.
.output set_up.sql
.print '.load ./replic'
.print '.mode list'
.print '.separator " "'
.print 'CREATE TABLE IF NOT EXISTS character('
.print '  code TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, category TEXT NOT NULL,'
.print '  combining INTEGER NOT NULL DEFAULT 0, decomposition TEXT, numeric TEXT, old_name TEXT,'
.print '  upper TEXT, lower TEXT, note TEXT, deletedAt INTEGER) STRICT;'
.print 'CREATE TABLE IF NOT EXISTS package('
.print '  name TEXT NOT NULL, architecture TEXT NOT NULL, version TEXT NOT NULL, section TEXT,'
.print '  installed_kb INTEGER CHECK(installed_kb >= 0), summary TEXT, note TEXT,'
.print '  PRIMARY KEY(name, architecture)) WITHOUT ROWID;'
.output

.print Making one.db, two.db and three.db ...
.open one.db
.read set_up.sql
SELECT 'one.db is peer', replic_init(1), 'and tracks',
       replic_track('character', '{"mode":"manual"}'),
       replic_track('package', '{"mode":"manual"}');
.open two.db
.read set_up.sql
SELECT 'two.db is peer', replic_init(2), 'and tracks',
       replic_track('character', '{"mode":"manual"}'),
       replic_track('package', '{"mode":"manual"}');
.open three.db
.read set_up.sql
SELECT 'three.db is peer', replic_init(3), 'and tracks',
       replic_track('character', '{"mode":"manual"}'),
       replic_track('package', '{"mode":"manual"}');

-- --- Loading: each source line becomes a patch ---------------------------------------------------

-- Within a transaction replic_patch gives NULL instead of a message, since the transaction may
-- still be rolled back. So sum(replic_patch(...) IS NULL) counts the patches.

.print one.db loads the characters ...
.open one.db
.read set_up.sql
CREATE TEMP TABLE source(
  code, name, category, combining, bidi, decomposition, decimal, digit, numeric, mirrored,
  old_name, comment, upper, lower, title);
.mode ascii
.separator ";" "\n"
.import /usr/share/unicode/UnicodeData.txt source
.mode list
.separator " "
BEGIN;
SELECT sum(replic_patch('character', 'code', code, 'name', name, 'category', category,
         'combining', combining, 'decomposition', nullif(decomposition, ''),
         'numeric', nullif(numeric, ''), 'old_name', nullif(old_name, ''),
         'upper', nullif(upper, ''), 'lower', nullif(lower, '')) IS NULL), 'lines'
  FROM source;
COMMIT;
SELECT count(*), 'characters' FROM character;

.print two.db loads the packages ...
.open two.db
.read set_up.sql
CREATE TEMP TABLE source(line);
.mode ascii
.separator "\037" "\n"
.import /var/lib/dpkg/status source
.mode list
.separator " "
CREATE TEMP VIEW field AS  -- a package begins with the line "Package: ..."
  SELECT sum(line LIKE 'Package: %') OVER (ORDER BY rowid) AS package,
         substr(line, 1, instr(line, ': ') - 1) AS name,
         substr(line, instr(line, ': ') + 2) AS value
    FROM source;
BEGIN;
SELECT sum(replic_patch('package', 'name', name, 'architecture', architecture,
         'version', version, 'section', section, 'installed_kb', installed_kb,
         'summary', summary) IS NULL), 'paragraphs'
  FROM (SELECT max(value) FILTER (WHERE name = 'Package') AS name,
               max(value) FILTER (WHERE name = 'Architecture') AS architecture,
               max(value) FILTER (WHERE name = 'Version') AS version,
               max(value) FILTER (WHERE name = 'Section') AS section,
               max(value) FILTER (WHERE name = 'Installed-Size') AS installed_kb,
               max(value) FILTER (WHERE name = 'Description') AS summary
          FROM field GROUP BY package)
 WHERE version IS NOT NULL;
COMMIT;
SELECT count(*), 'packages' FROM package;

-- --- Everybody gets everything: one.db -> two.db -> three.db -> one.db ---------------------------

.print one.db sends to two.db what it has ...
.open one.db
.read set_up.sql
.once one-to-two.json
SELECT message FROM replic_changes;
.open two.db
.read set_up.sql
SELECT replic_apply(readfile('one-to-two.json')), 'received by two.db';

.print two.db passes all of it on to three.db, which takes it line by line ...
.once two-to-three.json
SELECT message FROM replic_changes;
.open three.db
.read set_up.sql
CREATE TEMP TABLE inbox(message);
.mode ascii
.separator "\037" "\n"
.import two-to-three.json inbox
.mode list
.separator " "
INSERT INTO replic_changes(message) SELECT message FROM inbox;
SELECT count(*), 'received by three.db' FROM replic_changes;

.print three.db sends to one.db what one.db lacks, by its vector ...
.open one.db
.read set_up.sql
.once one.vector
SELECT replic_vector();
.open three.db
.read set_up.sql
.once three-to-one.json
SELECT message FROM replic_changes(CAST(readfile('one.vector') AS TEXT));
.open one.db
.read set_up.sql
SELECT replic_apply(readfile('three-to-one.json')), 'received by one.db';

-- --- All three write the same rows at once -------------------------------------------------------

-- A statement must not read a table and patch it at the same time: SQLite does not say what it then
-- sees, and may come by a row again and again. So the rows are chosen first.

.print one.db edits ...
BEGIN;
WITH chosen AS MATERIALIZED (
  SELECT code, name FROM character WHERE category IN ('Ll', 'Lu', 'Lt'))
SELECT sum(replic_patch('character', 'code', code, 'name', lower(name), 'note', 'one') IS NULL),
       'letters' FROM chosen;
WITH chosen AS MATERIALIZED (SELECT name, architecture FROM package)
SELECT sum(replic_patch('package', 'name', name, 'architecture', architecture,
         'note', 'one', 'installed_kb', NULL) IS NULL), 'packages'
  FROM chosen;
COMMIT;
.once one.vector
SELECT replic_vector();

.print two.db edits the same rows ...
.open two.db
.read set_up.sql
BEGIN;
WITH chosen AS MATERIALIZED (SELECT code FROM character WHERE category = 'Ll')
SELECT sum(replic_patch('character', 'code', code, 'note', 'two', 'upper', NULL) IS NULL),
       'small letters' FROM chosen;
WITH chosen AS MATERIALIZED (SELECT code FROM character WHERE category = 'Lu')
SELECT sum(replic_patch('character', 'code', code, 'note', NULL, 'lower', NULL) IS NULL),
       'capital letters' FROM chosen;
WITH chosen AS MATERIALIZED (
  SELECT name, architecture, version FROM package WHERE section LIKE '%libs')
SELECT sum(replic_patch('package', 'name', name, 'architecture', architecture,
         'version', version || '+two') IS NULL),
       'packages' FROM chosen;
COMMIT;
.once two.vector
SELECT replic_vector();

.print three.db edits and deletes the same rows ...
.open three.db
.read set_up.sql
BEGIN;
WITH chosen AS MATERIALIZED (
  SELECT code FROM character
   WHERE category IN ('Ll', 'Lu', 'Lt') AND decomposition IS NOT NULL)
SELECT sum(replic_patch('character', 'code', code, 'deletedAt', 1767225600000) IS NULL),
       'letters deleted' FROM chosen;
WITH chosen AS MATERIALIZED (
  SELECT code FROM character WHERE category IN ('Ll', 'Lu', 'Lt') AND decomposition IS NULL)
SELECT sum(replic_patch('character', 'code', code, 'note', 'three') IS NULL),
       'other letters' FROM chosen;
WITH chosen AS MATERIALIZED (SELECT name, architecture FROM package WHERE name LIKE '%-dev')
SELECT sum(replic_patch('package', 'name', name, 'architecture', architecture,
         'deletedAt', 1767225600000) IS NULL),
       'packages deleted' FROM chosen;
COMMIT;
SELECT count(*), 'packages left' FROM package;

-- --- The exchange: each sends what the next one lacks --------------------------------------------

.print three.db sends to one.db, in random order ...
.once three-to-one.json
SELECT message FROM replic_changes(CAST(readfile('one.vector') AS TEXT)) ORDER BY random();
.open one.db
.read set_up.sql
SELECT replic_apply(readfile('three-to-one.json')), 'received by one.db';
SELECT replic_apply(readfile('three-to-one.json')), 'received by one.db when they come again';

.print one.db sends to two.db, newest first, and passes on what three.db wrote ...
.once one-to-two.json
SELECT message FROM replic_changes(CAST(readfile('two.vector') AS TEXT)) ORDER BY at DESC, seq DESC;
.open two.db
.read set_up.sql
SELECT replic_apply(readfile('one-to-two.json')), 'received by two.db';
SELECT (SELECT count(*) FROM replic_pending), 'waiting and',
       (SELECT count(*) FROM replic_missing), 'missing in two.db';

.print two.db sends all that it has to one.db and three.db, old messages included ...
.once two-to-all.json
SELECT message FROM replic_changes;
.open three.db
.read set_up.sql
SELECT replic_apply(readfile('two-to-all.json')), 'received by three.db';
.open one.db
.read set_up.sql
SELECT replic_apply(readfile('two-to-all.json')), 'received by one.db';

-- --- The proof -----------------------------------------------------------------------------------

.print
.print Digests, and what replic_check finds:
.once one.digest
SELECT replic_digest();
SELECT 'one.db', replic_digest('character'), replic_digest('package'), count(*), 'faults'
  FROM replic_check;
.open two.db
.read set_up.sql
.once two.digest
SELECT replic_digest();
SELECT 'two.db', replic_digest('character'), replic_digest('package'), count(*), 'faults'
  FROM replic_check;
.open three.db
.read set_up.sql
.once three.digest
SELECT replic_digest();
SELECT 'three.db', replic_digest('character'), replic_digest('package'), count(*), 'faults'
  FROM replic_check;

.print
.print Rows that differ, compared without the extension:
.open :memory:
ATTACH 'one.db' AS one;
ATTACH 'two.db' AS two;
ATTACH 'three.db' AS three;
CREATE TEMP TABLE result AS
  SELECT (SELECT count(*) FROM one.character) AS characters,
         (SELECT count(*) FROM one.package) AS packages,
         (SELECT count(*) FROM (SELECT * FROM one.character EXCEPT SELECT * FROM two.character)) +
         (SELECT count(*) FROM (SELECT * FROM two.character EXCEPT SELECT * FROM three.character)) +
         (SELECT count(*) FROM (SELECT * FROM three.character EXCEPT SELECT * FROM one.character)) +
         (SELECT count(*) FROM (SELECT * FROM one.package EXCEPT SELECT * FROM two.package)) +
         (SELECT count(*) FROM (SELECT * FROM two.package EXCEPT SELECT * FROM three.package)) +
         (SELECT count(*) FROM (SELECT * FROM three.package EXCEPT SELECT * FROM one.package))
           AS different;
SELECT different, 'of', characters, 'characters and', packages, 'packages' FROM result;
SELECT count(*), 'characters with the note', quote(note) FROM one.character GROUP BY note;
SELECT CASE WHEN different = 0 AND characters > 30000 AND packages > 0
                 AND readfile('one.digest') = readfile('two.digest')
                 AND readfile('two.digest') = readfile('three.digest')
            THEN 'All three files hold the same rows.'
            ELSE 'THE FILES DIFFER.' END
  FROM result;
