#include "FaultyDisk.h"

#include <pthread.h>
#include <sqlite3.h>
#include <string.h>

/* One file: what SQLite sees, behind it the system's own. */
typedef struct {
    sqlite3_file base;
    int is_watched;
    int is_database;
    sqlite3_file *real;
} faulty_file;

static sqlite3_vfs *real_vfs;
static sqlite3_vfs faulty_vfs;
static sqlite3_io_methods methods;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char prefix[1024];
static int armed_kind = FAULTY_DISK_NONE;
static long left;
static int has_struck;

static sqlite3_file *real_of(sqlite3_file *file) { return ((faulty_file *)file)->real; }

/* What is to happen to this write or sync. */
static int fault_of(sqlite3_file *file, int is_sync) {
    int kind = FAULTY_DISK_NONE;
    if (!((faulty_file *)file)->is_watched) return kind;
    pthread_mutex_lock(&lock);
    int armed = armed_kind & ~FAULTY_DISK_DATABASE;
    int is_meant = armed_kind == armed || ((faulty_file *)file)->is_database;
    if (is_meant && armed != FAULTY_DISK_NONE && (armed == FAULTY_DISK_SYNC_ERROR) == is_sync) {
        if (left > 0) left--;
        if (left == 0) {
            kind = armed;
            has_struck = 1;
        }
    }
    pthread_mutex_unlock(&lock);
    return kind;
}

static int faulty_close(sqlite3_file *file) { return real_of(file)->pMethods->xClose(real_of(file)); }

static int faulty_read(sqlite3_file *file, void *to, int count, sqlite3_int64 offset) {
    return real_of(file)->pMethods->xRead(real_of(file), to, count, offset);
}

static int faulty_write(sqlite3_file *file, const void *from, int count, sqlite3_int64 offset) {
    sqlite3_file *real = real_of(file);
    switch (fault_of(file, 0)) {
    case FAULTY_DISK_FULL: return SQLITE_FULL;
    case FAULTY_DISK_IO_ERROR: return SQLITE_IOERR_WRITE;
    case FAULTY_DISK_TORN:
        if (count > 1) real->pMethods->xWrite(real, from, count / 2, offset);
        return SQLITE_IOERR_WRITE;
    default: return real->pMethods->xWrite(real, from, count, offset);
    }
}

static int faulty_truncate(sqlite3_file *file, sqlite3_int64 size) {
    return real_of(file)->pMethods->xTruncate(real_of(file), size);
}

static int faulty_sync(sqlite3_file *file, int flags) {
    if (fault_of(file, 1) != FAULTY_DISK_NONE) return SQLITE_IOERR_FSYNC;
    return real_of(file)->pMethods->xSync(real_of(file), flags);
}

static int faulty_size(sqlite3_file *file, sqlite3_int64 *size) {
    return real_of(file)->pMethods->xFileSize(real_of(file), size);
}

static int faulty_lock(sqlite3_file *file, int level) { return real_of(file)->pMethods->xLock(real_of(file), level); }

static int faulty_unlock(sqlite3_file *file, int level) {
    return real_of(file)->pMethods->xUnlock(real_of(file), level);
}

static int faulty_check_lock(sqlite3_file *file, int *result) {
    return real_of(file)->pMethods->xCheckReservedLock(real_of(file), result);
}

static int faulty_control(sqlite3_file *file, int operation, void *argument) {
    return real_of(file)->pMethods->xFileControl(real_of(file), operation, argument);
}

static int faulty_sector(sqlite3_file *file) { return real_of(file)->pMethods->xSectorSize(real_of(file)); }

static int faulty_traits(sqlite3_file *file) {
    return real_of(file)->pMethods->xDeviceCharacteristics(real_of(file));
}

static int faulty_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **to) {
    return real_of(file)->pMethods->xShmMap(real_of(file), page, size, extend, to);
}

static int faulty_shm_lock(sqlite3_file *file, int offset, int count, int flags) {
    return real_of(file)->pMethods->xShmLock(real_of(file), offset, count, flags);
}

static void faulty_shm_barrier(sqlite3_file *file) { real_of(file)->pMethods->xShmBarrier(real_of(file)); }

static int faulty_shm_unmap(sqlite3_file *file, int remove) {
    return real_of(file)->pMethods->xShmUnmap(real_of(file), remove);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *given) {
    (void)vfs;
    faulty_file *faulty = (faulty_file *)file;
    /* The system's own file stands behind ours, in the same piece of memory. */
    faulty->real = (sqlite3_file *)&faulty[1];
    pthread_mutex_lock(&lock);
    faulty->is_watched = name && prefix[0] && strncmp(name, prefix, strlen(prefix)) == 0;
    pthread_mutex_unlock(&lock);
    faulty->is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    int result = real_vfs->xOpen(real_vfs, name, faulty->real, flags, given);
    faulty->base.pMethods = faulty->real->pMethods ? &methods : NULL;
    return result;
}

int faulty_disk_install(void) {
    static int is_installed;
    int result = SQLITE_OK;
    if (sqlite3_initialize() != SQLITE_OK) return 1;
    pthread_mutex_lock(&lock);
    if (!is_installed) {
        real_vfs = sqlite3_vfs_find(NULL);
        faulty_vfs = *real_vfs;
        faulty_vfs.zName = "faulty";
        faulty_vfs.pNext = NULL;
        faulty_vfs.szOsFile = (int)sizeof(faulty_file) + real_vfs->szOsFile;
        faulty_vfs.xOpen = faulty_open;
        methods = (sqlite3_io_methods){
            2,                 faulty_close,    faulty_read,       faulty_write,   faulty_truncate,
            faulty_sync,       faulty_size,     faulty_lock,       faulty_unlock,  faulty_check_lock,
            faulty_control,    faulty_sector,   faulty_traits,     faulty_shm_map, faulty_shm_lock,
            faulty_shm_barrier, faulty_shm_unmap, NULL,            NULL,
        };
        result = sqlite3_vfs_register(&faulty_vfs, 1);
        is_installed = result == SQLITE_OK;
    }
    pthread_mutex_unlock(&lock);
    return result == SQLITE_OK ? 0 : 1;
}

void faulty_disk_arm(const char *path_prefix, int kind, long n) {
    pthread_mutex_lock(&lock);
    strncpy(prefix, path_prefix, sizeof prefix - 1);
    armed_kind = kind;
    left = n;
    has_struck = 0;
    pthread_mutex_unlock(&lock);
}

void faulty_disk_heal(void) {
    pthread_mutex_lock(&lock);
    armed_kind = FAULTY_DISK_NONE;
    pthread_mutex_unlock(&lock);
}

int faulty_disk_has_struck(void) {
    pthread_mutex_lock(&lock);
    int result = has_struck;
    pthread_mutex_unlock(&lock);
    return result;
}
