/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How fast a capture is received.
 *
 * A wire carries frames whether or not somebody takes them; a file can wait.
 * So that a client that forwards what it gets is not made to drop frames
 * when its transmit ring is full, no more than a window of frames is out:
 * delivered, and their descriptors not yet armed again.  The window is half
 * of the ring, but of no small one.  A client that arms descriptors in even
 * larger steps gets more after it armed none for some seconds.
 */
#include "igb.h"

#define WINDOW   128 /* frames, at least */
#define STEP     32
#define PATIENCE 200000 /* polls; an idle device thread makes 20 in 1 ms */

void igb_replay_restart(struct igb_replay *replay)
{
	replay->posted_max = 0;
	replay->posted = 0;
	replay->waited = 0;
}

/* How many frames may be delivered now, of a ring with @posted descriptors. */
uint32_t igb_replay_budget(struct igb_replay *replay, uint32_t posted)
{
	uint32_t window, taken;

	if (posted > replay->posted_max)
		replay->posted_max = posted;
	window = replay->posted_max / 2 > WINDOW ? replay->posted_max / 2
						 : WINDOW;
	taken = replay->posted_max - posted;
	if (posted != replay->posted) {
		replay->posted = posted;
		replay->waited = 0;
	}
	if (taken < window)
		return window - taken;
	if (++replay->waited < PATIENCE)
		return 0;
	replay->waited = 0;
	return STEP;
}
