/*
 * tools_report: `mailseal report` as a user meets it: which lines count, as what, and what is said
 * of those that do not.
 */
#include "tests/unit/tools_command.h"

#define STAMP "2026-11-27T10:00:00+0000 "
#define TAG "mailseal[86]: "
#define BEGIN                                                                                      \
	"session=86.1 pid=132 uid=0 exe=\"/usr/sbin/billing\" unit=\"billing.service\" "           \
	"host=\"mx.b.example\" addr=192.0.2.7:25 reference=\"mx.b.example\" "
#define MAIL "sender=\"s@a.example\" recipients=\"a@b.example\" recipient-count=1 reused=no "
#define TLS                                                                                        \
	"tls=yes protocol=TLSv1.3 cipher=X certificate-verified=yes resumed=no reason=\"\" "       \
	"policy=\"require_tls by default, mailseal.conf:2\" verdict=tls-verified "
#define CLEAR                                                                                      \
	"tls=no protocol=- cipher=- certificate-verified=- resumed=- "                             \
	"reason=\"STARTTLS is not offered\" policy=\"require_tls by default, mailseal.conf:2\" "
#define SENT "reply=\"250 2.0.0 Ok\" bytes=223"
#define VERIFIED "event=transaction " BEGIN MAIL TLS SENT
#define CLEARTEXT "event=transaction " BEGIN MAIL CLEAR "verdict=cleartext " SENT
#define BLOCKED                                                                                    \
	"event=transaction " BEGIN MAIL CLEAR "verdict=blocked reply=\"454 4.7.4 no\" bytes=0"
#define WOULD_BLOCK "event=transaction " BEGIN MAIL CLEAR "verdict=would-block " SENT

/* `mailseal report` on these lines, with these options. */
static void report(int status, const char *options, const char *text, const char *says)
{
	char command[600];

	write_file("log", text);
	snprintf(command, sizeof(command), "TZ=UTC ./mailseal report %s log", options);
	assert_sh(status, command, says);
}

/* One line in a file of our own. */
static void line(const char *text, const char *says)
{
	char whole[16000];

	snprintf(whole, sizeof(whole), "%s%s%s\n%s%s%s\n", STAMP, TAG, VERIFIED, STAMP, TAG, text);
	report(0, "", whole, says);
}

static void damaged(const char *text, const char *why)
{
	char says[200];

	line(text, " 1 damaged");
	snprintf(says, sizeof(says), "log:2: %s", why);
	report(0, "--by host", "2026-11-27T10:00:00Z h mailseal[1]: event=reloaded reason=\"x\"\n",
		"Nothing can be said: no line of mailseal tells of mail or a connection.\n");
	line(text, "\n         1  tls-verified     over TLS, with a good certificate\n         0  "
		   "tls-unv");
	line(text, "1 line of mailseal is damaged, and may tell of anything");
	sh("TZ=UTC ./mailseal report --json log");
	assert_says(says);
	assert_says("\"in_doubt\": true");
}

static void each_outcome_has_its_place(void **state)
{
	(void)state;
	need_command();
	line(VERIFIED, "\nAll, of which the servers took 2:\n         2  tls-verified ");
	assert_says("In the clear: 0 messages.\nNothing in the log speaks against that");
	assert_says("/usr/sbin/billing to mx.b.example\n  a.example > b.example");
	line(CLEARTEXT, "In the clear: 1 message, 223 bytes, to mx.b.example (1).");
	assert_says(
		"         1  cleartext        mx.b.example: STARTTLS is not offered; require_tls "
		"by default,\n");
	line(BLOCKED, "\n         1  blocked          refused by policy\n");
	assert_says("In the clear: 0 messages.\nNothing in the log");
	line(WOULD_BLOCK,
		"         1  would-block      that enforce would have blocked, 1 of them in "
		"the clear\n");
	assert_says("In the clear: 1 message (1 of them only because of observe mode), 223 bytes");
	assert_says("  SENDER > RECIPIENT    VERIFIED WOULD-B. IN CLEAR   BYTES  SEEN\n");
	assert_says("require_tls by default,\n                             mailseal.conf:2 (1 in "
		    "the clear)\n");
	line("event=connect-refused pid=1 uid=0 exe=\"x\" host=\"\" addr=192.0.2.9:25 "
	     "reason=\"no route\" suppressed=41",
		"        42  failed           connections that");
	assert_says("        42  failed           192.0.2.9:25: no route");
	line("event=connection " BEGIN CLEAR "verdict=cleartext reply=\"\" bytes=0 "
	     "note=\"connection lost: x\"",
		"         1  failed           mx.b.example: connection lost: x\n");
	line("event=connection " BEGIN CLEAR
	     "verdict=cleartext reply=\"421 4.7.1 mx.b.example no\" bytes=0",
		"         1  failed           mx.b.example: 421 4.7.1 mx.b.example no\n");
	line("event=connection " BEGIN CLEAR "verdict=cleartext reply=\"502 5.5.1 what\" bytes=0",
		"         1  no-mail          connections without mail\n");
	line("event=relay " BEGIN "policy=\"intercept = false\" bytes=627",
		"1 connection passed untouched (intercept = false)");
	line("event=application-tls " BEGIN "tls=yes protocol=TLSv1.3 certificate-verified=no "
	     "policy=\"application_tls by built-in default\" verdict=tls-unverified bytes=9",
		"1 connection went over the program's own TLS");
	line("event=attack " BEGIN MAIL CLEAR "verdict=cleartext reply=\"\" bytes=10 "
	     "note=\"attack: smuggling\"",
		"         1  attack ");
	assert_says("In the clear: 1 message, 10 bytes");
}

