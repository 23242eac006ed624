/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The requests of the control socket.
 * Source: JSON-RPC 2.0; a batch is refused, several requests may be sent one
 * after the other and are answered as they end.
 */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "front/control_private.h"
#include "iommu/iommu.h"

#define PARSE_ERROR      (-32700)
#define INVALID_REQUEST  (-32600)
#define METHOD_NOT_FOUND (-32601)
#define INVALID_PARAMS   (-32602)
#define REFUSED          (-32000) /* data.errno tells why */

/* NULL when memory runs out; as all of jansson's. */
static json_t *make_error(const json_t *id, int code, const char *text)
{
	return json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0", "id",
			 (json_t *)(uintptr_t)(id ? id : json_null()), "error",
			 "code", code, "message", text);
}

/* What a method came to. */
static json_t *make_answer(const json_t *id, int ret,
			   struct uvf_control_call *call)
{
	const char *name = ret < 0 ? strerrorname_np(-ret) : NULL;

	if (!ret)
		return json_pack("{s:s, s:O, s:O}", "jsonrpc", "2.0", "id",
				 (json_t *)(uintptr_t)id, "result",
				 call->result ? call->result : json_null());
	if (!call->err.text[0])
		uvfio_error_set(&call->err, "%s", strerror(-ret));
	return json_pack("{s:s, s:O, s:{s:i, s:s, s:{s:s}}}", "jsonrpc", "2.0",
			 "id", (json_t *)(uintptr_t)id, "error", "code",
			 REFUSED, "message", call->err.text, "data", "errno",
			 name ? name : "EIO");
}

static int append(const char *data, size_t len, void *arg)
{
	struct uvf_control_bytes *out = arg;

	if (!uvf_control_reserve(out, len + 1))
		return -1;
	memcpy(out->data + out->len, data, len);
	out->len += len;
	return 0;
}

void uvf_control_send_locked(struct uvf_control *control,
			     struct uvf_control_client *client, json_t *message)
{
	uvf_assert_held(&control->lock);
	if (!message || client->out.len > UVF_CONTROL_UNREAD_MAX ||
	    json_dump_callback(message, append, &client->out, JSON_COMPACT) ||
	    append("\n", 1, &client->out))
		client->is_broken = true;
	json_decref(message);
}

static void send_now(struct uvf_control *control,
		     struct uvf_control_client *client, json_t *message)
{
	uvf_lock(&control->lock);
	uvf_control_send_locked(control, client, message);
	uvf_unlock(&control->lock);
}

void uvf_control_refuse_length(struct uvf_control *control,
			       struct uvf_control_client *client)
{
	send_now(control, client,
		 make_error(NULL, INVALID_REQUEST, "the request is too long"));
}

static void free_job(struct uvf_control_job *job)
{
	json_decref(job->call.result);
	json_decref(job->request);
	uvf_free(job);
}

bool uvf_control_reap(struct uvf_control *control)
{
	struct uvf_list *node, *tmp;
	struct uvf_list ended;
	bool is_empty;

	uvf_list_init(&ended);
	uvf_lock(&control->lock);
	uvf_list_for_each_safe (node, tmp, &control->jobs) {
		if (!uvf_list_entry(node, struct uvf_control_job, node)
			     ->has_ended)
			continue;
		uvf_list_remove(node);
		uvf_list_append(&ended, node);
		control->job_count--;
	}
	is_empty = uvf_list_is_empty(&control->jobs);
	uvf_unlock(&control->lock);
	uvf_list_for_each_safe (node, tmp, &ended) {
		struct uvf_control_job *job =
			uvf_list_entry(node, struct uvf_control_job, node);

		pthread_join(job->thread, NULL);
		free_job(job);
	}
	return is_empty;
}

static void *job_main(void *arg)
{
	struct uvf_control_job *job = arg;
	struct uvf_control *control = job->control;
	struct uvf_control_client *client;
	int ret;

	/* To take a device away resets its model. */
	uvf_reader_register();
	ret = job->method->call(control->arg, &job->call);
	uvf_reader_unregister();
	uvf_lock(&control->lock);
	client = uvf_control_find_locked(control, job->serial);
	if (client) {
		client->jobs--;
		if (job->id)
			uvf_control_send_locked(
				control, client,
				make_answer(job->id, ret, &job->call));
	}
	job->has_ended = true;
	uvf_unlock(&control->lock);
	uvf_control_wake(control);
	return NULL;
}

/* The caller learns that its request waits, before any answer. */
static json_t *make_pending(const json_t *id)
{
	return json_pack("{s:s, s:s, s:{s:O}}", "jsonrpc", "2.0", "method",
			 "pending", "params", "id", (json_t *)(uintptr_t)id);
}

