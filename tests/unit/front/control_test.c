/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control socket by itself, with methods of the test's own: what it says
 * to requests good and bad, and what it does to clients that misbehave.
 */
#include "front/control.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "front/control_private.h"

#define TEXT_MAX (4 * 1024 * 1024)

/* A door that wait stands before until open was asked for. */
static struct door {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	unsigned int waiting;
	bool is_open;
} door = {.mutex = PTHREAD_MUTEX_INITIALIZER,
	  .changed = PTHREAD_COND_INITIALIZER};

static struct uvf_control *control;
static char *text;

static int call_echo(void *arg, struct uvf_control_call *call)
{
	assert_ptr_equal(arg, &door);
	call->result = json_incref(json_object_get(call->params, "text"));
	return 0;
}

static int call_refuse(void *arg, struct uvf_control_call *call)
{
	(void)arg;
	uvfio_error_set(&call->err, "not today");
	return -EPERM;
}

static int call_who(void *arg, struct uvf_control_call *call)
{
	(void)arg;
	call->result = json_pack("[i, s]", (int)call->pid, call->comm);
	return 0;
}

static int call_wait(void *arg, struct uvf_control_call *call)
{
	(void)arg;
	(void)call;
	pthread_mutex_lock(&door.mutex);
	door.waiting++;
	pthread_cond_broadcast(&door.changed);
	while (!door.is_open)
		pthread_cond_wait(&door.changed, &door.mutex);
	door.waiting--;
	pthread_cond_broadcast(&door.changed);
	pthread_mutex_unlock(&door.mutex);
	return 0;
}

static int call_pending(void *arg, struct uvf_control_call *call)
{
	(void)arg;
	call->result = uvf_control_pending(control);
	return 0;
}

static const struct uvf_control_method methods[] = {
	{"echo", {"text"}, false, call_echo},
	{"refuse", {NULL}, false, call_refuse},
	{"who", {NULL}, false, call_who},
	{"wait", {"for", "how"}, true, call_wait},
	{"pending", {NULL}, false, call_pending},
	{NULL, {NULL}, false, NULL},
};

static void set_door(bool is_open)
{
	pthread_mutex_lock(&door.mutex);
	door.is_open = is_open;
	pthread_cond_broadcast(&door.changed);
	pthread_mutex_unlock(&door.mutex);
}

static void await_waiting(unsigned int count)
{
	pthread_mutex_lock(&door.mutex);
	while (door.waiting != count)
		pthread_cond_wait(&door.changed, &door.mutex);
	pthread_mutex_unlock(&door.mutex);
}

static int start(void **state)
{
	(void)state;
	text = malloc(TEXT_MAX);
	set_door(false);
	assert_non_null(text);
	assert_int_equal(uvf_control_create(&control, methods, &door), 0);
	assert_int_equal(uvf_control_start(control), 0);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	set_door(true);
	uvf_control_destroy(control);
	control = NULL;
	free(text);
	return 0;
}

static int dial(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct timeval limit = {.tv_sec = 20};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memcpy(addr.sun_path, uvf_control_path(control),
	       strlen(uvf_control_path(control)) + 1);
	assert_true(fd >= 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)),
			 0);
	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)),
		0);
	return fd;
}

static void say(int fd, const char *line)
{
	size_t len = strlen(line);

	assert_int_equal(send(fd, line, len, MSG_NOSIGNAL), len);
}

/* One line of an answer; "" at the end. */
static const char *hear(int fd)
{
	size_t len = 0;

	while (len < TEXT_MAX - 1 && read(fd, text + len, 1) == 1) {
		if (text[len] == '\n')
			break;
		len++;
	}
	text[len] = '\0';
	return text;
}

static void expect(int fd, const char *request, const char *answer)
{
	say(fd, request);
	say(fd, "\n");
	assert_string_equal(hear(fd), answer);
}

#define OK(id, result)                                                         \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"result\":" result "}"
#define ERROR(id, code, message)                                               \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"error\":{\"code\":" code         \
	",\"message\":\"" message "\"}}"

