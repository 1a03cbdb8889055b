#ifndef SCRIPTED_NAMES_H
#define SCRIPTED_NAMES_H

/* A resolver that answers as it is told, in place of the system's own `getaddrinfo` for every library of this process.
   Only names that end in ".scripted.test" are touched; all others go to the system. */

/* What the name leads to: the addresses of one look-up separated by ',', further look-ups behind '|'; the last one is
   repeated. At most 32 names. */
void scripted_names_set(const char *name, const char *answers);

/* How often the name was looked up since it was set. */
int scripted_names_count(const char *name);

#endif