static int start_job_locked(struct uvf_control *control,
			    struct uvf_control_client *client,
			    struct uvf_control_job *job)
	UVF_REQUIRES(control->lock)
{
	int ret;

	uvf_assert_held(&control->lock);
	if (control->job_count == UVF_CONTROL_JOBS)
		return -EBUSY;
	ret = pthread_create(&job->thread, NULL, job_main, job);
	if (ret)
		return -ret;
	uvf_list_append(&control->jobs, &job->node);
	control->job_count++;
	client->jobs++;
	if (job->id)
		uvf_control_send_locked(control, client, make_pending(job->id));
	return 0;
}

static void run_later(struct uvf_control *control,
		      struct uvf_control_client *client,
		      const struct uvf_control_method *method, json_t *request,
		      const struct uvf_control_call *call)
{
	struct uvf_control_call failed = {.params = NULL};
	struct uvf_control_job *job = uvf_zalloc(sizeof(*job));
	json_t *id = json_object_get(request, "id");
	int ret = -ENOMEM;

	if (job) {
		job->control = control;
		job->method = method;
		job->call = *call;
		job->request = json_incref(request);
		job->id = id;
		job->serial = client->serial;
		uvf_lock(&control->lock);
		ret = start_job_locked(control, client, job);
		uvf_unlock(&control->lock);
	}
	if (!ret)
		return;
	if (job)
		free_job(job);
	if (ret == -EBUSY)
		uvfio_error_set(&failed.err, "%d requests wait already",
				UVF_CONTROL_JOBS);
	if (id)
		send_now(control, client, make_answer(id, ret, &failed));
}

static void run_now(struct uvf_control *control,
		    struct uvf_control_client *client,
		    const struct uvf_control_method *method, const json_t *id,
		    struct uvf_control_call *call)
{
	int ret = method->call(control->arg, call);

	if (id)
		send_now(control, client, make_answer(id, ret, call));
	json_decref(call->result);
}

static const struct uvf_control_method *
find_method(const struct uvf_control *control, const char *name)
{
	const struct uvf_control_method *method;

	for (method = control->methods; method->name; method++)
		if (!strcmp(method->name, name))
			return method;
	return NULL;
}

/* All that the method asks for, as strings, and nothing else. */
static bool check_params(const struct uvf_control_method *method,
			 const json_t *params)
{
	size_t count = 0;

	if (params && !json_is_object(params))
		return false;
	for (; method->params[count]; count++)
		if (!json_is_string(
			    json_object_get(params, method->params[count])))
			return false;
	return json_object_size(params) == count;
}

/* A request's identification: -EINVAL for what none may be. */
static int check_id(const json_t *id)
{
	return !id || json_is_string(id) || json_is_number(id) ||
			       json_is_null(id)
		       ? 0
		       : -EINVAL;
}

static void dispatch(struct uvf_control *control,
		     struct uvf_control_client *client, json_t *request)
{
	const json_t *id = json_object_get(request, "id");
	const char *version =
		json_string_value(json_object_get(request, "jsonrpc"));
	const char *name =
		json_string_value(json_object_get(request, "method"));
	struct uvf_control_call call = {
		.params = json_object_get(request, "params"),
		.pid = client->pid,
	};
	const struct uvf_control_method *method;

	memcpy(call.comm, client->comm, sizeof(call.comm));
	if (!version || strcmp(version, "2.0") != 0 || !name || check_id(id)) {
		send_now(control, client,
			 make_error(check_id(id) ? NULL : id, INVALID_REQUEST,
				    "this is no JSON-RPC 2.0 request"));
		return;
	}
	method = find_method(control, name);
	if (!method || !check_params(method, call.params)) {
		/* Nobody waits for an answer without an id. */
		if (id)
			send_now(control, client,
				 method ? make_error(id, INVALID_PARAMS,
						     "wrong parameters")
					: make_error(id, METHOD_NOT_FOUND,
						     "no such method"));
		return;
	}
	if (method->may_wait)
		run_later(control, client, method, request, &call);
	else
		run_now(control, client, method, id, &call);
}

void uvf_control_handle(struct uvf_control *control,
			struct uvf_control_client *client, const char *line,
			size_t len)
{
	json_t *request = json_loadb(
		line, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);

	if (!request)
		send_now(control, client,
			 make_error(NULL, PARSE_ERROR, "this is no JSON"));
	else if (!json_is_object(request))
		send_now(control, client,
			 make_error(NULL, INVALID_REQUEST,
				    "a request is an object"));
	else
		dispatch(control, client, request);
	json_decref(request);
}

json_t *uvf_control_pending(struct uvf_control *control)
{
	json_t *array = json_array();
	struct uvf_list *node;

	uvf_lock(&control->lock);
	uvf_list_for_each (node, &control->jobs) {
		struct uvf_control_job *job =
			uvf_list_entry(node, struct uvf_control_job, node);

		if (job->has_ended)
			continue;
		if (json_array_append_new(
			    array,
			    json_pack("{s:s, s:O?, s:i}", "method",
				      job->method->name, "params",
				      (json_t *)(uintptr_t)job->call.params,
				      "pid", (int)job->call.pid))) {
			json_decref(array);
			array = NULL;
			break;
		}
	}
	uvf_unlock(&control->lock);
	return array;
}