static void test_a_request_is_answered(void **state)
{
	int fd = dial();
	char answer[128];

	(void)state;
	expect(fd,
	       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\","
	       "\"params\":{\"text\":\"hello\"}}",
	       OK("1", "\"hello\""));
	expect(fd, "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"refuse\"}",
	       "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"error\":{\"code\":-32000,"
	       "\"message\":\"not today\",\"data\":{\"errno\":\"EPERM\"}}}");
	(void)snprintf(answer, sizeof(answer), OK("2", "[%d,\"%.15s\"]"),
		       (int)getpid(), program_invocation_short_name);
	expect(fd, "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":\"who\"}", answer);
	close(fd);
}

static void test_a_wrong_request_gets_the_error_of_json_rpc(void **state)
{
	static const struct {
		const char *request;
		const char *answer;
	} cases[] = {
		{"hello", ERROR("null", "-32700", "this is no JSON")},
		{"{\"id\":", ERROR("null", "-32700", "this is no JSON")},
		{"{\"id\":1,\"id\":2}",
		 ERROR("null", "-32700", "this is no JSON")},
		{"[]", ERROR("null", "-32600", "a request is an object")},
		{"3", ERROR("null", "-32600", "a request is an object")},
		{"{\"id\":4,\"method\":\"who\"}",
		 ERROR("4", "-32600", "this is no JSON-RPC 2.0 request")},
		{"{\"jsonrpc\":\"1.0\",\"id\":4,\"method\":\"who\"}",
		 ERROR("4", "-32600", "this is no JSON-RPC 2.0 request")},
		{"{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":7}",
		 ERROR("4", "-32600", "this is no JSON-RPC 2.0 request")},
		{"{\"jsonrpc\":\"2.0\",\"id\":[],\"method\":\"who\"}",
		 ERROR("null", "-32600", "this is no JSON-RPC 2.0 request")},
		{"{\"jsonrpc\":\"2.0\",\"id\":5,\"method\":\"reboot\"}",
		 ERROR("5", "-32601", "no such method")},
		{"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"echo\"}",
		 ERROR("6", "-32602", "wrong parameters")},
		{"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"echo\","
		 "\"params\":[\"x\"]}",
		 ERROR("6", "-32602", "wrong parameters")},
		{"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"echo\","
		 "\"params\":{\"text\":3}}",
		 ERROR("6", "-32602", "wrong parameters")},
		{"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"echo\","
		 "\"params\":{\"text\":\"x\",\"more\":\"y\"}}",
		 ERROR("6", "-32602", "wrong parameters")},
		{"{\"jsonrpc\":\"2.0\",\"id\":6,\"method\":\"who\","
		 "\"params\":{\"text\":\"x\"}}",
		 ERROR("6", "-32602", "wrong parameters")},
	};
	int fd = dial();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		expect(fd, cases[i].request, cases[i].answer);
	close(fd);
}

static void test_a_request_without_an_id_is_done_and_not_answered(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"who\"}\n\n");
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"none\"}\n");
	say(fd, "{\"jsonrpc\":\"2.0\",\"method\":\"wait\","
		"\"params\":{\"for\":\"a\",\"how\":\"b\"}}\n");
	await_waiting(1);
	expect(fd,
	       "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\","
	       "\"params\":{\"text\":\"x\"}}",
	       OK("1", "\"x\""));
	close(fd);
}

#define WAIT(id)                                                               \
	"{\"jsonrpc\":\"2.0\",\"id\":" id ",\"method\":\"wait\",\"params\":{"  \
	"\"for\":\"me\",\"how\":\"long\"}}"
#define PENDING(id)                                                            \
	"{\"jsonrpc\":\"2.0\",\"method\":\"pending\",\"params\":{\"id\":" id   \
	"}}"

