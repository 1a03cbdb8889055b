#define _GNU_SOURCE
#include "ScriptedNames.h"

#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

typedef int (*resolver)(const char *, const char *, const struct addrinfo *, struct addrinfo **);

enum { NAMES = 32, LENGTH = 256 };

static struct {
    char name[LENGTH];
    char answers[LENGTH];
    int count;
} names[NAMES];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* With the lock held. */
static int place_of(const char *name) {
    for (int place = 0; place < NAMES; place++)
        if (strcmp(names[place].name, name) == 0) return place;
    return -1;
}

void scripted_names_set(const char *name, const char *answers) {
    pthread_mutex_lock(&lock);
    int place = place_of(name);
    if (place < 0) place = place_of("");
    if (place >= 0 && strlen(name) < LENGTH && strlen(answers) < LENGTH) {
        strcpy(names[place].name, name);
        strcpy(names[place].answers, answers);
        names[place].count = 0;
    }
    pthread_mutex_unlock(&lock);
}

int scripted_names_count(const char *name) {
    pthread_mutex_lock(&lock);
    int place = place_of(name);
    int count = place < 0 ? 0 : names[place].count;
    pthread_mutex_unlock(&lock);
    return count;
}

/* Copies the addresses of the next look-up; 0 for a name that is not scripted. */
static int next_answer(const char *name, char *answer) {
    pthread_mutex_lock(&lock);
    int place = place_of(name);
    if (place >= 0) {
        const char *start = names[place].answers;
        for (int skipped = 0; skipped < names[place].count && strchr(start, '|'); skipped++)
            start = strchr(start, '|') + 1;
        names[place].count++;
        size_t length = strcspn(start, "|");
        memcpy(answer, start, length);
        answer[length] = 0;
    }
    pthread_mutex_unlock(&lock);
    return place >= 0;
}

/* Linked into the program, this comes before the C library's own for all that the program loads. */
int getaddrinfo(
    const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **result
) {
    resolver next = (resolver)dlsym(RTLD_NEXT, "getaddrinfo");
    if (next == NULL) return EAI_SYSTEM;
    const char *ending = ".scripted.test";
    char answer[LENGTH];
    if (name == NULL || strlen(name) < strlen(ending) || strcmp(name + strlen(name) - strlen(ending), ending) != 0
        || !next_answer(name, answer))
        return next(name, service, hints, result);
    struct addrinfo numeric = {0};
    if (hints) numeric = *hints;
    numeric.ai_flags = AI_NUMERICHOST;
    struct addrinfo *first = NULL, **end = &first;
    char *rest = answer;
    for (char *address; (address = strsep(&rest, ",")) != NULL;) {
        /* An address of a family that was not asked for is left out. */
        if (next(address, service, &numeric, end) != 0) continue;
        while (*end) end = &(*end)->ai_next;
    }
    if (first == NULL) return EAI_NONAME;
    *result = first;
    return 0;
}
