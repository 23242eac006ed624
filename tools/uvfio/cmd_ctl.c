/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * uvfio ctl: look at the machine of a run, and change it.
 */
#include <argp.h>
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd.h"
#include "runs.h"

#define KEY_RUN 1

/* How long a request may wait before the user is told why. */
#define PATIENCE_MS 1000

struct ctl_options {
	pid_t pid; /* 0: the only run there is */
	char **args;
	int count;
};

struct subcommand {
	const char *name;
	const char *params[3]; /* NULL ends */
	const char *usage;
	void (*print)(const json_t *result);
};

/* A string of an object; "-" where there is none. */
static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "-";
}

static void print_users(const json_t *object)
{
	const json_t *user;
	size_t i;

	json_array_foreach(json_object_get(object, "users"), i, user)
		printf("%s%s(%lld)", i ? "," : " users ", text_of(user, "comm"),
		       json_integer_value(json_object_get(user, "pid")));
	printf("\n");
}

static void print_list(const json_t *result)
{
	const json_t *object, *group, *device;
	size_t i, j;

	json_array_foreach(json_object_get(result, "devices"), i, object)
	{
		printf("%s", text_of(object, "address"));
		group = json_object_get(object, "group");
		if (json_is_integer(group))
			printf(" group %lld", json_integer_value(group));
		printf(" driver %s",
		       json_is_string(json_object_get(object, "driver"))
			       ? text_of(object, "driver")
			       : "none");
		print_users(object);
	}
	json_array_foreach(json_object_get(result, "groups"), i, object)
	{
		printf("group %lld",
		       json_integer_value(json_object_get(object, "id")));
		print_users(object);
	}
	json_array_foreach(json_object_get(result, "drivers"), i, object)
	{
		printf("driver %s", text_of(object, "name"));
		json_array_foreach(json_object_get(object, "devices"), j,
				   device) printf("%s%s", j ? "," : " devices ",
						  json_string_value(device));
		printf("\n");
	}
	json_array_foreach(json_object_get(result, "pending"), i, object)
		printf("pending %s %s\n", text_of(object, "method"),
		       text_of(json_object_get(object, "params"), "address"));
}

static const struct subcommand subcommands[] = {
	{"list", {NULL}, "list", print_list},
	{"unplug", {"address", NULL}, "unplug ADDR", NULL},
	{"plug", {"spec", NULL}, "plug SPEC", NULL},
	{"unbind", {"address", NULL}, "unbind ADDR", NULL},
	{"bind", {"address", "driver", NULL}, "bind ADDR DRIVER", NULL},
	{"aer", {"address", NULL}, "aer ADDR", NULL},
	{"irq", {"address", "interrupt", NULL}, "irq ADDR N|on|off", NULL},
};

#define SUBCOMMAND_COUNT (sizeof(subcommands) / sizeof(subcommands[0]))

static const struct argp_option option_table[] = {
	{"run", KEY_RUN, "PID", 0,
	 "the run, by the process number of its uvfio; not needed when there "
	 "is only one, nor inside a run",
	 0},
	{NULL, 0, NULL, 0, NULL, 0},
};

static void usage_error(const char *what)
{
	char known[256] = "";

	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
		size_t len = strlen(known);

		(void)snprintf(known + len, sizeof(known) - len, "%s%s",
			       i ? ", " : "", subcommands[i].usage);
	}
	complain("ctl: %s there are: %s", what, known);
	exit(STATUS_USAGE);
}

