// Writes COUNT transactions:
// deno run --allow-read --allow-write --allow-env --allow-ffi deno.mjs DATABASE COUNT

import { DatabaseSync } from 'node:sqlite';
import process from 'node:process';
import { setTimeout as sleep } from 'node:timers/promises';

const [path, count] = [process.argv[2], Number(process.argv[3])];

const db = new DatabaseSync(path, { allowExtension: true, timeout: 10000 });
db.loadExtension(process.env.REPLIC);
db.exec('PRAGMA foreign_keys = ON');

const addAlbum = db.prepare('INSERT INTO album(id, title) VALUES (lower(hex(randomblob(8))), ?)' +
                            ' ON CONFLICT(title) DO NOTHING');
const addSong = db.prepare("INSERT INTO song SELECT lower(hex(randomblob(8))), id, 'Deno', ?" +
                           ' FROM album WHERE title = ?');
const play = db.prepare('UPDATE album SET plays = plays + 1 WHERE title = ?');
const dropSong = db.prepare("DELETE FROM song WHERE writer = 'Deno' AND n = ?");
const dropAlbum = db.prepare('DELETE FROM album WHERE title = ?' +
                             ' AND id NOT IN (SELECT album FROM song)');

const title = (n) => n % 20 === 0 ? `Best of ${n}` : `Deno ${n}`;

for (let n = 1; n <= count; n++) {
  db.exec('BEGIN IMMEDIATE');
  addAlbum.run(title(n));
  addSong.run(n, title(n));
  play.run(title(n));
  dropSong.run(n - 5);
  dropAlbum.run(title(n - 10));
  db.exec('COMMIT');
  await sleep(20);  // others write this file, too
}

const { version } = db.prepare('SELECT sqlite_version() AS version').get();
db.close();
console.log(`Deno: ${count} transactions, SQLite ${version}`);