static void test_requests_that_wait_hold_up_nobody(void **state)
{
	int fd = dial();
	int other = dial();
	char answer[256];

	(void)state;
	expect(fd, WAIT("1"), PENDING("1"));
	expect(fd, WAIT("2"), PENDING("2"));
	await_waiting(2);
	expect(fd,
	       "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"echo\","
	       "\"params\":{\"text\":\"x\"}}",
	       OK("3", "\"x\""));
	(void)snprintf(answer, sizeof(answer),
		       "{\"method\":\"wait\",\"params\":{\"for\":\"me\","
		       "\"how\":\"long\"},\"pid\":%d}",
		       (int)getpid());
	say(other, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"pending\"}\n");
	assert_non_null(strstr(hear(other), answer));
	set_door(true);
	assert_non_null(strstr(hear(fd), "\"result\":null"));
	assert_non_null(strstr(hear(fd), "\"result\":null"));
	close(fd);
	close(other);
}

static void test_too_many_requests_that_wait_are_refused(void **state)
{
	int fd = dial();

	(void)state;
	for (unsigned int i = 0; i < UVF_CONTROL_JOBS; i++)
		expect(fd, WAIT("1"), PENDING("1"));
	say(fd, WAIT("2") "\n");
	assert_non_null(strstr(hear(fd), "wait already"));
	assert_non_null(strstr(text, "\"EBUSY\""));
	close(fd);
}

static void test_a_client_that_hangs_up_leaves_its_request_at_work(void **state)
{
	int fd = dial();

	(void)state;
	expect(fd, WAIT("1"), PENDING("1"));
	close(fd);
	fd = dial();
	expect(fd, WAIT("2"), PENDING("2"));
	await_waiting(2);
	set_door(true);
	await_waiting(0);
	assert_string_equal(hear(fd), OK("2", "null"));
	close(fd);
}

static void test_who_has_said_all_still_gets_answers(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, WAIT("1") "\n");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	assert_string_equal(hear(fd), PENDING("1"));
	set_door(true);
	assert_string_equal(hear(fd), OK("1", "null"));
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void test_half_a_request_is_waited_for_and_forgotten(void **state)
{
	int half = dial();
	int fd = dial();

	(void)state;
	say(half, "{\"jsonrpc\":\"2.0\",\"id\":1,\"meth");
	expect(fd,
	       "{\"jsonrpc\":\"2.0\",\"id\":3,\"method\":\"echo\","
	       "\"params\":{\"text\":\"x\"}}",
	       OK("3", "\"x\""));
	expect(half, "od\":\"echo\",\"params\":{\"text\":\"y\"}}",
	       OK("1", "\"y\""));
	say(half, "{\"jsonrpc\"");
	close(half);
	expect(fd,
	       "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"echo\","
	       "\"params\":{\"text\":\"z\"}}",
	       OK("4", "\"z\""));
	close(fd);
}

