/*
 * Linked into programs built with sanitizers only: an agent has no environment of its own and no stderr, so what a
 * sanitizer finds goes to files, where the end-to-end tests look for them.
 */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);
const char *__tsan_default_options(void);

__attribute__((visibility("default"))) const char *__asan_default_options(void)
{
	return SANITIZER_OPTIONS;
}

__attribute__((visibility("default"))) const char *__ubsan_default_options(void)
{
	return SANITIZER_OPTIONS;
}

__attribute__((visibility("default"))) const char *__tsan_default_options(void)
{
	return SANITIZER_OPTIONS;
}
