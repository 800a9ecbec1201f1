/* The messages between preload and agent: what is written reads back, and nothing malformed is
 * believed. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cmocka.h>

#include "shim/handoff/handoff.h"
#include "shim/handoff/system.h"
#include "shim/handoff/text.h"

static const struct handoff_addr v4 = {.family = AF_INET, .port = 25, .addr = {127, 0, 0, 1}};
static const struct handoff_addr v6 = {.family = AF_INET6,
	.port = 587,
	.scope_id = 3,
	.flowinfo = 7,
	.addr = {0xfe, 0x80, [15] = 9}};

static long encode(void *out)
{
	static const char *const names[] = {"mx.example.com", "b"};
	static const struct handoff_names looked_up = {names, 2, "example.com"};
	struct handoff_request head = {
		.flags = HANDOFF_NAMES_TORN, .junk = 53249, .peer = v4, .nonce = {1, 2}};

	return handoff_request_encode(out, &head, &looked_up, "version=1\n", 10);
}

static void request_reads_back(void **state)
{
	char bytes[HANDOFF_REQUEST_MAX];
	struct handoff_request_view view;
	long length = encode(bytes);

	(void)state;
	assert_true(length > 0);
	assert_int_equal(handoff_request_decode(bytes, (size_t)length, &view), 0);
	assert_int_equal(view.name_count, 2);
	assert_string_equal(view.names[0], "mx.example.com");
	assert_string_equal(view.names[1], "b");
	assert_string_equal(view.mx_domain, "example.com");
	assert_int_equal(view.identity_length, 10);
	assert_memory_equal(view.identity, "version=1\n", 10);
	assert_int_equal(view.head.junk, 53249);
	assert_int_equal(view.head.flags, HANDOFF_NAMES_TORN | HANDOFF_MX_DOMAIN);
	assert_memory_equal(&view.head.peer, &v4, sizeof(v4));
}

static void request_cut_short_anywhere_is_refused(void **state)
{
	char bytes[HANDOFF_REQUEST_MAX];
	struct handoff_request_view view;
	long length = encode(bytes);

	(void)state;
	for (long i = 0; i < length; i++) {
		char *exact =
			malloc((size_t)i + 1); /* so that a sanitizer sees a read past the end */

		memcpy(exact, bytes, (size_t)i);
		exact = realloc(exact, i ? (size_t)i : 1);
		assert_int_equal(handoff_request_decode(exact, (size_t)i, &view), -EPROTO);
		free(exact);
	}
	assert_int_equal(handoff_request_decode(bytes, (size_t)length + 1, &view), -EPROTO);
}

static void request_of_another_kind_is_refused(void **state)
{
	char bytes[HANDOFF_REQUEST_MAX + 8];
	struct handoff_request *request = (void *)bytes;
	struct handoff_request_view view;
	long length = encode(bytes);

	(void)state;
	request->magic++;
	assert_int_equal(handoff_request_decode(bytes, (size_t)length, &view), -EPROTO);
	encode(bytes);
	request->version++;
	assert_int_equal(handoff_request_decode(bytes, (size_t)length, &view), -EPROTONOSUPPORT);
	encode(bytes);
	request->name_count = HANDOFF_NAMES + 1;
	assert_int_equal(handoff_request_decode(bytes, (size_t)length, &view), -EPROTO);
	encode(bytes);
	request->peer.family = AF_UNIX;
	assert_int_equal(handoff_request_decode(bytes, (size_t)length, &view), -EPROTO);
	encode(bytes);
	bytes[sizeof(*request)] = '\0'; /* an empty name */
	assert_int_equal(handoff_request_decode(bytes, (size_t)length, &view), -EPROTO);
}

static void request_takes_names_up_to_the_limit(void **state)
{
	static char bytes[HANDOFF_REQUEST_MAX], name[HANDOFF_NAME_SIZE + 1],
		identity[HANDOFF_IDENTITY_SIZE];
	const char *list[HANDOFF_NAMES + 1];
	struct handoff_names names = {list, HANDOFF_NAMES, name};
	struct handoff_request head = {.peer = v6, .flags = HANDOFF_MX_DOMAIN};
	struct handoff_request_view view;
	long length;

	(void)state;
	memset(name, 'a', HANDOFF_NAME_SIZE - 1);
	memset(identity, 'i', sizeof(identity));
	for (int i = 0; i <= HANDOFF_NAMES; i++)
		list[i] = name;
	length = handoff_request_encode(
		bytes, &head, &names, identity, HANDOFF_IDENTITY_SIZE - 1);
	assert_true(length > 0 && (size_t)length <= HANDOFF_REQUEST_MAX);
	assert_int_equal(handoff_request_decode(bytes, (size_t)length, &view), 0);
	assert_int_equal(strlen(view.names[HANDOFF_NAMES - 1]), HANDOFF_NAME_SIZE - 1);
	assert_int_equal(strlen(view.mx_domain), HANDOFF_NAME_SIZE - 1);
	names.count++;
	assert_int_equal(handoff_request_encode(bytes, &head, &names, identity, 1), -EINVAL);
	names = (struct handoff_names){list, 1, NULL};
	assert_int_equal(handoff_request_encode(bytes, &head, &names, identity, HANDOFF_IDENTITY_SIZE), -EINVAL);
	length = handoff_request_encode(bytes, &head, &names, identity, 1);
	assert_int_equal(handoff_request_decode(bytes, (size_t)length, &view), 0);
	assert_null(view.mx_domain);
	name[HANDOFF_NAME_SIZE - 1] = 'a';
	assert_int_equal(handoff_request_encode(bytes, &head, &names, identity, 1), -EINVAL);
	name[0] = '\0';
	assert_int_equal(handoff_request_encode(bytes, &head, &names, identity, 1), -EINVAL);
	names = (struct handoff_names){list, 0, name};
	assert_int_equal(handoff_request_encode(bytes, &head, &names, identity, 1), -EINVAL);
}

