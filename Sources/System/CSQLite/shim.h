#pragma once
#include <sqlite3.h>

/// Lets SQLite allocate without counting what it has, for which all threads would take one lock at each allocation.
///
/// To be called before the first connection; `sqlite3_config` takes a variable list, which Swift cannot call.
static inline int runnel_sqlite_counts_no_memory(void) { return sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0); }
