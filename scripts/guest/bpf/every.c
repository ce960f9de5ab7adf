// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * Every promoted function, as `klp-guest promoted --every` lists them: a line
 * has the name in the source, the full name, how many symbols have the former,
 * and `traceable`, `untraceable` or `shadowed` (a symbol has exactly that name).
 */
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "klp-bpf.h"

#define ENABLED "/sys/kernel/tracing/enabled_functions"
/* include/linux/bpf.h: MAX_BPF_FUNC_ARGS */
#define MAX_ARGUMENTS 12
/* btf_distill_func_proto(): an argument fits in two registers. */
#define MAX_ARGUMENT_SIZE 16
#define MAX_FUNCTIONS 4096
#define NAME 512

struct function {
	char name[NAME];
	char full[NAME];
	unsigned int matches;
	char state[16];
	/* The reason for which the kernel has to refuse it, or NULL. */
	const char *reason;
	/* The error of the kernel, 0 if it attached. */
	int error;
};

static struct function functions[MAX_FUNCTIONS];
static size_t count;

static int read_functions(void)
{
	while (count < MAX_FUNCTIONS) {
		struct function *function = &functions[count];
		int fields = scanf("%511s %511s %u %15s", function->name, function->full,
				   &function->matches, function->state);

		if (fields == EOF)
			return 0;
		if (fields != 4)
			break;
		count++;
	}
	fprintf(stderr, "line %zu of the list of functions is none\n", count + 1);
	return 2;
}

static const struct btf_type *without_modifiers(const struct btf *btf, __u32 id)
{
	const struct btf_type *type = btf__type_by_id(btf, id);

	while (btf_is_mod(type) || btf_is_typedef(type))
		type = btf__type_by_id(btf, type->type);
	return type;
}

static bool is_number(const struct btf_type *type)
{
	return btf_is_int(type) || btf_is_ptr(type) || btf_is_any_enum(type);
}

/* Explains with the rules of btf_distill_func_proto() why BPF cannot call for this function. */
static const char *refused_prototype(const struct btf *btf, int id)
{
	const struct btf_type *prototype =
		btf__type_by_id(btf, btf__type_by_id(btf, id)->type);
	const struct btf_param *parameter = btf_params(prototype);
	const struct btf_type *type;
	int n;

	if (btf_vlen(prototype) > MAX_ARGUMENTS)
		return "more than 12 arguments";
	type = without_modifiers(btf, prototype->type);
	if (prototype->type && btf_is_composite(type))
		return "returns a struct";
	if (prototype->type && !btf_is_void(type) && !is_number(type))
		return "returns another type";
	for (n = 0; n < btf_vlen(prototype); n++, parameter++) {
		type = without_modifiers(btf, parameter->type);
		if (btf_is_void(type))
			return "has variable arguments";
		if (!is_number(type) && !btf_is_composite(type))
			return "has an argument of another type";
		if (btf_is_composite(type) && type->size > MAX_ARGUMENT_SIZE)
			return "has a struct of more than 16 bytes as an argument";
	}
	return NULL;
}

static bool is_shadowed(const struct function *function)
{
	return !strcmp(function->state, "shadowed");
}

/* The explanation comes before the try, from BTF and the lists of the kernel. */
static const char *explain(const struct btf *btf, const struct function *function, int id)
{
	if (is_shadowed(function))
		return "another function has exactly this name, and is meant by it";
	if (id < 0)
		return "not in BTF";
	if (function->matches > 1)
		return "ambiguous";
	if (!strcmp(function->state, "untraceable"))
		return "cannot be traced";
	return refused_prototype(btf, id);
}

/* Loads a program for this function that does nothing, and attaches it. */
static int attach(int id)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, options,
		    .expected_attach_type = BPF_TRACE_FENTRY, .attach_btf_id = id);
	int program = bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing, 2,
				    &options);

	if (program < 0)
		return -errno;
	/* The link stays until the process ends. */
	return bpf_link_create(program, 0, BPF_TRACE_FENTRY, NULL) < 0 ? -errno : 0;
}

/* The name by which the kernel lists what was attached, or NULL. */
static const char *listed_as(const struct function *function)
{
	if (function->error)
		return NULL;
	return is_shadowed(function) ? function->name : function->full;
}

