#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

// MARK: The process

int sandbox_close_descriptors(int highest) {
    if (!syscall(SYS_close_range, highest + 1, ~0U, 0)) return 0;
    for (int descriptor = highest + 1; descriptor < 65536; descriptor++) close(descriptor);
    return 0;
}

int sandbox_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL) ? -errno : 0; }

int sandbox_forbid_tracing(void) { return prctl(PR_SET_DUMPABLE, 0) ? -errno : 0; }

static int limit(int resource, rlim_t value) {
    struct rlimit limit = {value, value};
    return setrlimit(resource, &limit) ? -errno : 0;
}

enum { FEW_FILES = 16 };

int sandbox_limit(int no_core, int no_file_size, int few_files) {
    int result = 0;
    if (no_core && !result) result = limit(RLIMIT_CORE, 0);
    if (no_file_size && !result) result = limit(RLIMIT_FSIZE, 0);
    if (few_files && !result) result = limit(RLIMIT_NOFILE, FEW_FILES);
    return result;
}

int sandbox_yield_to_others(int nice) {
    // The kernel's memory killer, should it ever have to choose, chooses the worker.
    int descriptor = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        ssize_t written = write(descriptor, "800", 3);
        (void)written;
        close(descriptor);
    }
    return setpriority(PRIO_PROCESS, 0, nice) ? -errno : 0;
}

// MARK: Memory

void sandbox_keep_freed_memory(size_t bytes) {
    mallopt(M_MMAP_THRESHOLD, (int)bytes);
    mallopt(M_TRIM_THRESHOLD, (int)bytes);
}

static int read_sizes(uint64_t *mapped, uint64_t *resident, uint64_t *data) {
    FILE *file = fopen("/proc/self/status", "re");
    if (!file) return -errno;
    char line[256];
    unsigned long kilobytes;
    *mapped = *resident = *data = 0;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "VmSize: %lu", &kilobytes) == 1) *mapped = (uint64_t)kilobytes << 10;
        if (sscanf(line, "VmRSS: %lu", &kilobytes) == 1) *resident = (uint64_t)kilobytes << 10;
        if (sscanf(line, "VmData: %lu", &kilobytes) == 1) *data = (uint64_t)kilobytes << 10;
    }
    fclose(file);
    return *mapped && *resident && *data ? 0 : -EIO;
}

uint64_t sandbox_resident_bytes(void) {
    uint64_t mapped, resident, data;
    return read_sizes(&mapped, &resident, &data) ? 0 : resident;
}

enum { PAGE_BITS = 12, PAGES_AT_ONCE = 1 << 16 };

// Makes all of a reservation untouchable but what is in use, and `room` behind that.
static int close_reservation(unsigned long from, unsigned long to, uint64_t room) {
    unsigned char *resident = malloc(PAGES_AT_ONCE);
    if (!resident) return -ENOMEM;
    int result = 0;
    unsigned long used = 0;
    // From its end: a gigabyte has 262,144 pages, and almost none is in use.
    for (unsigned long behind = (to - from) >> PAGE_BITS; behind && !used && !result;) {
        unsigned long count = behind < PAGES_AT_ONCE ? behind : PAGES_AT_ONCE;
        behind -= count;
        result = mincore((void *)(from + (behind << PAGE_BITS)), count << PAGE_BITS, resident) ? -errno : 0;
        for (unsigned long page = 0; !result && page < count; page++) {
            if (resident[page] & 1) used = behind + page + 1;
        }
    }
    free(resident);
    uint64_t kept = ((uint64_t)used << PAGE_BITS) + room;
    if (result || kept >= to - from) return result;
    return mprotect((void *)(from + kept), to - from - kept, PROT_NONE) ? -errno : 0;
}

