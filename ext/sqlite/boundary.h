// Where C++ meets SQLite's C callbacks. The only place that catches: nothing thrown by us crosses
// into SQLite.

#pragma once

#include <exception>
#include <new>
#include <utility>

#include "base/error.h"
#include "sqlite/api.h"

namespace replic {

// Makes the C++ run time set up its state of exceptions for this thread. It does so at the first
// exception otherwise, and ends the process when there is no memory just then.
inline void prepare_exceptions() noexcept {
  [[maybe_unused]] volatile int count = std::uncaught_exceptions();
}

// Runs `work`. Returns SQLITE_OK, or the code of what it threw, with the text handed to
// `report(const char*)`.
template <typename Work, typename Report>
int guarded(Work&& work, Report&& report) noexcept {
  prepare_exceptions();
  try {
    std::forward<Work>(work)();
    return SQLITE_OK;
  } catch (const Error& error) {
    report(error.what());
    return error.sqlite_code();
  } catch (const std::bad_alloc&) {
    return SQLITE_NOMEM;
  } catch (const std::exception& error) {
    report(error.what());
    return SQLITE_ERROR;
  } catch (...) {
    report("replic: E_INTERNAL: unknown exception; please report this");
    return SQLITE_ERROR;
  }
}

// For scalar functions: the error becomes the function's result.
template <typename Work>
void guarded_call(sqlite3_context* context, Work&& work) noexcept {
  const int rc = guarded(std::forward<Work>(work),
                         [&](const char* text) { sqlite3_result_error(context, text, -1); });
  // The text first, then the code: sqlite3_result_error sets the code back.
  if (rc == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(context);
  } else if (rc != SQLITE_OK) {
    sqlite3_result_error_code(context, rc);
  }
}

// For methods of virtual tables: the error text goes where SQLite looks for it.
template <typename Work>
int guarded_method(sqlite3_vtab* table, Work&& work) noexcept {
  return guarded(std::forward<Work>(work), [&](const char* text) {
    sqlite3_free(table->zErrMsg);
    table->zErrMsg = sqlite3_mprintf("%s", text);
  });
}

// Runs `work` and keeps what it throws for later. True when it threw nothing.
template <typename Work>
bool guarded_into(std::exception_ptr& slot, Work&& work) noexcept {
  prepare_exceptions();
  try {
    std::forward<Work>(work)();
    return true;
  } catch (...) {
    slot = std::current_exception();
    return false;
  }
}

}  // namespace replic
