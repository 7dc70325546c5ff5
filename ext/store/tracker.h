// What replic_track, replic_untrack and replic_refresh do to tables: logs, triggers, and patches
// for rows that have none. Runs inside Gate::write only.

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/catalog.h"
#include "store/local.h"
#include "store/merge.h"
#include "store/parked.h"
#include "store/state.h"

namespace replic {

// How replic_track is to treat a table.
struct TrackOptions {
  std::string mode = "capture";
  std::optional<std::string> tombstone;
  bool backfill = true;
};

class Tracker {
 public:
  Tracker(Database& db, Catalog& catalog, State& state, Parked& parked, Merger& merger,
          LocalWriter& local)
      : db_(db),
        catalog_(catalog),
        state_(state),
        parked_(parked),
        merger_(merger),
        local_(local) {}

  // Makes a table replicated, or treats it otherwise from now on. Returns its name. Throws E_MODE,
  // E_OPTION, E_TABLE, E_UTF8.
  std::string track(std::string_view table, const TrackOptions& options);
  // Takes our triggers off. Returns the table's name. Throws E_TABLE.
  std::string untrack(std::string_view table);
  // Brings the logs and triggers of tracked tables up to date with the schema; of those in mode
  // manual, whose logs are the user's to keep, only when `manual_too`. Returns how many tables
  // there was something to do for.
  int64_t follow(bool manual_too);

 private:
  void note(const TablePlan& plan, const std::string& mode, const std::string& tombstone);
  std::vector<std::string> noted_columns(const std::string& table);
  void bring_up(const std::string& table, const std::vector<std::string>& had, bool backfill);
  void record_rows(const TablePlan& plan);
  void record_lost_rows(const TablePlan& plan);
  bool follow_table(const std::string& tracked);
  std::string follow_rename(const std::string& tracked);
  void sum_again();
  // log_columns.cc
  bool amend_log(const TablePlan& plan, bool log_tombstone, const std::vector<std::string>& had);
  bool rename_columns(const TablePlan& plan, const std::vector<std::string>& before);
  void rename_nulls(const std::string& log, const std::string& from, const std::string& to);
  void rename_parked(const std::string& table, const std::string& from, const std::string& to);
  void park_dropped(const std::string& table, const std::vector<std::string>& had);
  void park_cells_of_parked(const TablePlan& plan);
  void park_cells(const TablePlan& plan, const Stamp& stamp, std::vector<Cell>&& cells);
  bool move_tombstones(const std::string& table);

  Database& db_;
  Catalog& catalog_;
  State& state_;
  Parked& parked_;
  Merger& merger_;
  LocalWriter& local_;
};

}  // namespace replic
