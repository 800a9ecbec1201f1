#include "shim/smtp/line.h"

#include <string.h>

enum line_state line_scan(const char *bytes, size_t n, size_t limit, struct line *line)
{
	size_t within = n < limit ? n : limit;
	const char *lf = memchr(bytes, '\n', within);
	struct line found;

	if (!lf)
		return n >= limit ? LINE_TOO_LONG : LINE_PARTIAL;
	found.text = bytes;
	found.octets = (size_t)(lf - bytes) + 1;
	found.length = found.octets - 1;
	found.crlf = found.length > 0 && bytes[found.length - 1] == '\r';
	if (found.crlf)
		found.length--;
	*line = found;
	return LINE_WHOLE;
}

bool line_is_clean(const struct line *line)
{
	for (size_t i = 0; i < line->length; i++) {
		unsigned char c = (unsigned char)line->text[i];

		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return false;
	}
	return true;
}

size_t line_sanitize(char *out, size_t size, const char *text, size_t n, bool ascii)
{
	size_t length = n < size - 1 ? n : size - 1;

	for (size_t i = 0; i < length; i++) {
		unsigned char c = (unsigned char)text[i];
		bool bad = (c < 0x20 && c != '\t') || c == 0x7f || (ascii && c > 0x7e);

		out[i] = bad ? '?' : (char)c;
	}
	out[length] = '\0';
	return length;
}
