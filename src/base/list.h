/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Doubly linked lists through a member of the element.
 */
#ifndef UVF_BASE_LIST_H
#define UVF_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define uvf_container_of(ptr, type, member)                                    \
	((type *)(void *)((char *)(ptr)-offsetof(type, member)))

struct uvf_list {
	struct uvf_list *next;
	struct uvf_list *prev;
};

static inline void uvf_list_init(struct uvf_list *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool uvf_list_is_empty(const struct uvf_list *head)
{
	return head->next == head;
}

static inline void uvf_list_add_between(struct uvf_list *node,
					struct uvf_list *prev,
					struct uvf_list *next)
{
	node->next = next;
	node->prev = prev;
	prev->next = node;
	next->prev = node;
}

/* As first element. */
static inline void uvf_list_add(struct uvf_list *head, struct uvf_list *node)
{
	uvf_list_add_between(node, head, head->next);
}

/* As last element. */
static inline void uvf_list_append(struct uvf_list *head, struct uvf_list *node)
{
	uvf_list_add_between(node, head->prev, head);
}

/* Leaves @node as an empty list, so that removing it again is harmless. */
static inline void uvf_list_remove(struct uvf_list *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	uvf_list_init(node);
}

#define uvf_list_entry(node, type, member) uvf_container_of(node, type, member)

#define uvf_list_for_each(node, head)                                          \
	for ((node) = (head)->next; (node) != (head); (node) = (node)->next)

/* The body may remove @node. */
#define uvf_list_for_each_safe(node, tmp, head)                                \
	for ((node) = (head)->next, (tmp) = (node)->next; (node) != (head);    \
	     (node) = (tmp), (tmp) = (node)->next)

#endif /* UVF_BASE_LIST_H */
