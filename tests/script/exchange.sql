.echo on
.nullvalue NULL
-- Two files exchange what they have. Here each message is an ordinary file.
.open one.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(1), replic_track('note', '{"mode":"manual"}');
SELECT count(replic_patch('note', 'id', value, 'body', 'one ' || value)) FROM json_each('[1,2,3]');

-- 1. replic_sync: the opening bundle, then each side answers the other's, until there is no answer.
SELECT writefile('1.sync', replic_sync()) > 0;
.open two.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(2), replic_track('note', '{"mode":"manual"}');
SELECT count(replic_patch('note', 'id', value, 'body', 'two ' || value)) FROM json_each('[3,4]');
SELECT writefile('2.sync', replic_sync(readfile('1.sync'))) > 0;
.open one.db
.load ./replic
SELECT writefile('3.sync', replic_sync(readfile('2.sync'))) > 0;
SELECT * FROM note;
.open two.db
.load ./replic
SELECT writefile('4.sync', replic_sync(readfile('3.sync'))) > 0;
SELECT * FROM note;
.open one.db
.load ./replic
SELECT replic_sync(readfile('4.sync')) IS NULL;
SELECT replic_digest();

-- 2. replic_bundle: what the holder of a vector lacks, in one blob for replic_apply.
.open three.db
.load ./replic
CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
SELECT replic_init(3), replic_track('note', '{"mode":"manual"}');
SELECT writefile('three.vector', replic_vector()) > 0;
.open two.db
.load ./replic
SELECT writefile('all.bundle', replic_bundle(CAST(readfile('three.vector') AS TEXT))) > 0;
SELECT replic_bundle(replic_vector());
.open three.db
.load ./replic
SELECT replic_apply(readfile('all.bundle'));
SELECT replic_apply(readfile('all.bundle'));
SELECT replic_vector(), replic_digest();

-- 3. Ping and answer, for programs that send messages. two.db writes; the message is lost.
.open two.db
.load ./replic
SELECT replic_patch('note', '{"id":5,"body":"lost"}') IS NOT NULL;
SELECT writefile('ping', replic_ping()) > 0;
.open three.db
.load ./replic
SELECT replic_apply(readfile('ping'));
SELECT peer, min_seq, max_seq FROM replic_missing;
-- The ping's answer is a request; the request's answer is what was lost.
SELECT peer, message FROM replic_answer(readfile('ping'));
SELECT writefile('request', request) > 0 FROM replic_missing;
.open two.db
.load ./replic
SELECT writefile('patches', group_concat(message, char(10))) > 0 FROM replic_answer(readfile('request'));
.open three.db
.load ./replic
SELECT replic_apply(readfile('patches'));
SELECT * FROM replic_missing;
SELECT * FROM replic_answer(readfile('ping'));
SELECT body FROM note WHERE id = 5;

-- 4. replic_pull: from another file on the same machine, in one call.
.open one.db
.load ./replic
SELECT replic_pull('three.db');
SELECT replic_pull('three.db');
SELECT replic_digest();
SELECT replic_pull('nowhere.db');
SELECT replic_pull('ping');

-- What is damaged on its way is refused, and changes nothing.
SELECT replic_apply(substr(readfile('all.bundle'), 1, 50));
SELECT replic_sync(x'00');
SELECT replic_sync('text');
SELECT replic_sync(readfile('ping'));
SELECT replic_bundle('{}', 0);
SELECT * FROM replic_answer('{}');
SELECT * FROM replic_check;
