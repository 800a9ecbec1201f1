/*
 * system: the name of the system agent, and how it is addressed.
 */
#include "shim/handoff/system.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "shim/handoff/text.h"

static const char name[] = "\0mailseal/1/system";
static const char mark[] = "system\n";
static const char config_key[] = "config=";

socklen_t system_name(struct sockaddr_un *sun)
{
	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	memcpy(sun->sun_path, name, sizeof(name) - 1);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + sizeof(name) - 1);
}

int system_text(char *out, size_t size, const char *config)
{
	struct text t;

	text_init(&t, out, size);
	text_add(&t, mark);
	if (config) {
		text_add(&t, config_key);
		text_add(&t, config);
		text_add(&t, "\n");
	}
	return t.overflow ? -ENAMETOOLONG : (int)t.length;
}

bool system_text_read(const char *text, size_t size, const char **config, size_t *length)
{
	const size_t head = sizeof(mark) - 1, key = sizeof(config_key) - 1;

	if (size < head || memcmp(text, mark, head) != 0)
		return false;
	*config = NULL;
	*length = 0;
	if (size == head)
		return true;
	text += head;
	size -= head;
	if (size < key + 1 || memcmp(text, config_key, key) != 0 || text[size - 1] != '\n')
		return false;
	*config = text + key;
	*length = size - key - 1;
	return true;
}
