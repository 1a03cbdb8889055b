/*
 * The limit that `make bench` measures the engine against: the very statements that the engine issued, prepared once,
 * bound to the recorded values and stepped, with nothing around them. `StatementRecording.swift` writes the file.
 *
 * replay RECORDING DATABASE  runs it on DATABASE, a copy of the store as it was when the recording began, in the
 * groups that the recording marks, and prints: flows, seconds, statements.
 */
#include <errno.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_STATEMENTS = 1024 };

static const unsigned char *at, *end;
static sqlite3 *db;
static sqlite3_stmt *statements[MAX_STATEMENTS];
static sqlite3_stmt *begin_group, *commit_group;

static void fail(const char *what) {
    fprintf(stderr, "replay: %s: %s\n", what, db ? sqlite3_errmsg(db) : strerror(errno));
    exit(1);
}

static void need(size_t count) {
    if ((size_t)(end - at) < count) fail("the recording ends too early");
}

static uint32_t take_u32(void) {
    uint32_t value;
    need(4);
    memcpy(&value, at, 4);
    at += 4;
    return value;
}

static int64_t take_i64(void) {
    int64_t value;
    need(8);
    memcpy(&value, at, 8);
    at += 8;
    return value;
}

static const unsigned char *take_bytes(uint32_t count) {
    const unsigned char *bytes = at;
    need(count);
    at += count;
    return bytes;
}

static sqlite3_stmt *prepare(const char *text, int length) {
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v3(db, text, length, SQLITE_PREPARE_PERSISTENT, &statement, NULL) != SQLITE_OK) fail(text);
    return statement;
}

static void run(sqlite3_stmt *statement) {
    int result;
    while ((result = sqlite3_step(statement)) == SQLITE_ROW) {}
    if (result != SQLITE_DONE) fail(sqlite3_sql(statement));
    sqlite3_reset(statement);
}

/* One statement with its values; the values stay where they are in the file's image. */
static void run_recorded(void) {
    uint32_t number = take_u32();
    if (number >= MAX_STATEMENTS || !statements[number]) fail("an unknown statement");
    sqlite3_stmt *statement = statements[number];
    uint32_t count = take_u32();
    for (uint32_t parameter = 1; parameter <= count; parameter++) {
        need(1);
        unsigned char kind = *at++;
        int result = SQLITE_OK;
        if (kind == 'n') {
            result = sqlite3_bind_null(statement, (int)parameter);
        } else if (kind == 'i') {
            result = sqlite3_bind_int64(statement, (int)parameter, take_i64());
        } else if (kind == 'd') {
            int64_t bits = take_i64();
            double value;
            memcpy(&value, &bits, 8);
            result = sqlite3_bind_double(statement, (int)parameter, value);
        } else if (kind == 't' || kind == 'b') {
            uint32_t length = take_u32();
            const char *bytes = (const char *)take_bytes(length);
            result = kind == 't'
                ? sqlite3_bind_text64(statement, (int)parameter, bytes, length, SQLITE_STATIC, SQLITE_UTF8)
                : sqlite3_bind_blob64(statement, (int)parameter, bytes, length, SQLITE_STATIC);
        } else {
            fail("an unknown value");
        }
        if (result != SQLITE_OK) fail("bind");
    }
    run(statement);
}

/* The store's arithmetic (runnel_add and so on), as in StoreSession+Configuration.swift. */
static void arithmetic(sqlite3_context *context, int count, sqlite3_value **values) {
    (void)count;
    char symbol = *(const char *)sqlite3_user_data(context);
    if (sqlite3_value_type(values[0]) == SQLITE_NULL || sqlite3_value_type(values[1]) == SQLITE_NULL) {
        sqlite3_result_null(context);
        return;
    }
    int64_t left = sqlite3_value_int64(values[0]), right = sqlite3_value_int64(values[1]), result = 0;
    int overflow = symbol == '+'   ? __builtin_add_overflow(left, right, &result)
                   : symbol == '-' ? __builtin_sub_overflow(left, right, &result)
                                   : __builtin_mul_overflow(left, right, &result);
    if (overflow) sqlite3_result_error(context, "integer overflow", -1);
    else sqlite3_result_int64(context, result);
}

static void open_database(const char *path) {
    /* As the store has it: without it, each allocation takes a lock. */
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_open(path, &db) != SQLITE_OK) fail(path);
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    sqlite3_create_function_v2(db, "runnel_add", 2, flags, "+", arithmetic, NULL, NULL, NULL);
    sqlite3_create_function_v2(db, "runnel_subtract", 2, flags, "-", arithmetic, NULL, NULL, NULL);
    sqlite3_create_function_v2(db, "runnel_multiply", 2, flags, "*", arithmetic, NULL, NULL, NULL);
    /* The store's own settings, so that the difference is the program alone. */
    const char *settings =
        "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON;"
        "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384; PRAGMA journal_mode = WAL;"
        "PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 1000; PRAGMA journal_size_limit = 67108864;";
    if (sqlite3_exec(db, settings, NULL, NULL, NULL) != SQLITE_OK) fail("settings");
    begin_group = prepare("BEGIN IMMEDIATE", -1);
    commit_group = prepare("COMMIT", -1);
}

static unsigned char *load(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file) fail(path);
    fseek(file, 0, SEEK_END);
    *size = (size_t)ftell(file);
    rewind(file);
    unsigned char *bytes = malloc(*size ? *size : 1);
    if (!bytes || fread(bytes, 1, *size, file) != *size) fail(path);
    fclose(file);
    return bytes;
}

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: replay RECORDING DATABASE\n");
        return 64;
    }
    size_t size;
    at = load(words[1], &size);
    end = at + size;
    open_database(words[2]);
    uint32_t flows = take_u32();
    uint32_t kinds = take_u32();
    if (kinds > MAX_STATEMENTS) fail("too many statements");
    for (uint32_t number = 0; number < kinds; number++) {
        uint32_t length = take_u32();
        statements[number] = prepare((const char *)take_bytes(length), (int)length);
    }
    long steps = 0;
    int is_open = 0;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    while (at < end) {
        unsigned char mark = *at++;
        if (!is_open) {
            run(begin_group);
            is_open = 1;
        }
        if (mark == 'x') {
            run_recorded();
            steps++;
        } else if (mark == 'c') {
            run(commit_group);
            is_open = 0;
        } else {
            fail("an unknown mark");
        }
    }
    if (is_open) run(commit_group);
    clock_gettime(CLOCK_MONOTONIC, &to);
    double seconds = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
    printf("%u %.6f %ld\n", flows, seconds, steps);
    return 0;
}
