// replic_bench: what replic costs, in ratios to what any program must pay (DESIGN.md section 7).
//
//     replic_bench [options] [Google Benchmark's options]
//
//     --quick             10,000 patches where the full run uses 100,000 to 1,000,000
//     --floors            the floors alone; needs no extension
//     --rounds=N          rounds of every race
//     --tenants=N         10 unless given: N places of the key where new rows are inserted
//     --memory-journals   PRAGMA temp_store=MEMORY on every connection; see Journals below
//
// --benchmark_filter and --benchmark_out work as always. Progress goes to stderr, the table to
// stdout. The extension is the one that the build made, or that the environment's REPLIC_SO names.
//
// The two floors (floor.cc) are plain prepared statements:
//   floor            an upsert into the table.
//   realistic floor  the look-up of the row's newest stamp, one row of the log, and the upsert. The
//                    log is WITHOUT ROWID with the primary key (peer, seq) and an index (key, at).
//
// Method
//   Table        key (tenantId, id), both INTEGER; four columns: INTEGER, TEXT of some 12
//                characters, REAL, TEXT of some 30. Ten tenants, new rows in turn for each. No
//                UNIQUE, no FOREIGN KEY. "new": 100,000 patches of whole new rows; "update": after
//                these, 100,000 patches of one column, one for each row in random order.
//   Database     a file in TMPDIR or /tmp; WAL, synchronous=NORMAL, a cache that holds all of it;
//                the same for all. "Inside a transaction" is one transaction for all patches, whose
//                COMMIT is timed, without a checkpoint. "Autocommit" is a commit for each patch, a
//                fifth of the patches, and checkpoints as SQLite makes them by default.
//   Journals     SQLite keeps a statement journal for each call that writes through a virtual
//                table: in memory until one statement needs more than 64 KiB of it, and from then
//                to the end of the transaction in a temporary file, which costs several writes
//                a call. Long transactions meet that sooner or later. The default is measured;
//                --memory-journals shows the difference. The floors have no such journal.
//   Not timed    making messages, filling tables, opening files (but for start-up).
//   Noise        the lanes of a race work in turns of some 5,000 patches, one after the other, each
//                turn begun by another lane. A ratio is taken within a round; the table shows the
//                median over the rounds. Microseconds are medians too, but only as good as the
//                machine is quiet. The realistic floor against itself gives 1.00 to 1.03.
//                Operations too few for long turns take the median of 20 turns a round instead.
//   Honesty      after the first round of a race all lanes must show the same table, and all logs
//                must hold every patch, or the benchmark fails.
//   Long logs    10^3 to 10^6 patches of three peers, some lost on the way, four patches a row.
//                Late patches (newer than the row's creation, older than its three updates), the
//                last hundred, one patch by peer and seq, gaps and start-up are measured on a log
//                and on a short one, in turns. The factor between both stands beside the target,
//                with the factor of the realistic floor's counterpart: deeper trees, colder caches.
//                A late patch must not grow by more than 1.25 times that, what must not scan the
//                log by more than 3 times, while the log grows a hundred times.
//   Plain SQL    captured_insert, _update and _delete run one statement a row on a table of three
//                columns that is captured, on one that is not replicated ("x floor"), and on one
//                whose realistic floor is plain SQL.
//   Keys         apply_unique and apply_foreign_key: one JSON message a call, against a table of
//                the same columns without keys; with conflicts, each tenth message has to wait.
//                claim_older_than/N: N rows claim one value, and one more does, older than all.
//   Counterparts "x realistic" of a read is the same read of the realistic floor's log by plain
//                SQL: the columns, no text made of them.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>

#include "race.h"
#include "report.h"

namespace replic::bench {
namespace {

// Reads "--name=N" with N from 1 on; false when the argument is another option.
bool parse_number(std::string_view argument, std::string_view name, int* value) {
  if (!argument.starts_with(name)) return false;
  *value = std::atoi(argument.substr(name.size()).data());
  return *value > 0;
}

// Takes our own options out of the arguments; Google Benchmark refuses what nobody knows.
void parse_options(int* argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < *argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick") {
      options().quick = true;
    } else if (argument == "--floors") {
      options().floors_only = true;
    } else if (argument == "--memory-journals") {
      options().memory_journals = true;
    } else if (!parse_number(argument, "--rounds=", &options().rounds) &&
               !parse_number(argument, "--tenants=", &options().tenants)) {
      argv[kept++] = argv[i];
    }
  }
  *argc = kept;
}

int run(int argc, char** argv) {
  parse_options(&argc, argv);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  std::string why;
  if (!options().floors_only && !extension_loads(&why)) {
    std::fprintf(stderr, "replic_bench: %s; build it, set REPLIC_SO, or give --floors\n",
                 why.c_str());
    return 1;
  }
  add_write_benchmarks();
  if (!options().floors_only) {
    add_late_benchmarks();
    add_constraint_benchmarks();
    add_read_benchmarks();
    add_bundle_benchmarks();
  }
  // Google Benchmark's own lines are progress; its machine-readable forms go to --benchmark_out.
  benchmark::ConsoleReporter progress(benchmark::ConsoleReporter::OO_None);
  progress.SetOutputStream(&std::cerr);
  progress.SetErrorStream(&std::cerr);
  benchmark::RunSpecifiedBenchmarks(&progress);
  benchmark::Shutdown();
  return print_report() ? 0 : 1;
}

}  // namespace
}  // namespace replic::bench

int main(int argc, char** argv) { return replic::bench::run(argc, argv); }