static void reply_is_checked(void **state)
{
	struct handoff_reply reply = {.magic = HANDOFF_MAGIC,
		.version = HANDOFF_VERSION,
		.stage = HANDOFF_ACK,
		.local = v4};
	struct handoff_reply got;

	(void)state;
	assert_int_equal(handoff_reply_decode(&reply, sizeof(reply), &got), 0);
	assert_memory_equal(&got.local, &v4, sizeof(v4));
	assert_int_equal(handoff_reply_decode(&reply, sizeof(reply) - 1, &got), -EPROTO);
	reply.stage = 0;
	assert_int_equal(handoff_reply_decode(&reply, sizeof(reply), &got), -EPROTO);
	reply.stage = HANDOFF_OUTCOME;
	reply.error = -ECONNREFUSED;
	assert_int_equal(handoff_reply_decode(&reply, sizeof(reply), &got), -EPROTO);
}

static void addresses_convert_both_ways(void **state)
{
	const struct handoff_addr *all[] = {&v4, &v6};
	struct sockaddr_storage ss;
	struct handoff_addr back;

	(void)state;
	for (int i = 0; i < 2; i++) {
		socklen_t length = handoff_addr_to_sockaddr(all[i], &ss);

		assert_int_equal(
			length, i ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
		assert_int_equal(handoff_addr_from_sockaddr(&back, (void *)&ss, length), 0);
		assert_memory_equal(&back, all[i], sizeof(back));
		assert_int_equal(handoff_addr_from_sockaddr(&back, (void *)&ss, 15), -EAFNOSUPPORT);
	}
	ss.ss_family = AF_UNIX;
	assert_int_equal(handoff_addr_from_sockaddr(&back, (void *)&ss, sizeof(ss)), -EAFNOSUPPORT);
	assert_int_equal(handoff_addr_from_sockaddr(&back, (void *)&ss, 1), -EAFNOSUPPORT);
}

static void socket_names_read_back_and_others_do_not(void **state)
{
	const enum handoff_face faces[] = {
		HANDOFF_FACE_APPLICATION, HANDOFF_FACE_PEER, HANDOFF_FACE_ERROR};
	struct sockaddr_un sun;
	struct handoff_name back;

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct handoff_name name = {.face = faces[i], .nonce = {9, 8, 7}};
		socklen_t length;

		if (faces[i] == HANDOFF_FACE_APPLICATION)
			name.local = v4;
		if (faces[i] == HANDOFF_FACE_ERROR)
			name.error = ETIMEDOUT;
		else
			name.peer = v6;
		length = handoff_name_encode(&name, &sun);
		assert_true(length <= sizeof(sun));
		assert_int_equal(sun.sun_path[0], '\0');
		assert_int_equal(handoff_name_decode(&sun, length, &back), 0);
		assert_memory_equal(&back, &name, sizeof(name));
		for (socklen_t l = 0; l <= sizeof(sun); l++)
			if (l != length)
				assert_int_equal(handoff_name_decode(&sun, l, &back), -EINVAL);
		sun.sun_path[1] ^= 1;
		assert_int_equal(handoff_name_decode(&sun, length, &back), -EINVAL);
	}
}

static void config_line_names_the_file_exactly(void **state)
{
	struct stat st = {.st_dev = 5, .st_ino = 77, .st_size = 1234, .st_ctim = {1700000000, 42}};
	char line[64];

	(void)state;
	assert_int_equal(handoff_config_line(line, sizeof(line), "/etc/m.conf", &st), 49);
	assert_string_equal(line, "config=/etc/m.conf:5:77:1234:1700000000000000042\n");
	assert_int_equal(handoff_config_line(line, sizeof(line), "/x", NULL), 17);
	assert_string_equal(line, "config=/x:absent\n");
	assert_int_equal(handoff_config_line(line, 17, "/x", NULL), -ENAMETOOLONG);
	assert_int_equal(handoff_config_line(line, 18, "/x", NULL), 17);
}

static void system_text_reads_back_and_others_do_not(void **state)
{
	static const char *const others[] = {"", "system", "system\nx", "system\nconfig=", "system\nconfig=/x", "version=1\n"};
	const char *config;
	char text[64];
	size_t length;

	(void)state;
	assert_int_equal(system_text(text, sizeof(text), NULL), 7);
	assert_true(system_text_read(text, 7, &config, &length));
	assert_null(config);
	assert_int_equal(system_text(text, sizeof(text), "/etc/m.conf"), 26);
	assert_true(system_text_read(text, 26, &config, &length));
	assert_int_equal(length, 11);
	assert_memory_equal(config, "/etc/m.conf", 11);
	assert_false(system_text_read(text, 25, &config, &length));
	assert_int_equal(system_text(text, 26, "/etc/m.conf"), -ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(system_text_read(others[i], strlen(others[i]), &config, &length));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_reads_back),
		cmocka_unit_test(request_cut_short_anywhere_is_refused),
		cmocka_unit_test(request_of_another_kind_is_refused),
		cmocka_unit_test(request_takes_names_up_to_the_limit),
		cmocka_unit_test(reply_is_checked),
		cmocka_unit_test(addresses_convert_both_ways),
		cmocka_unit_test(socket_names_read_back_and_others_do_not),
		cmocka_unit_test(config_line_names_the_file_exactly),
		cmocka_unit_test(system_text_reads_back_and_others_do_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
