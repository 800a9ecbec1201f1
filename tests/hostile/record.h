/*
 * record: the transcript, the evidence of what a client sent and in which state.
 *
 * One line an event, appended with a single write(), so that connections served by several
 * processes share one file:
 *
 *     CONNECTION SECONDS plain|tls C: "bytes from the client, escaped"
 *     CONNECTION SECONDS plain|tls S: "bytes from this server"
 *     CONNECTION SECONDS plain|tls # note
 */
#ifndef TESTS_HOSTILE_RECORD_H
#define TESTS_HOSTILE_RECORD_H

#include <stddef.h>

/* Opens the transcript for appending. 0 or -errno. */
int record_open(const char *path);

/* Says for which connection, and whether inside TLS, the following lines are. */
void record_set_connection(int number);
void record_set_tls(int tls);

/* who is 'C' or 'S'. More than 4,096 bytes are cut, with their number in the line. */
void record_bytes(char who, const void *bytes, size_t len);
void record_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