/* A field that forbids to send it came behind what was read before. */
static void content_of_what_was_blocked_too_late_counts_as_clear(void **state)
{
	(void)state;
	need_command();
	line("event=transaction " BEGIN MAIL CLEAR
	     "verdict=blocked message-require-tls=yes reply=\"421 4.7.0 no\" bytes=300000",
		"         1  blocked          refused by policy, 1 of them in the clear\n");
	assert_says("In the clear: 1 message, 300000 bytes, to mx.b.example (1).");
	assert_says(" 0 damaged");
	line("event=transaction " BEGIN MAIL
	     "tls=yes protocol=TLSv1.3 cipher=X certificate-verified=no resumed=no reason=\"x\" "
	     "policy=\"y\" verdict=blocked reply=\"421 4.7.0 no\" bytes=300000",
		"         1  blocked          refused by policy\n");
	assert_says("In the clear: 0 messages.\nNothing in the log speaks against that");
}

/* Of a scan over many servers, and of a time when too much was logged. */
static void several_that_are_told_in_one_line_count(void **state)
{
	(void)state;
	need_command();
	line("event=connect-refused host=\"\" reason=\"several, too many to tell one by one\" "
	     "suppressed=443",
		"       444  failed ");
	assert_says("In the clear: 0 messages.\n- 443 events are counted by a line that");
	line("event=connection host=\"\" reason=\"several, too many to tell one by one\" "
	     "suppressed=0",
		"         1  failed ");
	assert_says("In the clear: 0 messages.\nNothing in the log speaks against that");
	damaged("event=connect-refused host=\"\" reason=\"several, too many to tell one by one\"",
		"cut, or a key is missing");
	damaged("event=connection session=86.1 host=\"\" reason=\"x\" suppressed=2",
		"cut, or a key is missing");
	damaged("event=transaction host=\"\" reason=\"x\" suppressed=2",
		"cut, or a key is missing");
}

/* What was not decided, or not taken, may have been told in part. */
static void envelopes_and_log_ins_in_the_clear_are_told(void **state)
{
	(void)state;
	need_command();
	line("event=transaction " BEGIN MAIL CLEAR "verdict=cleartext reply=\"550 no\" bytes=0",
		"Of 1 message no content went out, but the sender or recipients may have");
	line("event=transaction " BEGIN MAIL CLEAR "verdict=- reply=\"550 no\" bytes=0",
		"         1  undecided ");
	assert_says("Of 1 message no content went out");
	line("event=transaction " BEGIN MAIL
	     "tls=no protocol=- cipher=- certificate-verified=- resumed=- reason=\"x\" "
	     "policy=\"require_tls by field Mailseal-Require-TLS of the message\" "
	     "verdict=blocked message-require-tls=yes reply=\"454 no\" bytes=0",
		"         1  blocked          refused by policy\n");
	assert_says("Of 1 message no content went out");
	line("event=connection " BEGIN CLEAR
	     "verdict=cleartext credentials=sent reply=\"\" bytes=0",
		"came with a log-in that was sent in the clear");
	line("event=connection " BEGIN CLEAR "verdict=cleartext credentials=refused "
	     "credentials-policy=\"protect_credentials by default, mailseal.conf:3\" reply=\"\" "
	     "bytes=0",
		"mx.b.example: STARTTLS is not offered; protect_credentials by");
	line("event=transaction " BEGIN MAIL TLS "credentials=would-block "
	     "credentials-policy=\"protect_credentials by default, mailseal.conf:3\" " SENT,
		"         1  would-block      that enforce would have blocked\n");
}