// JavaScriptCore reserves 64 GiB for what it allocates, and 4 GiB for the shapes of objects, as memory that is there
// already: the limits on mapping do not see them fill up.
static int close_reservations(uint64_t room) {
    FILE *file = fopen("/proc/self/maps", "re");
    if (!file) return -errno;
    char line[512];
    // Not while the list is read: closing one of them changes it.
    struct {
        unsigned long from, to;
    } found[8];
    int count = 0;
    while (count < 8 && fgets(line, sizeof line, file)) {
        char rights[8];
        unsigned long from = 0, to = 0;
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3) continue;
        if (to - from < (1UL << 30) || rights[1] != 'w' || strchr(line, '/')) continue;
        found[count].from = from;
        found[count++].to = to;
    }
    fclose(file);
    int result = 0;
    for (int each = 0; each < count && !result; each++) {
        result = close_reservation(found[each].from, found[each].to, room);
    }
    return result;
}

int sandbox_limit_memory(uint64_t budget) {
    uint64_t mapped, resident, data;
    uint64_t shapes = budget / 8;
    int result = close_reservations(shapes);
    if (result) return result;
    result = read_sizes(&mapped, &resident, &data);
    if (result) return result;
    if (budget < resident + shapes + (8u << 20)) return -ENOMEM;
    uint64_t room = budget - resident - shapes;
    result = limit(RLIMIT_AS, mapped + room);
    return result ? result : limit(RLIMIT_DATA, data + room);
}

static struct {
    int sizes;
    unsigned long pages;
    int code;
} resident_cap = {-1, 0, 0};

static unsigned long resident_pages(void) {
    char text[128];
    ssize_t count = pread(resident_cap.sizes, text, sizeof text, 0);
    ssize_t position = 0;
    while (position < count && text[position] != ' ') position++;
    unsigned long pages = 0;
    for (position++; position < count && text[position] >= '0' && text[position] <= '9'; position++) {
        pages = pages * 10 + (unsigned long)(text[position] - '0');
    }
    return pages;
}

static void wake(int signal) { (void)signal; }

// Asks to be let in at once, not when the turn of whoever runs is over (3 ms): its own turns are short. Kernels before
// 6.12 do not listen.
static void take_short_turns(void) {
    struct {
        uint32_t size, policy;
        uint64_t flags;
        int32_t nice;
        uint32_t priority;
        uint64_t runtime, deadline, period;
    } attributes = {.size = sizeof attributes, .policy = SCHED_OTHER, .runtime = 100000};
    // As it is: who is no root may not lower it, and all of the call would be refused.
    attributes.nice = getpriority(PRIO_PROCESS, 0);
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

// The timer's signal, which comes once the cap is set, goes to this thread alone: JavaScriptCore, interrupted by a
// handler that is not its own, crashed once in some thousand calls.
static void *watch_resident_size(void *started) {
    take_short_turns();
    // Whoever waits for this shuts the door behind it, to which these calls do not pass.
    sem_post((sem_t *)started);
    sigset_t others;
    sigfillset(&others);
    sigdelset(&others, SIGPROF);
    // Code that takes memory takes up to six megabytes a millisecond, and a tick is long: it is looked at in between.
    enum { PAGES_OF_GROWTH = 256, LOOKS_WITHOUT_GROWTH = 8 };
    static const struct timespec between = {0, 400000};
    unsigned long seen = 0;
    int close_looks = 0;
    for (;;) {
        if (close_looks) {
            close_looks--;
            (void)clock_nanosleep(CLOCK_MONOTONIC, 0, &between, NULL);
        } else {
            sigsuspend(&others);
        }
        unsigned long pages = resident_pages();
        if (pages > resident_cap.pages) _exit(resident_cap.code);
        int has_grown = pages > seen + PAGES_OF_GROWTH;
        if (has_grown) close_looks = LOOKS_WITHOUT_GROWTH;
        if (has_grown || pages < seen) seen = pages;
    }
    return NULL;
}

int sandbox_start_memory_watch(void) {
    sigset_t timer;
    sigemptyset(&timer);
    sigaddset(&timer, SIGPROF);
    struct sigaction action = {.sa_handler = wake};
    if (sigaction(SIGPROF, &action, NULL)) return -errno;
    int error = pthread_sigmask(SIG_BLOCK, &timer, NULL);
    pthread_attr_t attributes;
    if (error || (error = pthread_attr_init(&attributes))) return -error;
    pthread_t watch;
    static sem_t started;
    sem_init(&started, 0, 0);
    pthread_attr_setstacksize(&attributes, 64 << 10);
    error = pthread_create(&watch, &attributes, watch_resident_size, &started);
    pthread_attr_destroy(&attributes);
    while (!error && sem_wait(&started)) {}
    return -error;
}

int sandbox_cap_resident_memory(uint64_t bytes, int code) {
    // Small pages fill up slowly enough to be watched.
    if (prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)) return -errno;
    resident_cap.sizes = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    if (resident_cap.sizes < 0) return -errno;
    resident_cap.pages = (unsigned long)(bytes / (uint64_t)sysconf(_SC_PAGESIZE));
    resident_cap.code = code;
    // Counts processor time, so that a worker that waits is left alone, and a busy machine changes little.
    struct itimerval each = {{0, 1000}, {0, 1000}};
    return setitimer(ITIMER_PROF, &each, NULL) ? -errno : 0;
}

