// The state in the course of a transaction: its group of local patches, savepoints, and the end.

#include <algorithm>
#include <utility>

#include "store/state.h"

namespace replic {

Stamp State::next_in_group(const std::function<int64_t()>& at) {
  LocalGroup& group = now_.group;
  if (group.peer != 0) {
    group.range.last++;
    return {group.at, group.peer, group.range.last};
  }
  const int64_t value = at();
  const int64_t peer = now_.row.peer;
  const int64_t seq = last_seq(peer) + 1;
  group = {peer, value, {seq, seq}};
  return {value, peer, seq};
}

void State::close_group() {
  if (now_.group.peer == 0) return;
  write_group();
  if (now_.group.is_replayed) add_due(now_.group);
  now_.group = LocalGroup();
  now_.group_written = 0;
  now_.split_told = false;
}

// The row of a group may be written several times: a COMMIT that met SQLITE_BUSY is tried again,
// and the group may have grown meanwhile.
void State::write_group() {
  const LocalGroup& group = now_.group;
  if (group.peer == 0 || group.range.first == group.range.last) return;
  if (group.range.last - group.range.first + 1 <= now_.row.group_max) {
    if (now_.group_written == group.range.last) return;
    db_.run("INSERT OR REPLACE INTO main._replic_groups(peer,first,last) VALUES(?1,?2,?3)")
        .bind(group.peer)
        .bind(group.range.first)
        .bind(group.range.last)
        .exec();
    now_.group_written = group.range.last;
    return;
  }
  if (now_.group_written != 0) {
    db_.run("DELETE FROM main._replic_groups WHERE peer=?1 AND first=?2")
        .bind(group.peer)
        .bind(group.range.first)
        .exec();
    now_.group_written = 0;
  }
  if (now_.split_told) return;
  now_.split_told = true;
  row().split_groups++;
}

void State::add_due(const LocalGroup& group) {
  db_.run("INSERT OR REPLACE INTO main._replic_due(peer,first,last) VALUES(?1,?2,?3)")
      .bind(group.peer)
      .bind(group.range.first)
      .bind(group.range.last)
      .exec();
  row().due++;
}

void State::on_sync() {
  db_.write_put_off();
  if (before_sync) before_sync(true);
  if (now_.loaded && now_.group.peer != 0 && on_local_commit) on_local_commit();
  flush();
}

void State::drop() {
  db_.forget_put_off();
  now_ = Memory();
  saved_.clear();
  unsaved_level_ = -1;
}

void State::on_savepoint(int level) {
  savepoints_++;
  const auto index = static_cast<size_t>(std::max(level, 0));
  // When this throws, SQLite fails the statement that wanted the savepoint, and may go back to it:
  // nothing has changed by then.
  unsaved_level_ = level;
  db_.write_put_off();
  if (saved_.size() <= index) saved_.resize(index + 1);
  unsaved_level_ = -1;
  saved_[index] = now_;
}

void State::on_release(int level) {
  db_.write_put_off();
  const auto index = static_cast<size_t>(std::max(level, 0));
  if (saved_.size() > index) saved_.resize(index);
}

void State::on_rollback_to(int level) {
  if (on_undo) on_undo();
  if (level >= 0 && std::exchange(unsaved_level_, -1) == level) return;
  db_.forget_put_off();
  const auto index = static_cast<size_t>(std::max(level, 0));
  if (level < 0 || index >= saved_.size() || !saved_[index]) {
    now_ = Memory();
    kept_clock_.reset();  // a part of the transaction may have been written, and stays
    if (level >= 0 && saved_.size() > index) saved_.resize(index);
    if (level < 0) saved_.clear();
    return;
  }
  now_ = *saved_[index];
  saved_.resize(index + 1);
}

// Later patches of the transaction are of another group: this one may be committed without a word.
void State::on_detach() {
  db_.without_cache([this] {
    db_.write_put_off();
    if (before_sync) before_sync(false);
    close_group();
    flush();
  });
  db_.release();
  drop();
  kept_clock_.reset();
  if (on_undo) on_undo();
}

void State::on_rollback() {
  drop();
  if (on_undo) on_undo();
  if (on_end) on_end();
}

}  // namespace replic