/* What agents say of themselves is no mail, but may say that the log is not whole. */
static void what_agents_say_of_themselves_is_told(void **state)
{
	(void)state;
	need_command();
	line("event=trace session=86.1 ms=12 dir=app> line=\"EHLO x\"",
		"Nothing in the log speaks");
	line("event=reloaded reason=\"x changed\"", "Nothing in the log speaks against that");
	line("event=log reason=\"12 lines were lost\"", "Agents could write 12 lines nowhere");
	line("event=stopped reason=\"3 sessions were cut off\"", "stopped with connections open");
	line("event=overload reason=\"x\"", "had too many connections");
	line("event=dance reason=\"x\"", "1 line told of events that this version of mailseal");
	damaged("event=reloaded", "cut, or a key is missing");
}

static void recipients_count_by_domain(void **state)
{
	(void)state;
	need_command();
	line("event=transaction " BEGIN
	     "sender=\"\" recipients=\"a@B.example,b@b\\xc3\\xbc.example,"
	     "\\\"x,y\\\"@b.example\" recipient-count=3 refused=\"r@bank.example\" refused-count=1 "
	     "refused-policy=\"require_tls by recipient \\\"bank.example\\\", "
	     "mailseal.conf:9\" " TLS SENT,
		"<> > xn--b-eha.example");
	assert_says("<> > b.example                1 ");
	assert_says("<> > bank.example             -       1");
	assert_says("require_tls by recipient \"bank.example\", mailseal.conf:9\n");
	assert_says("(recipients; the message passed for others)");
	sh("TZ=UTC ./mailseal report --csv --by recipient log");
	assert_says("\"b.example\",2,0,0,0,0,0,0,0,0,0,0,3,0,2,446,0,0,0,"
		    "2026-11-27T10:00:00Z,2026-11-27T10:00:00Z\r\n");
	line("event=transaction " BEGIN
	     "sender=\"s@a.example\" recipients=\"1@b.example,2@b.example,"
	     "3@b.example,4@b.example,5@b.example,6@b.example,7@b.example,8@b.example,9@b.example,"
	     "10@b.example,...\" recipient-count=30 " TLS SENT,
		"a.example > ...");
	line("event=transaction " BEGIN "sender=\"root\" recipients=\"@a,@b:c@d.example\" "
	     "recipient-count=1 " TLS SENT,
		"? > ?");
}

static void damaged_lines_count_as_damaged_and_as_nothing_else(void **state)
{
	char text[9000];
	size_t n;

	(void)state;
	need_command();
	damaged("event=transaction session=86.1 pid=132", "cut, or a key is missing");
	damaged("event=transaction " BEGIN MAIL TLS "reply=\"250 2.0", "cut within a value");
	damaged("event=transaction " BEGIN MAIL TLS "reply=\"250 \\q\" bytes=1",
		"an escape that is none");
	damaged(VERIFIED " event=transaction", "a key that stands there twice");
	damaged(VERIFIED VERIFIED, "a key that stands there twice");
	damaged(VERIFIED "Nov 27 10:00:00", "text that is no key=value");
	damaged("event=transaction " BEGIN MAIL CLEAR "verdict=tls-verified " SENT,
		"verdict=tls-verified without a good certificate");
	damaged("event=transaction " BEGIN MAIL TLS TLS SENT, "a key that stands there twice");
	damaged(VERIFIED "\x01", "no blank between values");
	damaged("event=transaction " BEGIN MAIL TLS "reply=\"\x01\" bytes=1",
		"an octet that is never written");
	damaged("event=transaction " BEGIN MAIL CLEAR "verdict=allowed " SENT,
		"a verdict that this version does not know");
	damaged("event=connect-refused pid=1 uid=0 exe=\"x\" reason=\"x\" suppressed=9999999999",
		"a number that is none");
	damaged("", "does not begin with event=");
	n = (size_t)snprintf(text, sizeof(text), "%s note=\"", VERIFIED);
	memset(text + n, 'x', sizeof(text) - n);
	text[sizeof(text) - 2] = '"';
	text[sizeof(text) - 1] = '\0';
	damaged(text, "longer than any line of mailseal");
}

/* Cut anywhere before its last value, a line says nothing. */
static void a_line_cut_anywhere_is_damaged(void **state)
{
	static const char *const lines[] = {VERIFIED, CLEARTEXT, BLOCKED, WOULD_BLOCK};
	char path[200];
	size_t count = 0;
	FILE *file;

	(void)state;
	need_command();
	snprintf(path, sizeof(path), "%s/cut", directory);
	file = fopen(path, "w");
	assert_non_null(file);
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		size_t whole = (size_t)(strstr(lines[i], " bytes=") - lines[i]) + strlen(" bytes=");

		for (size_t n = strlen("event=transaction"); n <= whole; n++, count++)
			fprintf(file, STAMP TAG "%.*s\n", (int)n, lines[i]);
	}
	fclose(file);
	snprintf(path, sizeof(path), "\"damaged\": %zu,", count);
	assert_sh(0, "./mailseal report --json cut", "\"counted\": 0,");
	assert_says(path);
	assert_says("\"in_doubt\": true");
	line("event=transa", "1 line told of events that this version of mailseal does not know");
}