static pid_t parse_pid(const char *text)
{
	char *end;
	long pid = strtol(text, &end, 10);

	if (pid > 0 && pid <= INT32_MAX && !*end)
		return (pid_t)pid;
	complain("ctl: --run: '%s' is no process number", text);
	exit(STATUS_USAGE);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct ctl_options *options = state->input;

	switch (key) {
	case KEY_RUN:
		options->pid = parse_pid(arg);
		return 0;
	case ARGP_KEY_ARGS:
		options->args = state->argv + state->next;
		options->count = state->argc - state->next;
		return 0;
	case ARGP_KEY_NO_ARGS:
		usage_error("which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct subcommand *find_subcommand(const struct ctl_options *opts)
{
	char what[128];
	int params = 0;

	for (size_t i = 0; i < SUBCOMMAND_COUNT; i++) {
		const struct subcommand *sub = &subcommands[i];

		if (strcmp(sub->name, opts->args[0]) != 0)
			continue;
		while (sub->params[params])
			params++;
		if (opts->count == params + 1)
			return sub;
		(void)snprintf(what, sizeof(what),
			       "%.20s takes %d argument%s, not %d;", sub->name,
			       params, params == 1 ? "" : "s", opts->count - 1);
		usage_error(what);
	}
	(void)snprintf(what, sizeof(what), "no command '%.60s';",
		       opts->args[0]);
	usage_error(what);
	return NULL;
}

static void complain_runs(const struct control_socket *runs, size_t count)
{
	char list[256] = "";

	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(list);

		(void)snprintf(list + len, sizeof(list) - len, "%s%d",
			       i ? ", " : "", (int)runs[i].pid);
	}
	complain("ctl: there are several runs; choose one by --run=PID: %s",
		 list);
}

/* The socket of the run that is meant; false after a message. */
static bool choose_run(pid_t pid, char *path, size_t size)
{
	const char *inside = getenv("UVFIO_CTL");
	struct control_socket *runs;
	size_t count;

	if (!pid && inside) {
		(void)snprintf(path, size, "%s", inside);
		return true;
	}
	if (find_runs(pid, &runs, &count))
		return false;
	if (count == 1)
		(void)snprintf(path, size, "%s", runs[0].path);
	else if (count)
		complain_runs(runs, count);
	else if (pid)
		complain("ctl: process %d is no run of yours", (int)pid);
	else
		complain("ctl: there is no run of yours");
	free(runs);
	return count == 1;
}

/* A connection, or -1 after a message. */
static int dial(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct ucred cred = {0};
	socklen_t len = sizeof(cred);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(addr.sun_path, sizeof(addr.sun_path), "%.107s", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr))) {
		complain("ctl: %s: %s", path, strerror(errno));
		goto err_close;
	}
	/* Somebody else's socket in a directory that all may write to. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) ||
	    (cred.uid != geteuid() && geteuid())) {
		complain("ctl: %s is another user's", path);
		goto err_close;
	}
	return fd;

err_close:
	if (fd >= 0)
		close(fd);
	return -1;
}

static bool send_request(int fd, const struct subcommand *sub, char **args)
{
	json_t *params = json_object();
	json_t *request;
	char *text;
	bool is_sent = false;

	for (size_t i = 0; sub->params[i]; i++)
		if (json_object_set_new(params, sub->params[i],
					json_string(args[i + 1])))
			usage_error("an argument is no UTF-8;");
	request = json_pack("{s:s, s:i, s:s, s:o}", "jsonrpc", "2.0", "id", 1,
			    "method", sub->name, "params", params);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (text) {
		size_t len = strlen(text);

		text[len] = '\n'; /* in place of the NUL */
		is_sent = send(fd, text, len + 1, MSG_NOSIGNAL) ==
			  (ssize_t)len + 1;
	}
	free(text);
	if (!is_sent)
		complain("ctl: the run does not listen");
	return is_sent;
}

/* Says why it takes so long, once. */
static void wait_patiently(int fd, char **args)
{
	struct pollfd pfd = {.fd = fd, .events = POLLIN};

	if (poll(&pfd, 1, PATIENCE_MS) || !args[1])
		return;
	complain("ctl: waiting until %s is free ('uvfio ctl list' shows who "
		 "has it open)",
		 args[1]);
}

/* The answer, or NULL when the run ended before. */
static json_t *receive(int fd, char **args)
{
	json_t *message;

	/* Reads to the end of an object and not further. */
	while ((message = json_loadfd(fd, JSON_DISABLE_EOF_CHECK, NULL))) {
		if (json_object_get(message, "id"))
			break;
		/* It is pending: no answer comes soon. */
		json_decref(message);
		wait_patiently(fd, args);
	}
	close(fd);
	return message;
}

static int show(const struct subcommand *sub, const json_t *answer)
{
	const json_t *error = json_object_get(answer, "error");

	if (!answer) {
		complain("ctl: the run has ended");
		return STATUS_REFUSED;
	}
	if (error) {
		complain("%s: %s", sub->name, text_of(error, "message"));
		return STATUS_REFUSED;
	}
	if (sub->print)
		sub->print(json_object_get(answer, "result"));
	return STATUS_OK;
}

int cmd_ctl(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse_option,
		.args_doc = "list\nunplug ADDR\nplug SPEC\nunbind ADDR\n"
			    "bind ADDR DRIVER\naer ADDR\nirq ADDR N|on|off",
		.doc = "Look at the machine of a run, and change it.",
	};
	struct ctl_options options = {0};
	const struct subcommand *sub;
	char path[256];
	json_t *answer;
	int status, fd;

	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &options);
	sub = find_subcommand(&options);
	if (!choose_run(options.pid, path, sizeof(path)))
		return STATUS_REFUSED;
	fd = dial(path);
	if (fd < 0)
		return STATUS_REFUSED;
	if (!send_request(fd, sub, options.args)) {
		close(fd);
		return STATUS_REFUSED;
	}
	answer = receive(fd, options.args);
	status = show(sub, answer);
	json_decref(answer);
	return status;
}
