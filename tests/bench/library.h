// Databases with a long log, made once a process and shared: benchmarks leave them as they are.
//
// A library of size n holds n patches of three peers, a few of them lost on the way: n / 4
// rows, each created once and then updated in one column three times.
#ifndef REPLIC_TESTS_BENCH_LIBRARY_H_
#define REPLIC_TESTS_BENCH_LIBRARY_H_

#include <cstddef>
#include <string>

#include "db.h"
#include "workload.h"

namespace replic::bench {

const Plan& library_plan(size_t size);
// The path of the library that replic_apply made, or the realistic floor; made on first need.
std::string library_path(size_t size, bool ours);
// Reads every page of the file into the connection's cache, so that a race sees no disk.
void warm(Db& db);

}  // namespace replic::bench

#endif  // REPLIC_TESTS_BENCH_LIBRARY_H_
