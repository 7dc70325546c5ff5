#include "support/io_fault.h"

#include <sqlite3.h>

namespace replic::test {
namespace {

struct Fault {
  bool armed = false;
  bool for_good = false;
  bool hit = false;
  Io io = Io::write;
  int code = SQLITE_OK;
  int64_t left = 0;
};
Fault fault;

// The code to fail with, or SQLITE_OK.
int fails(Io io) {
  if (!fault.armed || fault.io != io) return SQLITE_OK;
  if (fault.left > 1) {
    fault.left--;
    return SQLITE_OK;
  }
  if (fault.hit && !fault.for_good) return SQLITE_OK;
  fault.hit = true;
  return fault.code;
}

// Followed in memory by the file of the VFS beneath.
struct File {
  sqlite3_file base;
};
sqlite3_file* beneath(sqlite3_file* file) {
  return reinterpret_cast<sqlite3_file*>(reinterpret_cast<File*>(file) + 1);
}
sqlite3_vfs* beneath(sqlite3_vfs* vfs) { return static_cast<sqlite3_vfs*>(vfs->pAppData); }

int file_close(sqlite3_file* file) { return beneath(file)->pMethods->xClose(beneath(file)); }
int file_read(sqlite3_file* file, void* data, int size, sqlite3_int64 offset) {
  if (const int rc = fails(Io::read)) return rc;
  return beneath(file)->pMethods->xRead(beneath(file), data, size, offset);
}
int file_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
  if (const int rc = fails(Io::write)) return rc;
  return beneath(file)->pMethods->xWrite(beneath(file), data, size, offset);
}
int file_truncate(sqlite3_file* file, sqlite3_int64 size) {
  if (const int rc = fails(Io::write)) return rc;
  return beneath(file)->pMethods->xTruncate(beneath(file), size);
}
int file_sync(sqlite3_file* file, int) {
  // The disk itself is not what is tested here: no sync goes through.
  static_cast<void>(file);
  return fails(Io::sync);
}
int file_size(sqlite3_file* file, sqlite3_int64* size) {
  return beneath(file)->pMethods->xFileSize(beneath(file), size);
}
int file_lock(sqlite3_file* file, int level) {
  return beneath(file)->pMethods->xLock(beneath(file), level);
}
int file_unlock(sqlite3_file* file, int level) {
  return beneath(file)->pMethods->xUnlock(beneath(file), level);
}
int file_check_lock(sqlite3_file* file, int* locked) {
  return beneath(file)->pMethods->xCheckReservedLock(beneath(file), locked);
}
int file_control(sqlite3_file* file, int op, void* argument) {
  return beneath(file)->pMethods->xFileControl(beneath(file), op, argument);
}
int file_sector_size(sqlite3_file* file) {
  return beneath(file)->pMethods->xSectorSize(beneath(file));
}
int file_characteristics(sqlite3_file* file) {
  return beneath(file)->pMethods->xDeviceCharacteristics(beneath(file));
}
int file_shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
  if (const int rc = fails(Io::shared_memory)) return rc;
  return beneath(file)->pMethods->xShmMap(beneath(file), page, size, extend, out);
}
int file_shm_lock(sqlite3_file* file, int offset, int count, int flags) {
  return beneath(file)->pMethods->xShmLock(beneath(file), offset, count, flags);
}
void file_shm_barrier(sqlite3_file* file) { beneath(file)->pMethods->xShmBarrier(beneath(file)); }
int file_shm_unmap(sqlite3_file* file, int remove) {
  return beneath(file)->pMethods->xShmUnmap(beneath(file), remove);
}
int file_fetch(sqlite3_file*, sqlite3_int64, int, void** out) {
  *out = nullptr;  // no memory mapping: reads are to be seen
  return SQLITE_OK;
}
int file_unfetch(sqlite3_file*, sqlite3_int64, void*) { return SQLITE_OK; }

const sqlite3_io_methods kMethods = {
    3,  // iVersion
    file_close,
    file_read,
    file_write,
    file_truncate,
    file_sync,
    file_size,
    file_lock,
    file_unlock,
    file_check_lock,
    file_control,
    file_sector_size,
    file_characteristics,
    file_shm_map,
    file_shm_lock,
    file_shm_barrier,
    file_shm_unmap,
    file_fetch,
    file_unfetch,
};

int vfs_open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out_flags) {
  file->pMethods = nullptr;
  if (fails(Io::open) != SQLITE_OK) return SQLITE_CANTOPEN;
  const int rc = beneath(vfs)->xOpen(beneath(vfs), name, beneath(file), flags, out_flags);
  if (rc == SQLITE_OK) file->pMethods = &kMethods;
  return rc;
}
int vfs_delete(sqlite3_vfs* vfs, const char* name, int sync) {
  if (const int rc = fails(Io::write)) return rc;
  return beneath(vfs)->xDelete(beneath(vfs), name, sync);
}
int vfs_time_int64(sqlite3_vfs*, sqlite3_int64* out) {
  *out = 210'866'760'000'000 + kFaultVfsUnixMs;  // the Julian day of 1970-01-01, in milliseconds
  return SQLITE_OK;
}
int vfs_time(sqlite3_vfs* vfs, double* out) {
  sqlite3_int64 ms = 0;
  vfs_time_int64(vfs, &ms);
  *out = static_cast<double>(ms) / 86'400'000.0;
  return SQLITE_OK;
}

}  // namespace

IoFault::IoFault(Io io, int code, int64_t nth, bool for_good) {
  fault = {true, for_good, false, io, code, nth};
}
void IoFault::disarm() { fault.armed = false; }
bool IoFault::hit() const { return fault.hit; }

void register_fault_vfs() {
  static sqlite3_vfs vfs = [] {
    sqlite3_vfs* below = sqlite3_vfs_find(nullptr);
    sqlite3_vfs v = *below;
    v.szOsFile = static_cast<int>(sizeof(File)) + below->szOsFile;
    v.pNext = nullptr;
    v.zName = kFaultVfs;
    v.pAppData = below;
    v.xOpen = vfs_open;
    v.xDelete = vfs_delete;
    v.xCurrentTime = vfs_time;
    v.xCurrentTimeInt64 = vfs_time_int64;
    // The rest of the copied methods takes the VFS as an argument that the one beneath ignores.
    return v;
  }();
  sqlite3_vfs_register(&vfs, 0);
}

}  // namespace replic::test
