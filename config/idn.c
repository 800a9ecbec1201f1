#include "config/idn.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

#define LIBRARY "libidn2.so.0"

static struct idn idn;
static const struct idn *usable;

static void find(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return;
	idn.lookup = (__typeof__(idn.lookup))dlsym(library, "idn2_lookup_u8");
	idn.words = (__typeof__(idn.words))dlsym(library, "idn2_strerror");
	idn.release = (__typeof__(idn.release))dlsym(library, "idn2_free");
	if (idn.lookup && idn.words && idn.release)
		usable = &idn;
}

const struct idn *idn_get(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, find);
	return usable;
}
