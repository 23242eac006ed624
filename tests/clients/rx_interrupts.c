/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sleeps until a receive queue interrupts, as DPDK's programs that save
 * power do: port 0 sends over a cable, port 1 receives on four queues and
 * polls none of them before its interrupt.  scripts/rx-interrupts builds
 * and runs it. Shows V70.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_udp.h>

#define SENDER   0
#define RECEIVER 1
#define QUEUES   4
#define RING     256
#define ROUNDS   2000
#define BURST    8
#define LENGTH   60
#define WAIT_MS  5000
#define QUIET_MS 20

static struct rte_mempool *pool;

static void check(int ret, const char *what)
{
	if (ret >= 0)
		return;
	printf("%s: %s\n", what, strerror(-ret));
	exit(1);
}

static void fail(const char *what, unsigned int round)
{
	printf("round %u: %s\n", round, what);
	exit(1);
}

static void port_start(uint16_t port, uint16_t queues)
{
	struct rte_eth_conf conf = {
		.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS,
		.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_NONFRAG_IPV4_UDP,
		.intr_conf.rxq = port == RECEIVER,
	};
	uint16_t i;

	check(rte_eth_dev_configure(port, queues, 1, &conf), "configure");
	for (i = 0; i < queues; i++)
		check(rte_eth_rx_queue_setup(port, i, RING, 0, NULL, pool),
		      "receive queue");
	check(rte_eth_tx_queue_setup(port, 0, RING, 0, NULL), "send queue");
	check(rte_eth_dev_start(port), "start");
	check(rte_eth_promiscuous_enable(port), "promiscuous");
}

/* A datagram of a flow; flows are spread over the queues. */
static struct rte_mbuf *frame_create(uint16_t flow)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);
	struct rte_ether_hdr *ether;
	struct rte_ipv4_hdr *ip;
	struct rte_udp_hdr *udp;

	if (!mbuf || !rte_pktmbuf_append(mbuf, LENGTH))
		check(-ENOMEM, "buffer");
	ether = rte_pktmbuf_mtod(mbuf, struct rte_ether_hdr *);
	memset(ether, 0, LENGTH);
	memset(&ether->dst_addr, 0xff, sizeof(ether->dst_addr));
	ether->src_addr.addr_bytes[0] = 2;
	ether->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	ip = (struct rte_ipv4_hdr *)(ether + 1);
	ip->version_ihl = RTE_IPV4_VHL_DEF;
	ip->total_length = rte_cpu_to_be_16(LENGTH - sizeof(*ether));
	ip->next_proto_id = IPPROTO_UDP;
	ip->src_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 1));
	ip->dst_addr = rte_cpu_to_be_32(RTE_IPV4(10, 0, 0, 2));
	udp = (struct rte_udp_hdr *)(ip + 1);
	udp->src_port = rte_cpu_to_be_16(flow);
	udp->dgram_len =
		rte_cpu_to_be_16(LENGTH - sizeof(*ether) - sizeof(*ip));
	return mbuf;
}

static void send_burst(uint16_t flow)
{
	struct rte_mbuf *frames[BURST];
	uint16_t sent = 0;
	uint16_t i;

	for (i = 0; i < BURST; i++)
		frames[i] = frame_create(flow);
	while (sent < BURST)
		sent += rte_eth_tx_burst(SENDER, 0, frames + sent,
					 BURST - sent);
}

/* All of the burst, which may still be on its way. */
static void take_burst(uint16_t queue)
{
	struct rte_mbuf *frames[BURST];
	uint16_t taken = 0;

	while (taken < BURST)
		taken += rte_eth_rx_burst(RECEIVER, queue, frames + taken,
					  BURST - taken);
	rte_pktmbuf_free_bulk(frames, BURST);
}

static void switch_all(int (*change)(uint16_t, uint16_t))
{
	uint16_t i;

	for (i = 0; i < QUEUES; i++)
		check(change(RECEIVER, i), "switch an interrupt");
}

/* Return the one queue that interrupts. */
static uint16_t wait_for_one(unsigned int round)
{
	struct rte_epoll_event events[QUEUES];
	int count =
		rte_epoll_wait(RTE_EPOLL_PER_THREAD, events, QUEUES, WAIT_MS);

	if (count < 1)
		fail("no interrupt", round);
	if (count > 1)
		fail("more than one queue interrupts", round);
	return (uint16_t)(uintptr_t)events[0].epdata.data;
}

static void run(unsigned int counts[QUEUES])
{
	struct rte_epoll_event event;
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		uint16_t queue;

		switch_all(rte_eth_dev_rx_intr_enable);
		if (round % 100 == 0 &&
		    rte_epoll_wait(RTE_EPOLL_PER_THREAD, &event, 1, QUIET_MS))
			fail("an interrupt without a frame", round);
		send_burst((uint16_t)round);
		queue = wait_for_one(round);
		switch_all(rte_eth_dev_rx_intr_disable);
		take_burst(queue);
		counts[queue]++;
	}
}

int main(int argc, char **argv)
{
	unsigned int counts[QUEUES] = {0};
	uintptr_t i;

	check(rte_eal_init(argc, argv), "initialise");
	pool = rte_pktmbuf_pool_create("pool", 4095, 0, 0,
				       RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	if (!pool)
		check(-rte_errno, "pool");
	port_start(SENDER, 1);
	port_start(RECEIVER, QUEUES);
	for (i = 0; i < QUEUES; i++)
		check(rte_eth_dev_rx_intr_ctl_q(RECEIVER, (uint16_t)i,
						RTE_EPOLL_PER_THREAD,
						RTE_INTR_EVENT_ADD, (void *)i),
		      "event");
	run(counts);
	printf("interrupts %u %u %u %u\n", counts[0], counts[1], counts[2],
	       counts[3]);
	for (i = 0; i < QUEUES; i++) {
		if (!counts[i])
			fail("a queue that never interrupted", ROUNDS);
	}
	check(rte_eth_dev_stop(RECEIVER), "stop");
	check(rte_eth_dev_stop(SENDER), "stop");
	check(rte_eal_cleanup(), "clean up");
	return 0;
}