static void test_a_request_without_end_is_refused(void **state)
{
	static char long_line[2 * UVF_CONTROL_REQUEST_MAX];
	int fd = dial();

	(void)state;
	memset(long_line, '[', sizeof(long_line) - 1);
	/* It is hung up on in the middle. */
	(void)!send(fd, long_line, sizeof(long_line) - 1, MSG_NOSIGNAL);
	assert_string_equal(hear(fd),
			    ERROR("null", "-32600", "the request is too long"));
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void test_deep_nesting_and_wild_bytes_are_no_json(void **state)
{
	static char line[UVF_CONTROL_REQUEST_MAX / 2];
	unsigned int seed = 1;
	int fd = dial();

	(void)state;
	memset(line, '[', sizeof(line) - 1);
	expect(fd, line, ERROR("null", "-32700", "this is no JSON"));
	for (unsigned int i = 0; i < 1000; i++) {
		size_t len = 1 + (size_t)rand_r(&seed) % 64;

		for (size_t j = 0; j < len; j++) {
			line[j] = (char)rand_r(&seed);
			if (line[j] == '\n' || !line[j])
				line[j] = '{';
		}
		/* At least one byte that is no white space. */
		line[0] = '{';
		line[len] = '\0';
		expect(fd, line, ERROR("null", "-32700", "this is no JSON"));
	}
	close(fd);
}

static void test_who_does_not_listen_is_hung_up_on(void **state)
{
	static const char request[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"echo\","
		"\"params\":{\"text\":"
		"\"ten bytes ten bytes ten bytes ten bytes\"}}\n";
	int fd = dial();
	ssize_t n;

	(void)state;
	do
		n = send(fd, request, sizeof(request) - 1, MSG_NOSIGNAL);
	while (n > 0);
	assert_true(errno == EPIPE || errno == ECONNRESET);
	close(fd);
	fd = dial();
	expect(fd,
	       "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"echo\","
	       "\"params\":{\"text\":\"z\"}}",
	       OK("4", "\"z\""));
	close(fd);
}

static void test_the_longest_silent_of_too_many_clients_goes(void **state)
{
	int fds[3 * UVF_CONTROL_CLIENTS];
	int waiting = dial();

	(void)state;
	expect(waiting, WAIT("1"), PENDING("1"));
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		fds[i] = dial();
		expect(fds[i],
		       "{\"jsonrpc\":\"2.0\",\"id\":4,\"method\":\"echo\","
		       "\"params\":{\"text\":\"z\"}}",
		       OK("4", "\"z\""));
	}
	assert_string_equal(hear(fds[0]), "");
	set_door(true);
	assert_string_equal(hear(waiting), OK("1", "null"));
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		close(fds[i]);
	close(waiting);
}

static void test_the_end_answers_those_that_wait(void **state)
{
	char path[128];
	struct stat st;
	int fd = dial();

	(void)state;
	(void)snprintf(path, sizeof(path), "%s", uvf_control_path(control));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFSOCK | 0600);
	expect(fd, WAIT("1"), PENDING("1"));
	set_door(true);
	uvf_control_destroy(control);
	control = NULL;
	assert_int_equal(stat(path, &st), -1);
	assert_string_equal(hear(fd), OK("1", "null"));
	assert_string_equal(hear(fd), "");
	close(fd);
}

static void test_the_directory_is_the_users_or_tmp(void **state)
{
	char dir[] = "/tmp/uvfio-test.XXXXXX";
	char path[128];

	(void)state;
	assert_non_null(mkdtemp(dir));
	uvf_control_destroy(control);
	setenv("XDG_RUNTIME_DIR", dir, 1);
	assert_int_equal(uvf_control_create(&control, methods, &door), 0);
	(void)snprintf(path, sizeof(path), "%s/uvfio-ctl.%d", dir,
		       (int)getpid());
	assert_string_equal(uvf_control_path(control), path);
	uvf_control_destroy(control);
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(uvf_control_create(&control, methods, &door), 0);
	assert_memory_equal(uvf_control_path(control), "/tmp/uvfio-ctl.", 15);
	unsetenv("XDG_RUNTIME_DIR");
}

static void test_a_socket_nobody_serves_is_replaced(void **state)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct uvf_control *second;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	/* One that lives stays. */
	assert_int_equal(uvf_control_create(&second, methods, &door),
			 -EADDRINUSE);
	memcpy(addr.sun_path, uvf_control_path(control),
	       strlen(uvf_control_path(control)) + 1);
	uvf_control_destroy(control);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	close(fd);
	assert_int_equal(uvf_control_create(&control, methods, &door), 0);
	assert_int_equal(uvf_control_start(control), 0);
	close(dial());
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_a_request_is_answered),
		TEST(test_a_wrong_request_gets_the_error_of_json_rpc),
		TEST(test_a_request_without_an_id_is_done_and_not_answered),
		TEST(test_requests_that_wait_hold_up_nobody),
		TEST(test_too_many_requests_that_wait_are_refused),
		TEST(test_a_client_that_hangs_up_leaves_its_request_at_work),
		TEST(test_who_has_said_all_still_gets_answers),
		TEST(test_half_a_request_is_waited_for_and_forgotten),
		TEST(test_a_request_without_end_is_refused),
		TEST(test_deep_nesting_and_wild_bytes_are_no_json),
		TEST(test_who_does_not_listen_is_hung_up_on),
		TEST(test_the_longest_silent_of_too_many_clients_goes),
		TEST(test_the_end_answers_those_that_wait),
		TEST(test_the_directory_is_the_users_or_tmp),
		TEST(test_a_socket_nobody_serves_is_replaced),
	};

	unsetenv("XDG_RUNTIME_DIR");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