/* Returns true if a function before this one is listed by the same name, as several promoted ones may be. */
static bool same_before(size_t number)
{
	size_t n;

	for (n = 0; n < number; n++)
		if (listed_as(&functions[n]) &&
		    !strcmp(listed_as(&functions[n]), listed_as(&functions[number])))
			return true;
	return false;
}

/* Compares the functions that the kernel lists as traced with those that were attached. */
static bool exactly_these(void)
{
	FILE *list = fopen(ENABLED, "r");
	size_t others = 0, found = 0, attached = 0, n;
	char line[4 * NAME], name[NAME];

	for (n = 0; n < count; n++)
		attached += listed_as(&functions[n]) && !same_before(n);
	while (list && fgets(line, sizeof(line), list)) {
		/* A direct call is on a line of its own below. */
		if (line[0] == '\t' || sscanf(line, "%511s", name) != 1)
			continue;
		for (n = 0; n < count; n++)
			if (listed_as(&functions[n]) && !strcmp(listed_as(&functions[n]), name))
				break;
		if (n < count) {
			found++;
			continue;
		}
		others++;
		printf("traced, and not attached: %s\n", name);
	}
	if (list)
		fclose(list);
	printf("%zu of %zu are traced, and %zu others\n", found, attached, others);
	return found == attached && !others;
}

static size_t with_reason(const char *reason)
{
	size_t sum = 0, n;

	for (n = 0; n < count; n++)
		sum += functions[n].reason && !strcmp(functions[n].reason, reason);
	return sum;
}

int fentry_each(void)
{
	struct btf *btf = btf__load_vmlinux_btf();
	size_t attached = 0, unexplained = 0, n, m;

	if (!btf) {
		fprintf(stderr, "the kernel has no BTF\n");
		return 2;
	}
	if (read_functions())
		return 2;
	for (n = 0; n < count; n++) {
		struct function *function = &functions[n];
		int id = btf__find_by_name_kind(btf, function->name, BTF_KIND_FUNC);

		function->reason = explain(btf, function, id);
		function->error = id < 0 ? id : attach(id);
		/* The other function was attached, which says nothing about this one. */
		if (is_shadowed(function))
			continue;
		attached += !function->error;
		if (!function->error == !function->reason)
			continue;
		unexplained++;
		printf("unexplained: %s: %s, but %s\n", function->full,
		       function->error ? strerror(-function->error) : "attached",
		       function->reason ?: "nothing is known against it");
	}
	printf("%zu promoted functions\n%zu attached\n", count, attached);
	for (n = 0; n < count; n++) {
		for (m = 0; m < n && functions[m].reason != functions[n].reason; m++)
			;
		if (functions[n].reason && m == n)
			printf("%zu refused: %s\n", with_reason(functions[n].reason),
			       functions[n].reason);
	}
	printf("%zu unexplained\n", unexplained);
	return !(exactly_these() && !unexplained);
}

int multi_all(void)
{
	static const char *names[MAX_FUNCTIONS];
	LIBBPF_OPTS(bpf_link_create_opts, options);
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, load, .expected_attach_type = BPF_TRACE_KPROBE_MULTI);
	size_t n, wanted = 0;
	int program;

	if (read_functions())
		return 2;
	for (n = 0; n < count; n++) {
		struct function *function = &functions[n];

		/* One name that is refused refuses all. */
		function->error = strcmp(function->state, "traceable") || function->matches > 1;
		if (!function->error)
			names[wanted++] = function->name;
	}
	program = bpf_prog_load(BPF_PROG_TYPE_KPROBE, "nothing", "GPL", nothing, 2, &load);
	if (program < 0) {
		fprintf(stderr, "cannot load: %s\n", strerror(errno));
		return 2;
	}
	options.kprobe_multi.syms = names;
	options.kprobe_multi.cnt = wanted;
	if (bpf_link_create(program, 0, BPF_TRACE_KPROBE_MULTI, &options) < 0) {
		printf("%zu names: %s\n", wanted, strerror(errno));
		return 1;
	}
	printf("%zu names attached\n", wanted);
	return !exactly_these();
}
