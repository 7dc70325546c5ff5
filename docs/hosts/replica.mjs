// One replicated database, for the Node.js hosts beside this file: what is new in it, what comes in
// from others, and how it stands. The extension is $REPLIC, or ./replic.

import Database from 'better-sqlite3';

const FRAME_BYTES = 256 * 1024;  // of messages that travel together; a single one may be longer

export function log(text) {
  process.stderr.write(`${new Date().toTimeString().slice(0, 8)} ${text}\n`);
}

export class Replica {
  #sent;
  #version = null;
  #told = '';
  #toldAt = 0;

  constructor(path) {
    this.db = new Database(path, { timeout: 10000 });
    // An INTEGER comes as a bigint, which is exact beyond 2^53, too.
    this.db.defaultSafeIntegers(true);
    this.db.loadExtension(process.env.REPLIC ?? './replic');
    this.db.pragma('journal_mode = WAL');
    this.db.pragma('synchronous = NORMAL');
    this.ping();  // takes an identity, when there is none yet
    this.#sent = this.one('SELECT replic_vector()');
  }

  one(sql, ...values) {
    return this.db.prepare(sql).pluck().get(...values);
  }

  all(sql, ...values) {
    return this.db.prepare(sql).pluck().all(...values);
  }

  ping() {
    return this.one('SELECT replic_ping()');
  }

  // The messages of what this peer has committed since the last call, by any connection.
  fresh() {
    const version = this.one('PRAGMA data_version');
    if (version === this.#version) return [];
    this.#version = version;
    return this.db.transaction(() => {  // both answers are of one moment
      const messages =
        this.all('SELECT message FROM replic_changes(?) WHERE peer = replic_peer()', this.#sent);
      this.#sent = this.one('SELECT replic_vector()');
      return messages;
    })();
  }

  // Takes messages in, as one text. Returns how many patches were new, and the answers. What is
  // malformed is logged, and changes nothing; what could not be written comes again.
  receive(text) {
    try {
      const count = Number(this.one('SELECT replic_apply(?)', text));
      return [count, this.all('SELECT message FROM replic_answer(?)', text)];
    } catch (error) {
      log(`refused ${JSON.stringify(text.slice(0, 60))}: ${error.message}`);
      return [0, []];
    }
  }

  // Logs a line when anything has changed, once a second at most; in a catch-up more often.
  status(connected) {
    const peers = this.db.prepare(
      'SELECT coalesce(sum(contiguous_seq), 0) AS have, coalesce(sum(last_seq), 0) AS known,' +
      ' coalesce(sum(missing), 0) AS missing, coalesce(max(lag_ms), 0) AS lag FROM replic_peers')
      .get();
    const parked = this.one('SELECT count(*) FROM replic_pending');
    const now = [connected, peers.have, peers.known, peers.missing, parked].join(' ');
    const pause = peers.missing ? 200 : 1000;
    if (now === this.#told || Date.now() - this.#toldAt < pause) return;
    this.#told = now;
    this.#toldAt = Date.now();
    const progress = peers.missing ? `, has ${peers.have} of ${peers.known}` : '';
    log(`connected to ${connected || 'nobody'}; missing ${peers.missing}${progress}, ` +
        `lag ${peers.lag} ms, parked ${parked}`);
  }

  close() {
    this.db.close();
  }
}

// Joins messages to texts of about `most` bytes.
export function* frames(messages, most = FRAME_BYTES) {
  let frame = [];
  let size = 0;
  for (const message of messages) {
    if (frame.length > 0 && size + message.length > most) {
      yield frame.join('\n');
      frame = [];
      size = 0;
    }
    frame.push(message);
    size += message.length;
  }
  if (frame.length > 0) yield frame.join('\n');
}
