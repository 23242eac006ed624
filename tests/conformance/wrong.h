/* SPDX-License-Identifier: BSD-3-Clause */
/* What is no container for SET_CONTAINER, and no name for GET_DEVICE_FD. */
#ifndef CONFORMANCE_WRONG_H
#define CONFORMANCE_WRONG_H

const char *wrong_fd_label(long i);
int wrong_fd(long i, int group); /* opens group 1 where it needs one */
const char *wrong_name_label(long i);
const char *wrong_name(long i);

#endif /* CONFORMANCE_WRONG_H */