// MARK: Questions

const char *sandbox_environment(int index) { return environ ? environ[index] : NULL; }

int sandbox_open_descriptors(int highest) {
    int open = 0;
    for (int descriptor = highest + 1; descriptor < 1024; descriptor++) {
        if (fcntl(descriptor, F_GETFD) >= 0) open++;
    }
    return open;
}

int sandbox_writable_code(void) {
    FILE *file = fopen("/proc/self/maps", "re");
    if (!file) return -errno;
    char line[512], rights[8];
    unsigned long from, to;
    int found = 0;
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "%lx-%lx %7s", &from, &to, rights) != 3) continue;
        if (rights[1] == 'w' && rights[2] == 'x') found++;
    }
    fclose(file);
    return found;
}

int sandbox_dies_with_parent(void) {
    int signal = 0;
    return !prctl(PR_GET_PDEATHSIG, &signal) && signal == SIGKILL;
}

int sandbox_can_be_traced(void) { return prctl(PR_GET_DUMPABLE) != 0; }

int sandbox_has_new_privileges(void) { return prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1; }

int sandbox_resident_memory_is_capped(void) {
    struct itimerval timer;
    return !getitimer(ITIMER_PROF, &timer) && timer.it_interval.tv_usec > 0;
}

static int is_limited(int resource, rlim_t value) {
    struct rlimit limit;
    return !getrlimit(resource, &limit) && limit.rlim_max <= value;
}

int sandbox_core_is_limited(void) { return is_limited(RLIMIT_CORE, 0); }
int sandbox_file_size_is_limited(void) { return is_limited(RLIMIT_FSIZE, 0); }
int sandbox_files_are_limited(void) { return is_limited(RLIMIT_NOFILE, FEW_FILES); }

int sandbox_try_socket(void) {
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    if (descriptor < 0) return errno;
    close(descriptor);
    return 0;
}

int sandbox_try_open(void) {
    int descriptor = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return errno;
    close(descriptor);
    return 0;
}

int sandbox_try_executable_memory(void) {
    void *page = mmap(0, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return errno;
    munmap(page, 4096);
    return 0;
}

int sandbox_try_allocation(uint64_t bytes) {
    void *memory = mmap(0, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return errno;
    munmap(memory, bytes);
    return 0;
}

// MARK: Input and output

int sandbox_read(int descriptor, void *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t got = read(descriptor, (char *)bytes + done, count - done);
        if (got == 0) return done ? -EPIPE : 0;
        if (got < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        done += (size_t)got;
    }
    return 1;
}

int sandbox_write(int descriptor, const void *bytes, size_t count) {
    size_t done = 0;
    while (done < count) {
        ssize_t put = write(descriptor, (const char *)bytes + done, count - done);
        if (put < 0) {
            if (errno == EINTR) continue;
            return -errno;
        }
        done += (size_t)put;
    }
    return 1;
}

uint64_t sandbox_thread_time(void) {
    struct timespec time;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)) return 0;
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void sandbox_exit(int code) { _exit(code); }