/* What a crash leaves in a file, lines without end, another character set. */
static void torn_files_are_read_to_their_end(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"{ printf '" STAMP TAG "%s\\n' '" VERIFIED "'; head -c 5000 /dev/zero; "
		"printf '" STAMP TAG "%s\\n' '" VERIFIED
		"'; printf '\\377\\376 mailseal[1]: x\\n'; "
		"printf '" STAMP TAG "'; head -c 3000000 /dev/zero | tr '\\0' x; printf '\\n\\n'; "
		"printf '" STAMP TAG "%s' '" CLEARTEXT "'; } >torn; TZ=UTC ./mailseal report torn",
		"2 counted");
	assert_says("3 damaged.");
	assert_says("In the clear: 1 message,");
}

/* A forger can add lines; he can take none away. */
static void forged_numbers_take_nothing_away(void **state)
{
	static const char forged[] = STAMP TAG
		"message repeated 4294967296 times: [ event=transaction " BEGIN MAIL CLEAR
		"verdict=cleartext reply=\"250 2.0.0 Ok\" bytes=4294967296 suppressed=536870911]\n";
	char text[8000];

	(void)state;
	need_command();
	snprintf(text, sizeof(text), "%s%s%s%s%s%s\n", forged, forged, forged, forged, STAMP TAG,
		CLEARTEXT);
	for (int i = 0; i < 4; i++)
		strncat(text, forged, sizeof(text) - strlen(text) - 1);
	report(0, "", text, "In the clear: ");
	assert_null(strstr(output, "In the clear: 0"));
	assert_null(strstr(output, "In the clear: 1 message"));
}

static void only_a_tag_in_its_place_counts(void **state)
{
	(void)state;
	need_command();
	report(0, "",
		"Nov 27 10:00:00 host mailseal[86]: " VERIFIED "\n"
		"Nov 27 10:00:00 host cron[1]: (root) CMD (echo mailseal[86]: " CLEARTEXT ")\n"
		"Nov 27 10:00:00 host cron[1]: event=transaction verdict=cleartext\n"
		"Nov 27 10:00:00 host mailseal: " CLEARTEXT "\n"
		"Nov 27 10:00:00 host mailsealed[86]: " CLEARTEXT "\n"
		"2026-11-27T10:00:00.5+01:00 host mailseal[86]: " VERIFIED "\n"
		"Nov 27 10:00:00 host mail.info mailseal[86]: " VERIFIED "\n"
		"<22>1 2026-11-27T10:00:00Z host mailseal 86 - - " VERIFIED "\n"
		"<22>1 2026-11-27T10:00:00Z host other 86 - - mailseal[86]: " CLEARTEXT "\n"
		"Nov 27 10:00:00 host mailseal[86]: message repeated 3 times: [ " VERIFIED "]\n"
		"Nov 27 10:00:00 host rsyslogd: imuxsock lost 12 messages from pid 9 due to "
		"rate-limiting\n",
		"         7  tls-verified     over TLS, with a good certificate\n         0  "
		"tls-unv");
	assert_says("5 counted");
	assert_says("other programs, 0 damaged");
	assert_says("dropped 12 lines");
	assert_says("5 lines of other programs hold what is like mailseal's");
	report(0, "",
		"Nov 27 10:00:00 host mailseal[86]: " VERIFIED "\n"
		"Nov 27 10:00:09 host last message repeated 5 times\n"
		"Nov 27 10:00:10 host cron[1]: x\n"
		"Nov 27 10:00:19 host last message repeated 7 times\n",
		"- 5 lines of mailseal are only told as repeated");
}

static void the_journal_tells_who_wrote(void **state)
{
	(void)state;
	need_command();
	write_file("entry", VERIFIED);
	assert_sh(0,
		"{ for exe in /usr/libexec/mailseal/mailseal-agent /home/user/forged; do "
		"printf '{\"__REALTIME_TIMESTAMP\":\"1795773600000000\",\"SYSLOG_IDENTIFIER\":"
		"\"mailseal\",\"_EXE\":\"%s\",\"MESSAGE\":\"%s\"}\\n' $exe "
		"\"$(sed 's/[\\\\\"]/\\\\&/g' entry)\"; done; printf '{\"__REALTIME_TIMESTAMP\":"
		"\"1795773600000000\",\"SYSLOG_IDENTIFIER\":\"mailseal\",\"_EXE\":"
		"\"/usr/bin/mailseal-agent\",\"MESSAGE\":[101,255]}\\n'; printf "
		"'{\"__REALTIME_TIMESTAMP\":\"1795773600000000\",\"MESSAGE_ID\":"
		"\"a596d6fe7bfa4994828e72309e95d61e\",\"MESSAGE\":\"Suppressed 7 messages from "
		"x.service\"}\\n{\"a\":\\n'; } | TZ=UTC ./mailseal report -",
		"From: 2026-11-27 10:00:00");
	assert_says("1 damaged");
	assert_says("1 entry under mailseal's name in the journal was not written by its agent");
	assert_says("dropped 7 lines");
}

