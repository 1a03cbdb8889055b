// Test builds only: what someone who runs native code inside the worker would try next.
#define _GNU_SOURCE
#include "CSandbox.h"

#ifdef DEBUG
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

static long raw(long result) { return result < 0 ? -errno : result; }

static long open_file(const char *path, int flags) { return raw(syscall(SYS_openat, AT_FDCWD, path, flags, 0600)); }

static long executable_page(void) {
    void *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) return 0;
    return raw(syscall(SYS_mprotect, page, 4096, PROT_READ | PROT_EXEC));
}

static long connect_out(void) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(80)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return raw(syscall(SYS_connect, 0, &address, sizeof address));
}

static long run_program(void) {
    char *words[] = {"/bin/true", NULL};
    return raw(syscall(SYS_execve, words[0], words, words + 1));
}

static long read_parent(void) {
    char byte;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    return raw(syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0));
}

static char room[4096];

#define CALL(...) raw(syscall(__VA_ARGS__))
#define ATTEMPTS(do) \
    do("socket", CALL(SYS_socket, AF_INET, SOCK_STREAM, 0)) \
    do("socket-unix", CALL(SYS_socket, AF_UNIX, SOCK_STREAM, 0)) \
    do("socket-netlink", CALL(SYS_socket, AF_NETLINK, SOCK_RAW, 0)) \
    do("socketpair", CALL(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, room)) \
    do("connect", connect_out()) \
    do("bind", CALL(SYS_bind, 0, room, 16)) \
    do("listen", CALL(SYS_listen, 0, 1)) \
    do("accept", CALL(SYS_accept4, 0, 0, 0, 0)) \
    do("sendto", CALL(SYS_sendto, 1, room, 1, 0, 0, 0)) \
    do("sendmsg", CALL(SYS_sendmsg, 1, room, 0)) \
    do("recvmsg", CALL(SYS_recvmsg, 0, room, 0)) \
    do("execve", run_program()) \
    do("execveat", CALL(SYS_execveat, AT_FDCWD, "/bin/true", 0, 0, 0)) \
    do("fork", CALL(SYS_clone, SIGCHLD, 0, 0, 0, 0)) \
    do("clone3", CALL(SYS_clone3, room, 88)) \
    do("unshare", CALL(SYS_unshare, CLONE_NEWUSER)) \
    do("setns", CALL(SYS_setns, 0, 0)) \
    do("open", open_file("/etc/passwd", O_RDONLY)) \
    do("open-write", open_file("/tmp/runnel-attempt", O_WRONLY | O_CREAT)) \
    do("open-proc", open_file("/proc/self/mem", O_RDWR)) \
    do("open-parent", open_file("/proc/1/environ", O_RDONLY)) \
    do("openat2", CALL(SYS_openat2, AT_FDCWD, "/etc/passwd", room, 24)) \
    do("name-to-handle", CALL(SYS_name_to_handle_at, AT_FDCWD, "/", room, room + 64, 0)) \
    do("memfd", CALL(SYS_memfd_create, "x", 0)) \
    do("mkdir", CALL(SYS_mkdirat, AT_FDCWD, "/tmp/runnel-attempt-folder", 0700)) \
    do("unlink", CALL(SYS_unlinkat, AT_FDCWD, "/tmp/runnel-attempt-none", 0)) \
    do("rename", CALL(SYS_renameat2, AT_FDCWD, "/tmp/a", AT_FDCWD, "/tmp/b", 0)) \
    do("link", CALL(SYS_linkat, AT_FDCWD, "/etc/passwd", AT_FDCWD, "/tmp/runnel-attempt", 0)) \
    do("symlink", CALL(SYS_symlinkat, "/etc", AT_FDCWD, "/tmp/runnel-attempt")) \
    do("chmod", CALL(SYS_fchmodat, AT_FDCWD, "/tmp", 0777)) \
    do("truncate", CALL(SYS_truncate, "/tmp/runnel-attempt", 0)) \
    do("chdir", CALL(SYS_chdir, "/")) \
    do("chroot", CALL(SYS_chroot, "/tmp")) \
    do("mount", CALL(SYS_mount, "none", "/tmp", "tmpfs", 0, 0)) \
    do("pivot-root", CALL(SYS_pivot_root, "/", "/")) \
    do("getdents", CALL(SYS_getdents64, 0, room, sizeof room)) \
    do("ptrace", CALL(SYS_ptrace, 0, 0, 0, 0)) \
    do("read-parent", read_parent()) \
    do("write-parent", CALL(SYS_process_vm_writev, getppid(), room, 0, room, 0, 0)) \
    do("kill-parent", CALL(SYS_kill, getppid(), 0)) \
    do("pidfd", CALL(SYS_pidfd_open, getppid(), 0)) \
    do("mmap-exec", CALL(SYS_mmap, 0, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) \
    do("mprotect-exec", executable_page()) \
    do("pkey-mprotect", CALL(SYS_pkey_mprotect, room, 4096, PROT_EXEC, -1)) \
    do("mremap", CALL(SYS_mremap, room, 4096, 8192, 1, 0)) \
    do("remap-file-pages", CALL(SYS_remap_file_pages, room, 4096, 0, 0, 0)) \
    do("io-uring", CALL(SYS_io_uring_setup, 1, room)) \
    do("aio", CALL(SYS_io_setup, 1, room)) \
    do("bpf", CALL(SYS_bpf, 0, room, 64)) \
    do("userfaultfd", CALL(SYS_userfaultfd, 0)) \
    do("perf", CALL(SYS_perf_event_open, room, 0, -1, -1, 0)) \
    do("keyctl", CALL(SYS_keyctl, 0, -3, 1)) \
    do("add-key", CALL(SYS_add_key, "user", "x", "y", 1, -3)) \
    do("setuid", CALL(SYS_setuid, 0)) \
    do("setgroups", CALL(SYS_setgroups, 0, 0)) \
    do("capset", CALL(SYS_capset, room, room)) \
    do("raise-limits", CALL(SYS_prlimit64, 0, 9, room, 0)) \
    do("dumpable", CALL(SYS_prctl, 4, 1, 0, 0, 0)) \
    do("personality", CALL(SYS_personality, 0x0400000)) \
    do("seccomp", CALL(SYS_seccomp, 2, 0, 0)) \
    do("ioctl", CALL(SYS_ioctl, 0, 0x5412, room)) \
    do("dup", CALL(SYS_dup, 0)) \
    do("pipe", CALL(SYS_pipe2, room, 0)) \
    do("splice", CALL(SYS_splice, 0, 0, 1, 0, 1, 0)) \
    do("shared-memory", CALL(SYS_shmget, 1, 4096, 0600 | 01000)) \
    do("message-queue", CALL(SYS_msgget, 1, 0600 | 01000)) \
    do("timer", CALL(SYS_timer_create, 0, 0, room)) \
    do("signal-handler", CALL(SYS_rt_sigaction, SIGSEGV, room, 0, 8)) \
    do("reboot", CALL(SYS_reboot, 0, 0, 0, 0)) \
    do("module", CALL(SYS_init_module, room, 0, "")) \
    do("uname", CALL(SYS_uname, room))

int sandbox_attempt(const char *name) {
#define TRY(word, attempt) \
    if (!strcmp(name, word)) return (int)(attempt);
    ATTEMPTS(TRY)
    return INT_MIN;
}

const char *sandbox_attempt_name(int index) {
#define NAME(word, attempt) word,
    static const char *const names[] = {ATTEMPTS(NAME)};
    return index >= 0 && (size_t)index < sizeof names / sizeof *names ? names[index] : NULL;
}
#endif
