// Test builds only: the harm that an escape would do, for showing that the walls are what keeps it from being done.
#define _GNU_SOURCE
#include "CSandbox.h"

#ifdef DEBUG
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

void sandbox_leave_open(void) {
    int descriptor = open("/dev/null", O_RDONLY);
    (void)descriptor;
}

void sandbox_restart(char **words, char **environment) { execve("/proc/self/exe", words, environment); }

char *sandbox_copy(const char *text) { return strdup(text); }

static char got[256];

static const char *read_file(const char *path) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return NULL;
    ssize_t count = read(descriptor, got, sizeof got - 1);
    close(descriptor);
    if (count <= 0) return NULL;
    got[count] = 0;
    return got;
}

static const char *write_file(const char *path) {
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return NULL;
    close(descriptor);
    unlink(path);
    return "written";
}

static const char *use_network(void) {
    int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return NULL;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(9)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int result = connect(descriptor, (struct sockaddr *)&address, sizeof address);
    close(descriptor);
    return result ? NULL : "connected";
}

static const char *start_child(void) {
    pid_t child = fork();
    if (child < 0) return NULL;
    if (child == 0) _exit(0);
    waitpid(child, NULL, 0);
    return "spawned";
}

const char *sandbox_power(const char *word, const char *argument) {
    if (!strcmp(word, "read")) return read_file(argument);
    if (!strcmp(word, "write")) return write_file(argument);
    if (!strcmp(word, "list")) return read_file("/proc/self/mounts");
    if (!strcmp(word, "connect")) return use_network();
    if (!strcmp(word, "spawn")) return start_child();
    if (!strcmp(word, "environment")) return read_file("/proc/self/environ");
    if (!strcmp(word, "memory")) return read_file("/proc/self/maps");
    if (!strcmp(word, "parent")) {
        snprintf(got, sizeof got, "/proc/%d/cmdline", (int)getppid());
        char path[64];
        strncpy(path, got, sizeof path - 1);
        path[sizeof path - 1] = 0;
        return read_file(path);
    }
    return NULL;
}
#endif