static void times_without_a_year_are_the_last_before_the_file_ended(void **state)
{
	(void)state;
	need_command();
	report(0, "", "Dec 31 23:59:59 h " TAG VERIFIED "\nJan  1 00:00:01 h " TAG VERIFIED "\n",
		"");
	assert_sh(0, "touch -d 2026-01-02 log; TZ=UTC ./mailseal report log",
		"From: 2025-12-31 23:59:59 +0000 to 2026-01-01 00:00:01 +0000");
	assert_sh(0, "TZ=UTC ./mailseal report --since 2026-01-01 log", "1 counted");
	assert_says("1 before or after");
	assert_sh(0, "TZ=UTC ./mailseal report --since 2027-01-01 log", "0 counted");
	assert_sh(1, "TZ=UTC ./mailseal report --since 2025-12-30 --fail-on doubt log",
		"What was read begins at 2025-12-31 23:59:59 +0000");
	report(0, "", "Feb 29 10:00:00 h " TAG VERIFIED "\n", "");
	assert_sh(0, "touch -d 2026-01-02 log; TZ=UTC ./mailseal report log",
		"From: 2024-02-29 10:00");
	report(0, "", "1970-01-01T00:00:01Z h " TAG VERIFIED "\n", "1 line had no time");
}

/* What journalctl prints for a person, in whatever zone. */
static void times_of_journalctl_are_understood(void **state)
{
	static const char *const stamps[] = {"Nov 27 11:00:00.123456",
		"Fri 2026-11-27 10:00:00 UTC", "Fri 2026-11-27 11:00:00 CET",
		"Fri 2026-11-27 12:00:00.999999 CEST", "Fri 2026-11-27 15:45:00 +0545",
		"1795773600.123456"};
	char text[2000];

	(void)state;
	need_command();
	for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++) {
		snprintf(text, sizeof(text), "%s h %s%s\n", stamps[i], TAG, VERIFIED);
		report(0, "", text, "1 counted");
		assert_sh(0, "touch -d 2026-11-28 log; TZ=CET-1CEST ./mailseal report log",
			"From: 2026-11-27 11:00:00 +0100");
	}
	snprintf(text, sizeof(text), "Fri 2026-11-27 10:00:00 EST h %s%s\n", TAG, VERIFIED);
	report(0, "", text, "1 line had no time");
	snprintf(text, sizeof(text), "Fri 2026-11-27 10:00:00 UTC h x.service[1]: %s\n", VERIFIED);
	report(65, "", text, "what is read: files of syslog and of mailseal, and of journalctl");
}

static void since_and_until_take_words(void **state)
{
	(void)state;
	need_command();
	assert_sh(0,
		"for when in '1 hour ago' '3 days ago' '40 days ago'; do "
		"printf '%s " TAG "%s\\n' \"$(date -Is -d \"$when\")\" '" VERIFIED
		"'; done >ago; ./mailseal report ago",
		"3 counted");
	assert_sh(0, "./mailseal report --since -2h ago", "1 counted");
	assert_sh(0, "./mailseal report --since '5 days ago' ago", "2 counted");
	assert_sh(0, "./mailseal report --since -1w --until -2d12h ago", "1 counted");
	assert_sh(0, "./mailseal report --until yesterday ago", "2 counted");
	assert_sh(0, "./mailseal report --since today --until tomorrow ago", " counted");
	assert_sh(0, "./mailseal report --since @0 --until now ago", "3 counted");
	assert_sh(0, "./mailseal report --since \"$(date -d '4 days ago' '+%F %T')\" ago",
		"2 counted");
	assert_sh(64, "./mailseal report --since 2026-13-01 ago", "'2026-13-01' is no time; write");
	assert_sh(64, "./mailseal report --since 2026-02-30 ago", "is no time");
	assert_sh(64, "./mailseal report --since '' ago", "is no time");
	assert_sh(64, "./mailseal report --since 99999999999999999999d ago", "is no time");
	assert_sh(64, "./mailseal report --since now --until yesterday ago", "not before --until");
}

