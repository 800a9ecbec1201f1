#include "shim/base/err.h"

#include <stdarg.h>
#include <stdio.h>

int err_fail(struct err *err, int code, const char *format, ...)
{
	va_list ap;

	if (err) {
		va_start(ap, format);
		vsnprintf(err->text, sizeof(err->text), format, ap);
		va_end(ap);
	}
	return -code;
}
