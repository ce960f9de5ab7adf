// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * One program, attached to one function by its name.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "klp-bpf.h"
#include "shared.h"

#define PROGRAMS "/klp/bpf/programs.bpf.o"

/* A way to attach, and the program that is attached. */
struct way {
	const char *name;
	const char *program;
	struct bpf_link *(*attach)(struct bpf_program *program, const char *name);
};

static struct bpf_link *attach_kprobe(struct bpf_program *program, const char *name)
{
	return bpf_program__attach_kprobe(program, false, name);
}

static struct bpf_link *attach_kretprobe(struct bpf_program *program, const char *name)
{
	return bpf_program__attach_kprobe(program, true, name);
}

/* Leaves the search to the kernel. */
static struct bpf_link *attach_multi(struct bpf_program *program, const char *name)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, options, .syms = &name, .cnt = 1);

	return bpf_program__attach_kprobe_multi_opts(program, NULL, &options);
}

static struct bpf_link *attach_return_multi(struct bpf_program *program, const char *name)
{
	LIBBPF_OPTS(bpf_kprobe_multi_opts, options, .syms = &name, .cnt = 1, .retprobe = true);

	return bpf_program__attach_kprobe_multi_opts(program, NULL, &options);
}

/* libbpf compares the pattern with the names that the kernel lists. */
static struct bpf_link *attach_pattern(struct bpf_program *program, const char *name)
{
	return bpf_program__attach_kprobe_multi_opts(program, name, NULL);
}

static struct bpf_link *attach_trace(struct bpf_program *program, const char *name)
{
	return bpf_program__attach_trace(program);
}

static const struct way ways[] = {
	{ "kprobe", "on_kprobe", attach_kprobe },
	{ "kretprobe", "on_kretprobe", attach_kretprobe },
	{ "kprobe.multi", "on_multi", attach_multi },
	{ "kretprobe.multi", "on_return_multi", attach_return_multi },
	{ "pattern", "on_multi", attach_pattern },
	{ "fentry", "on_fentry", attach_trace },
	{ "fexit", "on_fexit", attach_trace },
};

static int refused(const char *step, int error)
{
	printf("%s: %s\n", step, strerror(error < 0 ? -error : error));
	return 1;
}

/* Opens the file so that only one of its programs will be loaded. */
static struct bpf_object *open_with(const char *file, const char *wanted,
				    struct bpf_program **found)
{
	struct bpf_object *object = bpf_object__open_file(file, NULL);
	struct bpf_program *program;

	*found = NULL;
	if (!object)
		return NULL;
	bpf_object__for_each_program(program, object) {
		bool same = !strcmp(bpf_program__name(program), wanted);

		bpf_program__set_autoload(program, same);
		if (same)
			*found = program;
	}
	return object;
}

static int attach(const struct way *way, const char *name, const char *file)
{
	struct bpf_program *program;
	struct bpf_object *object = open_with(PROGRAMS, way->program, &program);
	unsigned long long hits = 0;
	struct bpf_link *link;
	unsigned int key = 0;
	int error;

	if (!program) {
		fprintf(stderr, "%s has no program %s\n", PROGRAMS, way->program);
		return 2;
	}
	if (way->attach == attach_trace) {
		error = bpf_program__set_attach_target(program, 0, name);
		if (error)
			return refused("target", error);
	}
	error = bpf_object__load(object);
	if (error)
		return refused("load", error);
	link = way->attach(program, name);
	if (!link)
		return refused("attach", errno);
	error = call(file);
	if (error) {
		fprintf(stderr, "cannot read %s: %s\n", file, strerror(-error));
		return 2;
	}
	error = bpf_map_lookup_elem(bpf_object__find_map_fd_by_name(object, "hits"), &key, &hits);
	if (error)
		return refused("hits", error);
	printf("attached, %llu hits\n", hits);
	bpf_link__destroy(link);
	bpf_object__close(object);
	return 0;
}

/* Runs the program `lookup` of a file, and prints the address that it found. */
static int look_up(const char *file, const char *name)
{
	struct lookup request = { .error = 0 };
	/* A program of this type gives its context back in place. */
	LIBBPF_OPTS(bpf_test_run_opts, options, .ctx_in = &request,
		    .ctx_size_in = sizeof(request));
	struct bpf_program *program;
	struct bpf_object *object = open_with(file, "lookup", &program);
	int error;

	if (!program) {
		fprintf(stderr, "%s has no program lookup\n", file);
		return 2;
	}
	strncpy(request.name, name, sizeof(request.name) - 1);
	error = bpf_object__load(object);
	if (error)
		return refused("load", error);
	error = bpf_prog_test_run_opts(bpf_program__fd(program), &options);
	if (error)
		return refused("run", error);
	bpf_object__close(object);
	if (request.error)
		return refused("lookup", request.error);
	if (!request.address)
		return refused("lookup", ENOENT);
	printf("%lx\n", request.address);
	return 0;
}

int probe(const char *name_of_way, const char *name, const char *file)
{
	size_t n;

	if (!strcmp(name_of_way, "lookup"))
		return look_up(PROGRAMS, name);
	if (!strcmp(name_of_way, "ksym"))
		return look_up(file, name);
	for (n = 0; n < sizeof(ways) / sizeof(ways[0]); n++)
		if (!strcmp(ways[n].name, name_of_way))
			return attach(&ways[n], name, file);
	fprintf(stderr, "there is no way `%s`\n", name_of_way);
	return 2;
}