static void rows_are_chosen(void **state)
{
	(void)state;
	need_command();
	report(0, "--by recipient --only cleartext,blocked",
		STAMP TAG VERIFIED "\n" STAMP TAG CLEARTEXT "\n" STAMP TAG BLOCKED "\n",
		"\n  RECIPIENT            CLEAR BLOCKED   BYTES  SEEN\n  b.example                "
		"1       1     223  10:00\n");
	assert_says("         1  tls-verified ");
	assert_sh(0, "./mailseal report --unit billing log", "3 counted");
	assert_sh(0, "./mailseal report --unit 'bill*.service' log", "3 counted");
	assert_sh(0, "./mailseal report --unit other log", "3 of other units");
	assert_sh(1, "./mailseal report --fail-on cleartext log", "");
	assert_sh(0, "./mailseal report --fail-on would-block,doubt log", "");
	assert_sh(64, "./mailseal report --only nothing log", "is no list of these");
	assert_sh(64, "./mailseal report --by host,, log", "is no list of these");
	assert_sh(64, "./mailseal report --journal log", "one of them");
}

/* Of many rows a person sees those that matter; which they are does not hang on their number. */
static void rows_that_matter_come_first(void **state)
{
	static const char write[] =
		"for i in range(60):\n print('" STAMP TAG "' + ['" VERIFIED "', '" VERIFIED
		"', '" CLEARTEXT "', '" BLOCKED "', '" WOULD_BLOCK
		"'][i % 30 if i % 30 < 5 and i < 30 else 0].replace('b.example', "
		"f'{\"x\" * 40}{i}.long.example'))\n";

	(void)state;
	need_command();
	write_file("many.py", write);
	assert_sh(0, "python3 many.py >log; TZ=UTC ./mailseal report --by recipient log",
		"... and 40 more rows; --all, --csv or --json tell all\n");
	assert_says("xxx...xxx");
	assert_sh(0, "TZ=UTC ./mailseal report --all log | awk 'length > 100 { exit 1 }'", "");
	assert_sh(0, "TZ=UTC ./mailseal report --rows 3 --by recipient log | sed -n '/SEEN/,$p'",
		"x4.long.example     -        1        1       -     223  10:00\n");
	assert_says("x2.long.example     1        -        1       -     223  10:00\n");
	assert_says("x3.long.example     -        -        -       1       -  10:00\n... and 57 "
		    "more rows");
	assert_sh(0, "TZ=UTC ./mailseal report --rows 2 log",
		"\n... and 1 more reason; --all or --json tell all\n");
	assert_says("--by host sums them up; --all");
	assert_sh(0, "TZ=UTC ./mailseal report --all log | grep -c ' > '", "61\n");
	assert_sh(0, "TZ=UTC ./mailseal report --rows 0 log", "... and 60 more rows");
	assert_sh(64, "./mailseal report --rows 5x log", "'5x' is no number");
	assert_sh(64, "./mailseal report --all --csv log", "of the text alone");
}

/* They may be of the unit that was asked for, as where /proc was not there to tell. */
static void what_names_no_unit_leaves_doubt(void **state)
{
	static const char text[] = STAMP TAG VERIFIED "\n" STAMP TAG CLEARTEXT "\n";
	char without[4000];
	char *unit;

	(void)state;
	need_command();
	snprintf(without, sizeof(without), "%s", text);
	report(0, "--unit shop", without,
		"- No line that was read names a unit shop.service; others name billing.service.");
	while ((unit = strstr(without, "billing.service")) != NULL)
		memmove(unit, unit + 15, strlen(unit + 15) + 1);
	report(0, "--unit shop", without, "- 1 line that names no unit, and");
	report(1, "--unit shop --fail-on doubt", without, "2 of other units");
}

/* A typing error, or a period without a line, looks like a clean log to nobody. */
static void a_log_that_is_silent_is_not_clean(void **state)
{
	static const char text[] = STAMP TAG VERIFIED "\n";

	(void)state;
	need_command();
	report(0, "--since 2026-11-28", text,
		"Nothing can be said: no line of mailseal tells of mail or a connection in this "
		"period.\n");
	assert_null(strstr(output, "In the clear"));
	assert_null(strstr(output, "speaks against"));
	report(1, "--since 2026-11-28 --fail-on doubt", text, "Nothing can be said");
	report(0, "--fail-on doubt", text, "Nothing in the log speaks against that.\nThis covers");
	report(1, "--unit biling --unit bill* --fail-on doubt", text,
		"- No line that was read names a unit biling.service; others name "
		"billing.service.");
	report(1, "--unit billing --unit shop --fail-on doubt", text,
		"- No line that was read names a unit shop.service; others name "
		"billing.service.\n");
	report(0, "--html --unit nosuch", text, "names a unit nosuch.service; others name billing");
	assert_says("<b>0</b><span>in the clear</span><small>nothing can be said");
	assert_says("This covers only programs that ran under mailseal");
	report(0, "--html", text, "This covers only programs that ran under mailseal");
	report(0, "--json --unit nosuch", text, "\"nothing_counted\": true");
	assert_says("\"in_doubt\": true");
}

