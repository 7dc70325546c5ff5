-- replic's own state, in main, made on first need. Keep state in tables, not in memory: the same
-- file may be open in several connections and processes, and any transaction may roll back.

-- One row: who we are, and counts. due_at is the least `at` among patches parked for the clock, or
-- 0. schema_seen is the schema_version for which parked patches were last tried, tables_seen the
-- one for which logs and triggers were last looked at.
CREATE TABLE main."_replic_state"(
  id INTEGER PRIMARY KEY CHECK(id = 1),
  format INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  ver INTEGER NOT NULL DEFAULT 1,
  max_drift_ms INTEGER NOT NULL DEFAULT 300000,
  due_at INTEGER NOT NULL DEFAULT 0,
  waiting INTEGER NOT NULL DEFAULT 0,
  grouped INTEGER NOT NULL DEFAULT 0,
  schema_parked INTEGER NOT NULL DEFAULT 0,
  schema_seen INTEGER NOT NULL DEFAULT 0,
  tables_seen INTEGER NOT NULL DEFAULT 0,
  duplicates INTEGER NOT NULL DEFAULT 0,
  collisions INTEGER NOT NULL DEFAULT 0,
  unknown_messages INTEGER NOT NULL DEFAULT 0,
  foreign_keys INTEGER NOT NULL DEFAULT -1,
  due INTEGER NOT NULL DEFAULT 0,
  group_max INTEGER NOT NULL DEFAULT 10000,
  split_groups INTEGER NOT NULL DEFAULT 0,
  boot TEXT NOT NULL DEFAULT '',
  unsafe INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What is known of each peer. role: 0 another, 1 a former identity of this database, 2 the current
-- one. seen_seq and seen_at: the last patch that it said it has; acked_seq: how far it says it has
-- everything of ours. ancestor: it speaks types 10, 20 and 30 alone.
CREATE TABLE main."_replic_peers"(
  peer INTEGER PRIMARY KEY,
  role INTEGER NOT NULL DEFAULT 0,
  name TEXT NOT NULL DEFAULT '',
  seen_seq INTEGER NOT NULL DEFAULT 0,
  seen_at INTEGER NOT NULL DEFAULT 0,
  acked_seq INTEGER NOT NULL DEFAULT 0,
  ancestor INTEGER NOT NULL DEFAULT 0,
  heard_unix_ms INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Sequence numbers received or written, as ranges; neighbouring rows differ in ver. sum: of the
-- content hashes modulo 2^64, losers of an identity conflict included; at: the greatest clock
-- value accepted with the range. The greatest of all is our clock, so that a transaction writes
-- one row of ours, not two. ver -1: these seqs exist no more, and newer patches decide what they
-- did.
CREATE TABLE main."_replic_ranges"(
  peer INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  ver INTEGER NOT NULL,
  sum INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(peer, first)
) STRICT, WITHOUT ROWID;

-- Groups: the patches of one transaction of a peer, seqs first to last, when there are two or more.
CREATE TABLE main."_replic_groups"(
  peer INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY(peer, first)
) STRICT, WITHOUT ROWID;

-- What peers say that they hold of others: whom to ask for what.
CREATE TABLE main."_replic_holds"(
  holder INTEGER NOT NULL,
  peer INTEGER NOT NULL,
  contiguous_seq INTEGER NOT NULL,
  last_seq INTEGER NOT NULL,
  PRIMARY KEY(holder, peer)
) STRICT, WITHOUT ROWID;

-- Patches, or parts of patches, that are received and kept but not visible. delta is JSON as
-- replic_patch takes it. row_key: for reason constraint, the row that the patch waits for. content
-- tells several losers of one (peer, seq) apart, and is 0 for the other reasons.
CREATE TABLE main."_replic_parked"(
  peer INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  reason TEXT NOT NULL,
  content INTEGER NOT NULL DEFAULT 0,
  tab TEXT NOT NULL,
  at INTEGER NOT NULL,
  ver INTEGER NOT NULL,
  delta TEXT NOT NULL,
  grp_first INTEGER NOT NULL DEFAULT 0,
  grp_last INTEGER NOT NULL DEFAULT 0,
  row_key BLOB,
  detail TEXT NOT NULL,
  parked_unix_ms INTEGER NOT NULL,
  PRIMARY KEY(peer, seq, reason, content)
) STRICT, WITHOUT ROWID;
CREATE INDEX main."_replic_parked_row" ON "_replic_parked"(tab, row_key) WHERE row_key IS NOT NULL;
CREATE INDEX main."_replic_parked_reason" ON "_replic_parked"(reason, at);
CREATE INDEX main."_replic_parked_group" ON "_replic_parked"(peer, grp_last, grp_first DESC)
  WHERE reason='group';

-- Patches that carry no data but take a seq.
CREATE TABLE main."_replic_voids"(
  peer INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(peer, seq)
) STRICT, WITHOUT ROWID;

-- Units (single patches, or groups by their first seq) that a constraint held up, and that were
-- accepted when a later one executed: the stamp of that one, and their place among those it freed.
CREATE TABLE main."_replic_late"(
  peer INTEGER NOT NULL,
  first INTEGER NOT NULL,
  by_at INTEGER NOT NULL,
  by_peer INTEGER NOT NULL,
  by_seq INTEGER NOT NULL,
  place INTEGER NOT NULL,
  PRIMARY KEY(peer, first)
) STRICT, WITHOUT ROWID;
CREATE INDEX main."_replic_late_by" ON "_replic_late"(by_at, by_peer, by_seq);

-- Local transactions that may have freed what waits, and after which T could not be written at
-- once: the next call of replic that writes draws the consequences.
CREATE TABLE main."_replic_due"(
  peer INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY(peer, first)
) STRICT, WITHOUT ROWID;

-- What rows have claimed in any patch that is kept: values of a UNIQUE key or of a key that is
-- referred to, or values by which they refer to a row. hash names the key and the values; rows of
-- the same hash are tied.
CREATE TABLE main."_replic_claims"(
  hash INTEGER NOT NULL,
  tab TEXT NOT NULL,
  row_key BLOB NOT NULL,
  PRIMARY KEY(hash, tab, row_key)
) STRICT, WITHOUT ROWID;

-- The keys of each table for which its claims were noted, as a hash.
CREATE TABLE main."_replic_keys"(
  tab TEXT PRIMARY KEY COLLATE NOCASE,
  signature INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The constraints of each table by which its patches were decided, as a hash.
CREATE TABLE main."_replic_legal"(
  tab TEXT PRIMARY KEY COLLATE NOCASE,
  signature INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Tables that replic_track has seen. complete: every row of the table is in its log, and every
-- write to it is captured or refused. columns: the names that its triggers were made for, as JSON.
CREATE TABLE main."_replic_tables"(
  tab TEXT PRIMARY KEY COLLATE NOCASE,
  mode TEXT NOT NULL,
  tombstone TEXT NOT NULL,
  complete INTEGER NOT NULL DEFAULT 0,
  columns TEXT NOT NULL DEFAULT '[]'
) STRICT, WITHOUT ROWID;

CREATE TABLE main."_replic_options"(
  name TEXT PRIMARY KEY,
  value ANY NOT NULL
) STRICT, WITHOUT ROWID;
