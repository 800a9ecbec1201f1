#include "config/idn.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#define LIBRARY "libidn2.so.0"

static struct idn idn;

static bool find(void)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		return false;
	idn.lookup = (__typeof__(idn.lookup))dlsym(library, "idn2_lookup_u8");
	idn.words = (__typeof__(idn.words))dlsym(library, "idn2_strerror");
	idn.release = (__typeof__(idn.release))dlsym(library, "idn2_free");
	if (idn.lookup && idn.words && idn.release)
		return true;
	dlclose(library);
	return false;
}

const struct idn *idn_get(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static bool usable; /* else it is looked for again: descriptors or memory may be back */
	bool found;

	pthread_mutex_lock(&lock);
	if (!usable)
		usable = find();
	found = usable;
	pthread_mutex_unlock(&lock);
	return found ? &idn : NULL;
}
