/*
 * log: where the agent's lines go, and how a line is put together.
 * A line is key=value pairs; what came from the network or from files is quoted, escaped and
 * bounded. A log that cannot take a line loses it, and tells so once it can; it never blocks the
 * agent. Once open, it is for all threads.
 */
#ifndef MAILSEAL_AGENT_LOG_H
#define MAILSEAL_AGENT_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 3800 /* one write to a pipe stays whole (PIPE_BUF), time stamp included */

/*
 * "stderr", "journal", "syslog" or the path of a file. Syslog is the journal's own way in where
 * that is who reads /dev/log; and where the journal is not there, it is syslog. A file that cannot
 * be opened: syslog, after -errno; one that cannot be written any more: that too, until it can.
 * Strings stay the caller's.
 */
int log_open(const char *target);
bool log_is_file(const char *target);
void log_close(void); /* tells what is still to be told of itself */
bool log_is_stderr(void);

struct log_line {
	char text[LOG_LINE_MAX];
	size_t length;
	size_t kept;  /* octets that quoted values leave to what comes */
	int priority; /* syslog(3) */
};

void line_begin(struct log_line *line, const char *event);
/* key=value, a value of our own: no blanks or quotes in it. */
void line_word(struct log_line *line, const char *key, const char *value);
void line_number(struct log_line *line, const char *key, uint64_t value);
/* key="value", escaped: control characters and 8-bit as \xHH, quote and backslash by a backslash;
 * at most `limit` bytes of it. */
void line_quoted(struct log_line *line, const char *key, const char *value, size_t limit);
/* From here on quoted values are cut, with `...`, where they would take the last `octets`: what is
 * long must not keep out what counts. */
void line_keep(struct log_line *line, size_t octets);
/* All of it is `text`, the text of another line. */
void line_copy(struct log_line *line, const char *text);
void line_send(const struct log_line *line);

/* event=EVENT reason="…" */
void log_event(const char *event, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
