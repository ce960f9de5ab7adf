// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * klp-bpf - a client of libbpf as people write them, for the tests in the guest
 *
 *	klp-bpf WAY NAME FILE	attach to the function NAME, and call it by reading FILE
 *	klp-bpf fentry-each	attach to each function of standard input
 *	klp-bpf multi-all	attach to all functions of standard input at once
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "klp-bpf.h"

int call(const char *file)
{
	char buffer[4096];
	ssize_t length;
	int fd = open(file, O_RDONLY);

	if (fd < 0)
		return -errno;
	do {
		length = read(fd, buffer, sizeof(buffer));
	} while (length > 0);
	close(fd);
	return length < 0 ? -errno : 0;
}

int main(int argc, char **argv)
{
	/* A program and its link are a file each. */
	const struct rlimit files = { 8192, 8192 };

	setrlimit(RLIMIT_NOFILE, &files);
	libbpf_set_strict_mode(LIBBPF_STRICT_ALL);
	if (argc == 2 && !strcmp(argv[1], "fentry-each"))
		return fentry_each();
	if (argc == 2 && !strcmp(argv[1], "multi-all"))
		return multi_all();
	if (argc == 4)
		return probe(argv[1], argv[2], argv[3]);
	fprintf(stderr, "usage: klp-bpf WAY NAME FILE | fentry-each | multi-all\n");
	return 2;
}
