// Writes COUNT transactions: node node.mjs DATABASE COUNT     (npm install better-sqlite3@12)

import { setTimeout as sleep } from 'node:timers/promises';

import Database from 'better-sqlite3';

const [path, count] = [process.argv[2], Number(process.argv[3])];

const db = new Database(path, { timeout: 10000 });
db.defaultSafeIntegers(true);  // an INTEGER comes as a bigint, exact beyond 2^53, too
db.loadExtension(process.env.REPLIC);
db.pragma('foreign_keys = ON');

const addAlbum = db.prepare('INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), ?)' +
                            ' ON CONFLICT(title) DO NOTHING');
const addSong = db.prepare("INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Node.js', ?" +
                           ' FROM album WHERE title = ?');
const play = db.prepare('UPDATE album SET plays = plays + 1 WHERE title = ?');
const dropSong = db.prepare("DELETE FROM song WHERE writer = 'Node.js' AND n = ?");
const dropAlbum = db.prepare('DELETE FROM album WHERE title = ?' +
                             ' AND id NOT IN (SELECT album FROM song)');

const title = (n) => n % 20 === 0 ? `Best of ${n}` : `Node.js ${n}`;

const write = db.transaction((n) => {
  addAlbum.run(title(n));
  addSong.run(n, title(n));
  play.run(title(n));
  dropSong.run(n - 5);
  dropAlbum.run(title(n - 10));
});

for (let n = 1; n <= count; n++) {
  write.immediate(n);
  await sleep(20);  // others write this file, too
}

const version = db.prepare('SELECT sqlite_version()').pluck().get();
db.close();
console.log(`Node.js: ${count} transactions, SQLite ${version}`);