/* Whatever a line is, it is told as something. */
static void all_lines_are_accounted_for(void **state)
{
	static const char text[] = STAMP TAG VERIFIED
		"\n" STAMP TAG "event=trace session=86.1 ms=1 dir=app> line=\"EHLO x\"\n" STAMP TAG
		"event=trace session=86.1 ms=2 dir=app> line=\"QUIT\"\n\n" STAMP TAG
		"event=reloaded reason=\"x\"\n" STAMP TAG "event=dance reason=\"x\"\n" STAMP
		"cron[1]: x\nno log\n" STAMP TAG "event=transaction session=1\n";

	(void)state;
	need_command();
	report(0, "", text,
		"Read: log, 8 lines; 1 counted, 1 of other programs, 1 damaged, 2 of traced "
		"sessions, 2 of agents\n      about themselves, 1 of no log.\n");
	report(0, "--only blocked", text, "\nRows and reasons: none of what --only asks for.\n");
	report(64, "--csv --html", text, "--json, --csv and --html: one of them");
	report(64, "--json --csv", text, "--json, --csv and --html: one of them");
	report(0, "--csv --csv", text, "billing.service");
}

/* By Environment= or by hand; a log of one's own is read, and what may log nowhere is told. */
static void units_tell_of_other_logs(void **state)
{
	(void)state;
	need_command();
	report(0, "", STAMP TAG CLEARTEXT "\n", "In the clear: 1 message");
	sh("mkdir -p units/three@x.service.d && cd units && "
	   "printf '[Service]\\nExecStart=/usr/bin/mailseal run -p 25 --log /nowhere/x%%%%H -- "
	   "/x\\n' "
	   ">one.service; "
	   "printf '[Service]\\nEnvironment=LD_PRELOAD=/x/libmailseal.so\\nRootDirectory=/srv\\n"
	   "ExecStart=/x\\n' >two.service; "
	   "printf '[Service]\\nExecStart=/x\\n' >three@.service; "
	   "printf '[Service]\\nEnvironment=MAILSEAL_LOG=stderr\\n' >three@x.service.d/a.conf; "
	   "printf '[Service]\\nEnvironment=MAILSEAL_LOG=%%s/own\\nExecStart=/x\\n' \"$(cd .. && "
	   "pwd)\" >four.service; cp ../log ../own");
	assert_sh(1,
		"export MAILSEAL_LOG=$PWD/log SYSTEMD_UNIT_PATH=$PWD/units; ./mailseal report "
		"--fail-on doubt",
		"\n- three@x.service logs to standard error, which was not read; journalctl -u "
		"three@x.service");
	assert_says("two.service has a root directory of its own");
	assert_says("one.service logs to /nowhere/");
	assert_says("In the clear: 2 messages");
	assert_sh(0,
		"MAILSEAL_LOG=$PWD/own SYSTEMD_UNIT_PATH=$PWD/units ./mailseal report --unit four "
		"--unit billing",
		"In the clear: 1 message");
	assert_null(strstr(output, "not read"));
	assert_sh(0, "SYSTEMD_UNIT_PATH=$PWD/units ./mailseal report log", "In the clear: 1 mess");
	assert_null(strstr(output, "not read"));
}

/* What runs in a service is told by it; a session is no unit to add up by. */
static void rows_tell_the_unit(void **state)
{
	static const char scope[] =
		"event=transaction session=1.1 pid=1 uid=0 exe=\"/usr/bin/swaks\" "
		"unit=\"session-7.scope\" host=\"mx.b.example\" addr=192.0.2.7:25 "
		"reference=\"mx.b.example\" " MAIL TLS SENT;

	(void)state;
	need_command();
	line(VERIFIED, "\nbilling.service: /usr/sbin/billing to mx.b.example\n");
	line(scope, "\n/usr/bin/swaks to mx.b.example\n");
	sh("TZ=UTC ./mailseal report --by unit log");
	assert_says("\n  -                           1 ");
	assert_says("\n  billing.service             1 ");
	sh("TZ=UTC ./mailseal report --by unit,host --csv log");
	assert_says("unit,host,tls-verified,");
	assert_says("\n\"billing.service\",\"mx.b.example\",1,");
	assert_says("\n,\"mx.b.example\",1,");
}

