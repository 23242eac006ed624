/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The machine's uevents for programs that listen to the kernel's.
 *
 * A client's socket(AF_NETLINK, *, NETLINK_KOBJECT_UEVENT) is made in a
 * network namespace of ours, where nothing else happens.  What we send to the
 * kernel there, it tells to all sockets of that namespace in its own name.
 */
#ifndef UVF_FRONT_SUPERVISOR_UEVENTS_H
#define UVF_FRONT_SUPERVISOR_UEVENTS_H

struct uvf_machine;
struct uvf_uevents;

/**
 * uvf_uevents_create() - nothing is made before a client listens
 * Return: 0 or -ENOMEM.
 */
int uvf_uevents_create(struct uvf_uevents **ret_uevents,
		       struct uvf_machine *machine);
void uvf_uevents_destroy(struct uvf_uevents *uevents); /* takes NULL */

/**
 * uvf_uevents_socket() - a socket that hears the machine's uevents
 * @type: of socket(2), flags included
 * Return: a descriptor, or a negative errno: namespaces are refused.
 */
int uvf_uevents_socket(struct uvf_uevents *uevents, int type);

#endif /* UVF_FRONT_SUPERVISOR_UEVENTS_H */
