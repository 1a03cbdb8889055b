#ifndef FAULTY_DISK_H
#define FAULTY_DISK_H

/* A disk under SQLite that fails when told to: a layer over the system's own file system, the default one of this
   process from `faulty_disk_install` on. Only files whose path begins with the given text are touched. */

enum {
    FAULTY_DISK_NONE = 0,
    FAULTY_DISK_FULL = 1,     /* no space for what is written */
    FAULTY_DISK_IO_ERROR = 2, /* a write fails */
    FAULTY_DISK_SYNC_ERROR = 3, /* a sync fails */
    FAULTY_DISK_TORN = 4,     /* half of what is written reaches the disk, then an error */
    FAULTY_DISK_DATABASE = 8  /* with one of the above: of the database file alone, not of its log */
};

/* 0 when it is installed. */
int faulty_disk_install(void);

/* From the n-th write (or sync, for FAULTY_DISK_SYNC_ERROR) on, from 1, everything of the kind fails until it is healed.
   The database file is written to when it is made, and when its log is copied into it. */
void faulty_disk_arm(const char *path_prefix, int kind, long n);

/* Everything works again. */
void faulty_disk_heal(void);

/* Whether a fault has struck since it was armed. */
int faulty_disk_has_struck(void);

#endif