/* Names come from the network: no terminal and no spreadsheet obeys them. */
static void names_do_no_harm(void **state)
{
	(void)state;
	need_command();
	line("event=connect-refused pid=1 uid=0 exe=\"=HYPERLINK(\\\"x\\\")\" host=\"\" "
	     "addr=192.0.2.9:25 reason=\"\\x1b[2J\\xff\"",
		"192.0.2.9:25: \\x1b[2J\\xff");
	sh("./mailseal report --csv log");
	assert_says("\"'=HYPERLINK(\"\"x\"\")\",\"192.0.2.9:25\",,,");
	sh("./mailseal report --json log");
	assert_says("\\\\x1b[2J\\\\xff");
	write_file("many.py", "for i in range(120000):\n print('" STAMP TAG "' + '" VERIFIED
			      "'.replace('a.example', f'n{i}.example'))\n");
	assert_sh(0, "python3 many.py | TZ=UTC ./mailseal report - | head -n 8", "too many names");
	assert_sh(0, "python3 many.py | TZ=UTC ./mailseal report - | sed -n '/(other)/p'",
		"  (other) > (other)             70000 ");
}

static void try_packing(const char *tool)
{
	char command[200];

	if (sh("command -v %s", tool) != 0) {
		print_message("no %s here: not tried\n", tool);
		return;
	}
	snprintf(command, sizeof(command), "%s -c log >packed; ./mailseal report packed", tool);
	assert_sh(0, command, "1 counted");
}

static void files_are_unpacked_and_found(void **state)
{
	(void)state;
	need_command();
	report(0, "", STAMP TAG VERIFIED "\n", "1 counted");
	assert_sh(0,
		"cp log log.1; gzip -c log >log.2.gz; cp log log-20261101; ln log.1 log.3; "
		"cp log log.x; cp log xlog.1; mkdir log.9; ./mailseal report --rotated log",
		"Read: log and 3 files more");
	assert_says("4 counted");
	assert_sh(0, "./mailseal report log log ./log", "1 counted");
	try_packing("xz");
	try_packing("zstd");
	try_packing("bzip2");
	assert_sh(69, "PATH=/nowhere ./mailseal report log.2.gz", "there is no gzip here");
	assert_sh(69, "PATH=/nowhere ./mailseal report --journal", "there is no journalctl here");
	assert_sh(65, "cp log ./-.1; ./mailseal report --rotated - </dev/null",
		"no line of mailseal in standard input");
	assert_sh(65, "head -c 100 log.2.gz >cut.gz; ./mailseal report cut.gz", "unexpected end");
	assert_sh(66, "./mailseal report nothing", "nothing: No such file or directory");
	assert_sh(66, "./mailseal report log nothing", "1 counted");
	assert_says("Not all of the files could be read to their end.");
	assert_sh(66, "./mailseal report .", "is a directory");
	assert_sh(65, "echo 'Nov 27 10:00:00 h cron[1]: x' >other; ./mailseal report other",
		"no line of mailseal in other");
	assert_sh(65, "./mailseal report - </dev/null", "no line of mailseal in standard input");
	assert_sh(74, "./mailseal report log >/dev/full", "standard output");
	assert_sh(0, "./mailseal report --help", "--fail-on");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_outcome_has_its_place),
		cmocka_unit_test(content_of_what_was_blocked_too_late_counts_as_clear),
		cmocka_unit_test(several_that_are_told_in_one_line_count),
		cmocka_unit_test(envelopes_and_log_ins_in_the_clear_are_told),
		cmocka_unit_test(what_agents_say_of_themselves_is_told),
		cmocka_unit_test(recipients_count_by_domain),
		cmocka_unit_test(damaged_lines_count_as_damaged_and_as_nothing_else),
		cmocka_unit_test(a_line_cut_anywhere_is_damaged),
		cmocka_unit_test(torn_files_are_read_to_their_end),
		cmocka_unit_test(forged_numbers_take_nothing_away),
		cmocka_unit_test(only_a_tag_in_its_place_counts),
		cmocka_unit_test(the_journal_tells_who_wrote),
		cmocka_unit_test(times_without_a_year_are_the_last_before_the_file_ended),
		cmocka_unit_test(since_and_until_take_words),
		cmocka_unit_test(rows_are_chosen),
		cmocka_unit_test(what_names_no_unit_leaves_doubt),
		cmocka_unit_test(a_log_that_is_silent_is_not_clean),
		cmocka_unit_test(all_lines_are_accounted_for),
		cmocka_unit_test(times_of_journalctl_are_understood),
		cmocka_unit_test(units_tell_of_other_logs),
		cmocka_unit_test(rows_that_matter_come_first),
		cmocka_unit_test(rows_tell_the_unit),
		cmocka_unit_test(names_do_no_harm),
		cmocka_unit_test(files_are_unpacked_and_found),
	};

	return cmocka_run_group_tests(tests, prepare, clean_up);
}
