/*
 * raw_connect ADDRESS PORT [tcp|mptcp|ring]: goes past any preload, by system calls without libc, and
 * waits. ring: makes an io_uring and connects nothing. "ready" on standard output when that is done.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* The numbers stand in the code, as a compiler puts them there for a program that has no libc. */
#if defined(__x86_64__)
#define RAW(number, a, b, c)                                                                       \
	({                                                                                         \
		long result_;                                                                      \
		__asm__ volatile("mov $" #number ", %%eax\n\tsyscall"                              \
				 : "=a"(result_)                                                   \
				 : "D"(a), "S"(b), "d"(c)                                          \
				 : "rcx", "r11", "memory");                                        \
		result_;                                                                           \
	})
#define RAW_CONNECT(a, b, c) RAW(42, a, b, c)
#define RAW_URING(a, b) RAW(425, a, b, 0L)
#elif defined(__aarch64__)
#define RAW(number, a, b, c)                                                                       \
	({                                                                                         \
		register long x0_ __asm__("x0") = (long)(a);                                       \
		register long x1_ __asm__("x1") = (long)(b);                                       \
		register long x2_ __asm__("x2") = (long)(c);                                       \
		__asm__ volatile("mov x8, #" #number "\n\tsvc #0"                                  \
				 : "+r"(x0_)                                                       \
				 : "r"(x1_), "r"(x2_)                                              \
				 : "x8", "memory");                                                \
		x0_;                                                                               \
	})
#define RAW_CONNECT(a, b, c) RAW(203, a, b, c)
#define RAW_URING(a, b) RAW(425, a, b, 0L)
#endif

static int make_ring(void)
{
	static struct io_uring_params params;

	return RAW_URING(8L, &params) < 0 ? -1 : 0;
}

static int go_past(const char *address, const char *port, int protocol)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)strtoul(port, NULL, 10))};
	int fd = socket(AF_INET, SOCK_STREAM, protocol);

	inet_pton(AF_INET, address, &to.sin_addr);
	return fd < 0 || RAW_CONNECT((long)fd, &to, (long)sizeof(to)) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	const char *how = argc > 3 ? argv[3] : "tcp";

	if (argc < 3)
		return 64;
	if (strcmp(how, "ring") == 0 ? make_ring()
				     : go_past(argv[1], argv[2], strcmp(how, "mptcp") == 0 ? IPPROTO_MPTCP : 0))
		return 77;
	puts("ready");
	fflush(stdout);
	pause();
	return 0;
}
