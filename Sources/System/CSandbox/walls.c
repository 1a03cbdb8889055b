#define _GNU_SOURCE
#include "CSandbox.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int sandbox_no_new_privileges(void) { return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ? -errno : 0; }

// MARK: Landlock

// Written out, because the headers of the machine that builds may be older than the kernel that runs.
enum { LANDLOCK_CREATE = 444, LANDLOCK_RESTRICT = 446, LANDLOCK_VERSION_FLAG = 1 };

struct landlock_rules {
    uint64_t files;
    uint64_t network;
    uint64_t scoped;
};

int sandbox_landlock(void) {
    long abi = syscall(LANDLOCK_CREATE, NULL, 0, LANDLOCK_VERSION_FLAG);
    if (abi <= 0) return 0;
    // What each version of the kernel's interface added: 13 kinds of access to files at first.
    int file_rights = 13;
    if (abi >= 2) file_rights++;
    if (abi >= 3) file_rights++;
    if (abi >= 5) file_rights++;
    struct landlock_rules rules = {
        .files = (1ULL << file_rights) - 1,
        .network = abi >= 4 ? 3 : 0,
        .scoped = abi >= 6 ? 3 : 0,
    };
    size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
    // Nothing is allowed: no rule is added.
    long rules_descriptor = syscall(LANDLOCK_CREATE, &rules, size, 0);
    if (rules_descriptor < 0) return -errno;
    long result = syscall(LANDLOCK_RESTRICT, rules_descriptor, 0);
    int error = errno;
    close((int)rules_descriptor);
    return result ? -error : (int)abi;
}

// MARK: System calls

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the list of system calls is written for x86_64 and aarch64"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define GIVE(verdict) BPF_STMT(BPF_RET | BPF_K, verdict)
#define UNLESS(value, skipped) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, skipped)
#define ALLOW(call) UNLESS(SYS_##call, 1), GIVE(SECCOMP_RET_ALLOW)
#define REFUSE(call, error) UNLESS(SYS_##call, 1), GIVE(SECCOMP_RET_ERRNO | (error))
// The lower halves of the arguments: both architectures are little-endian.
#define ARGUMENT(index) (offsetof(struct seccomp_data, args) + 8 * (index))
#define LOAD_ARGUMENT(index) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, ARGUMENT(index))
#define IF_ANY(bits, then, otherwise) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bits, then, otherwise)
/// Refused when the argument has one of the bits, else allowed.
#define ALLOW_WITHOUT(call, index, bits) \
    UNLESS(SYS_##call, 4), LOAD_ARGUMENT(index), IF_ANY(bits, 0, 1), GIVE(SECCOMP_RET_ERRNO | EACCES), \
        GIVE(SECCOMP_RET_ALLOW)

int sandbox_filter_system_calls(void) {
    struct sock_filter list[] = {
        LOAD(arch),
        UNLESS(ARCHITECTURE, 1),
        BPF_JUMP(BPF_JMP | BPF_JA, 1, 0, 0),
        GIVE(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        ALLOW(read),
        ALLOW(write),
        ALLOW(futex),
        ALLOW(madvise),
        ALLOW(munmap),
        ALLOW(brk),
        ALLOW(sched_yield),
        ALLOW(clock_gettime),
        ALLOW(clock_nanosleep),
        ALLOW(rt_sigprocmask),
        ALLOW(rt_sigreturn),
        // How one thread of the engine stops another: seen on a busy machine only.
        ALLOW(rt_sigsuspend),
        ALLOW(set_robust_list),
        ALLOW(rseq),
        ALLOW(gettid),
        ALLOW(getpid),
        ALLOW(tgkill),
        ALLOW(close),
        ALLOW(pread64),
        ALLOW(ppoll),
#ifdef SYS_poll
        ALLOW(poll),
#endif
        ALLOW(getrandom),
        ALLOW(sched_getaffinity),
        ALLOW(restart_syscall),
        ALLOW(exit),
        ALLOW(exit_group),
        // Memory, but none that can be executed.
        ALLOW_WITHOUT(mmap, 2, PROT_EXEC),
        ALLOW_WITHOUT(mprotect, 2, PROT_EXEC),
        // Threads of this process alone; glibc falls back from clone3, whose flags a filter cannot see.
        UNLESS(SYS_clone, 4),
        LOAD_ARGUMENT(0),
        IF_ANY(CLONE_THREAD, 0, 1),
        GIVE(SECCOMP_RET_ALLOW),
        GIVE(SECCOMP_RET_KILL_PROCESS),
        REFUSE(clone3, ENOSYS),
        REFUSE(mremap, ENOMEM),
        // Asked for by libraries, or by the self-test, in good faith; everything else ends the process.
        REFUSE(openat, EACCES),
#ifdef SYS_open
        REFUSE(open, EACCES),
        REFUSE(readlink, EACCES),
#endif
        REFUSE(readlinkat, EACCES),
        REFUSE(newfstatat, EACCES),
        REFUSE(fstat, EACCES),
        REFUSE(lseek, EACCES),
        REFUSE(socket, EACCES),
        REFUSE(prctl, EPERM),
        REFUSE(sched_setscheduler, EPERM),
        REFUSE(prlimit64, EPERM),
        REFUSE(ioctl, EPERM),
        GIVE(SECCOMP_RET_KILL_PROCESS),
    };
    struct sock_fprog program = {.len = sizeof list / sizeof *list, .filter = list};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &program);
    if (result > 0) return -EAGAIN;
    return result < 0 ? -errno : 0;
}
