/* SPDX-License-Identifier: BSD-3-Clause */
#include "front/supervisor/signals.h"

#include <errno.h>
#include <sys/signalfd.h>

#include "front/supervisor/client.h"
#include "front/supervisor/inject.h"
#include "front/supervisor/listener.h"

/* From the terminal; the program gets each of them too. */
static const int ignored[] = {SIGTSTP, SIGTTIN, SIGTTOU, SIGPIPE};
/* From somebody who knows the supervisor only. */
static const int forwarded[] = {SIGTERM, SIGHUP,  SIGINT,
				SIGQUIT, SIGUSR1, SIGUSR2};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

_Static_assert(COUNT(ignored) + COUNT(forwarded) + 1 <= UVF_SIGNALS_MAX,
	       "room for all");

static int signal_at(size_t i)
{
	if (i < COUNT(ignored))
		return ignored[i];
	i -= COUNT(ignored);
	if (i < COUNT(forwarded))
		return forwarded[i];
	return i == COUNT(forwarded) ? SIGCHLD : 0;
}

int uvf_signals_take(struct uvf_signals *signals)
{
	struct sigaction action = {.sa_handler = SIG_IGN};
	sigset_t set;
	int fd;

	(void)sigemptyset(&set);
	for (size_t i = 0; i < COUNT(forwarded); i++)
		(void)sigaddset(&set, forwarded[i]);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	(void)pthread_sigmask(SIG_BLOCK, &set, &signals->mask);
	for (size_t i = 0; signal_at(i); i++) {
		int signo = signal_at(i);
		bool is_kept = i >= COUNT(ignored);

		/* Children of one who ignores SIGCHLD leave no status. */
		action.sa_handler = is_kept ? SIG_DFL : SIG_IGN;
		(void)sigaction(signo, &action, &signals->actions[i]);
	}
	return fd;
}

void uvf_signals_ignore(void)
{
	struct sigaction action = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < COUNT(ignored); i++)
		(void)sigaction(ignored[i], &action, NULL);
	for (size_t i = 0; i < COUNT(forwarded); i++)
		(void)sigaction(forwarded[i], &action, NULL);
}

void uvf_signals_restore(const struct uvf_signals *signals)
{
	for (size_t i = 0; signal_at(i); i++)
		(void)sigaction(signal_at(i), &signals->actions[i], NULL);
	(void)pthread_sigmask(SIG_SETMASK, &signals->mask, NULL);
}

/*
 * Once the agent sits on SIGBUS and SIGSEGV, the program's action is kept for
 * it to call; before, the kernel keeps it.
 */
void uvf_call_sigaction(struct uvf_call *call)
{
	enum uvf_inject_verdict verdict = UVF_INJECT_CONTINUE;
	struct uvf_client *client;
	const uint64_t *args = call->args;
	uint64_t base;
	int ret = 0;

	client = uvf_clients_lookup(call->params->clients, call->tid);
	if (client) {
		uvf_lock(&client->lock);
		base = uvf_clients_agent_locked(call->params->clients, client);
		if (base)
			ret = uvf_inject_sigaction(client->pid, base, args[0],
						   args[1], args[2], args[3],
						   &verdict);
		uvf_unlock(&client->lock);
		uvf_client_put(client);
	}
	if (verdict == UVF_INJECT_CONTINUE)
		(void)uvf_call_continue(call);
	else
		uvf_call_return(call, ret);
}

void uvf_call_sigprocmask(struct uvf_call *call)
{
	uvf_inject_sigprocmask(call->tid, call->args[0], call->args[1]);
	(void)uvf_call_continue(call);
}
