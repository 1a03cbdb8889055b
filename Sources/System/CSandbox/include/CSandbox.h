// The kernel's walls around `runnel-code-worker`: calls and macros that Swift cannot import.
//
// Every function returns 0 or a count when it did what it says, else the negative errno.
#ifndef CSANDBOX_H
#define CSANDBOX_H

#include <stddef.h>
#include <stdint.h>

// MARK: Walls, in the order in which they are put up

/// Closes every descriptor above `highest`.
int sandbox_close_descriptors(int highest);

/// Dies with the thread that started it, leaves no core, cannot be traced, writes no file, opens few; yields to others.
int sandbox_die_with_parent(void);
int sandbox_forbid_tracing(void);
int sandbox_limit(int no_core, int no_file_size, int few_files);
int sandbox_yield_to_others(int nice);

/// Keeps up to so many bytes that were freed for the next allocation, instead of giving them back page by page.
void sandbox_keep_freed_memory(size_t bytes);

/// Caps what the process may map from now on, so that its resident memory stays below `budget` bytes.
int sandbox_limit_memory(uint64_t budget);
/// Starts the thread that holds the cap below: before `sandbox_yield_to_others`, so that code does not keep it waiting,
/// and before all other threads, which never get its signal.
int sandbox_start_memory_watch(void);
/// Ends the process with `code` once its resident memory is larger than `bytes`: the engine has mapped tens of megabytes
/// in advance, which fill up without another mapping.
///
/// The watch looks at each tick of the kernel's clock in which the process ran (4 ms at 250 Hz), and every 0.4 ms while
/// its memory grows.
int sandbox_cap_resident_memory(uint64_t bytes, int code);

int sandbox_no_new_privileges(void);
/// The ABI of Landlock that is in force now; 0 when the kernel has none.
int sandbox_landlock(void);
/// The allow list of system calls, for all threads.
int sandbox_filter_system_calls(void);

// MARK: Questions that the self-test asks

/// An entry of the environment; null behind the last.
const char *sandbox_environment(int index);
/// Descriptors above `highest` that are open.
int sandbox_open_descriptors(int highest);
/// Mappings that can be written and executed.
int sandbox_writable_code(void);
/// Bytes of resident memory; 0 if it cannot be told.
uint64_t sandbox_resident_bytes(void);
int sandbox_resident_memory_is_capped(void);
int sandbox_dies_with_parent(void);
int sandbox_can_be_traced(void);
int sandbox_has_new_privileges(void);
/// 1 when the limit of this kind is as `sandbox_limit` sets it.
int sandbox_core_is_limited(void);
int sandbox_file_size_is_limited(void);
int sandbox_files_are_limited(void);

/// 0 when the kernel let it happen, else the errno with which it was refused.
int sandbox_try_socket(void);
int sandbox_try_open(void);
int sandbox_try_executable_memory(void);
int sandbox_try_allocation(uint64_t bytes);

// MARK: Input and output, which nothing interrupts

/// Reads exactly `count` bytes; 1 done, 0 the end before the first byte.
int sandbox_read(int descriptor, void *bytes, size_t count);
int sandbox_write(int descriptor, const void *bytes, size_t count);
/// Nanoseconds of processor time that this thread has used.
uint64_t sandbox_thread_time(void);
void sandbox_exit(int code) __attribute__((noreturn));

// MARK: Test builds only; in others they are declared, and nowhere

/// Does what an attacker who runs native code would do next, from inside; names are in `attempts.c`.
///
/// The result of the call: negative errno when it was refused. INT32_MIN: no such attempt on this machine.
int sandbox_attempt(const char *name);
/// The name at an index; null behind the last.
const char *sandbox_attempt_name(int index);
/// Opens a file that stays open.
void sandbox_leave_open(void);
void sandbox_restart(char **words, char **environment);
char *sandbox_copy(const char *text);
/// What an escape is after: `read`, `write`, `list`, `connect`, `spawn`, `environment`, `memory`, `parent`.
///
/// What it got, as text, or null when the kernel refused it.
const char *sandbox_power(const char *word, const char *argument);

#endif
