/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What type1 counts as locked memory, of which process, and when it refuses
 * more.
 */
#include "rig.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "iommu/account.h"
#include "iommu/translate.h"
#include "mem/self.h"

#define A    0x100000ull
#define B    0x200000ull
#define LEN  (4 * PAGE)
#define VSET VFIO_DMA_MAP_FLAG_VADDR
#define VCUT VFIO_DMA_UNMAP_FLAG_VADDR

static bool has_ipc_lock;

static bool tell_ipc_lock(struct uvf_caller *caller)
{
	(void)caller;
	return has_ipc_lock;
}

static const struct uvf_caller_ops ops = {.has_ipc_lock = tell_ipc_lock};

static void set_limit(uint64_t bytes)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
}

/* A caller whom the limit concerns. */
static void limit_rig(struct rig *rig, uint64_t pages)
{
	has_ipc_lock = false;
	rig->caller.ops = &ops;
	rig->caller.pid = getpid();
	rig->caller.ignores_memlock = false;
	set_limit(pages * PAGE);
}

static void open_limited(struct rig *rig, uint64_t pages)
{
	rig_open(rig, VFIO_TYPE1v2_IOMMU, NULL);
	limit_rig(rig, pages);
}

static uint64_t charged(const struct rig *rig)
{
	return uvf_account_pages(rig->caller.mm);
}

/* Another process, as far as a caller shows. */
static struct uvf_caller other_process(void)
{
	struct uvf_caller other = {.ops = &ops, .pid = getpid()};

	assert_int_equal(uvf_self_create(&other.mm), 0);
	return other;
}

static void end_process(struct uvf_caller *other)
{
	assert_int_equal(uvf_account_pages(other->mm), 0);
	assert_int_equal(atomic_load(&other->mm->ref.count), 1);
	uvf_mm_put(other->mm);
}

/* As another process's ioctl. */
static int as(struct rig *rig, struct uvf_caller *other, unsigned int cmd,
	      void *arg)
{
	return (int)rig->backend->ioctl(rig->state, other, cmd, (uintptr_t)arg);
}

static int map_as(struct rig *rig, struct uvf_caller *other, uint32_t flags,
		  uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)rig_memory,
		.iova = iova,
		.size = size,
	};

	return as(rig, other, VFIO_IOMMU_MAP_DMA, &map);
}

/* Shows M15. */
static void exactly_the_limit_may_be_mapped(void **state)
{
	uint64_t size = LEN;
	struct rig rig;

	(void)state;
	open_limited(&rig, 5);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, 6 * PAGE), -ENOMEM);
	assert_false(rig_is_mapped(&rig, A));
	assert_int_equal(charged(&rig), 0);
	assert_int_equal(rig_available(&rig), 65535);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	/* The same memory again counts again. */
	assert_int_equal(rig_map(&rig, RW, rig_memory, B, 2 * PAGE), -ENOMEM);
	assert_int_equal(rig_map(&rig, RW, rig_memory, B, PAGE), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, B + PAGE, PAGE),
			 -ENOMEM);
	assert_int_equal(charged(&rig), 5);
	assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
	assert_int_equal(charged(&rig), 1);
	set_limit(0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), -ENOMEM);
	set_limit(2 * PAGE);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, PAGE), 0);
	has_ipc_lock = true;
	assert_int_equal(rig_map(&rig, RW, rig_memory, A + LEN, 32 * PAGE), 0);
	assert_int_equal(charged(&rig), 34);
	/* The last group credits all. */
	rig_close(&rig);
}

/* Pages are looked at one by one: what is wrong first is the answer. */
static void the_first_page_that_is_wrong_decides(void **state)
{
	uint8_t *p = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct rig rig;

	(void)state;
	munmap(p + 2 * PAGE, 2 * PAGE);
	open_limited(&rig, 2);
	assert_int_equal(rig_map(&rig, RW, p, A, 4 * PAGE), -EFAULT);
	set_limit(PAGE);
	assert_int_equal(rig_map(&rig, RW, p, A, 4 * PAGE), -ENOMEM);
	has_ipc_lock = true;
	assert_int_equal(rig_map(&rig, RW, p, A, 4 * PAGE), -EFAULT);
	has_ipc_lock = false;
	set_limit(0);
	assert_int_equal(rig_map(&rig, RW, p + 2 * PAGE, A, PAGE), -EFAULT);
	assert_int_equal(charged(&rig), 0);
	rig_close(&rig);
	munmap(p, 2 * PAGE);
}

/* Who maps pays, whoever unmaps. */
static void the_process_that_mapped_is_credited(void **state)
{
	struct uvf_caller child = other_process();
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = A, .size = LEN};
	uint64_t size = LEN;
	struct rig rig;

	(void)state;
	open_limited(&rig, 4);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(map_as(&rig, &child, RW, B, LEN), 0);
	assert_int_equal(uvf_account_pages(child.mm), 4);
	assert_int_equal(charged(&rig), 4);
	assert_int_equal(as(&rig, &child, VFIO_IOMMU_UNMAP_DMA, &unmap), 0);
	assert_int_equal(charged(&rig), 0);
	assert_int_equal(uvf_account_pages(child.mm), 4);
	assert_int_equal(rig_unmap(&rig, 0, B, &size), 0);
	end_process(&child);
	rig_close(&rig);
}

/* Two containers of one process have one counter. */
static void containers_of_a_process_share_its_limit(void **state)
{
	struct rig rig, second;
	struct uvf_mm *own;

	(void)state;
	open_limited(&rig, 4);
	open_limited(&second, 4);
	own = second.caller.mm;
	second.caller.mm = rig.caller.mm;
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, 3 * PAGE), 0);
	assert_int_equal(rig_map(&second, RW, rig_memory, A, 2 * PAGE),
			 -ENOMEM);
	assert_int_equal(rig_map(&second, RW, rig_memory, A, PAGE), 0);
	assert_int_equal(charged(&rig), 4);
	second.backend->detach_group(second.state, &second.member);
	assert_int_equal(charged(&rig), 3);
	second.caller.mm = own;
	assert_int_equal(rig_attach(&second, &second.member, &second.as), 0);
	rig_close(&second);
	rig_close(&rig);
}

/* Shows M27. */
static void a_new_address_of_another_process_moves_the_charge(void **state)
{
	struct uvf_caller next = other_process();
	uint64_t size = LEN;
	struct rig rig;

	(void)state;
	open_limited(&rig, 4);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_unmap(&rig, VCUT, A, &size), 0);
	assert_int_equal(charged(&rig), 4);
	set_limit(3 * PAGE);
	assert_int_equal(map_as(&rig, &next, VSET, A, LEN), -ENOMEM);
	/* It is invalid still, DMA goes on, and nothing moved. */
	assert_true(rig_is_mapped(&rig, A));
	assert_int_equal(charged(&rig), 4);
	assert_int_equal(uvf_account_pages(next.mm), 0);
	/* Who has it already needs no room. */
	assert_int_equal(rig_map(&rig, VSET, rig_memory, A, LEN), 0);
	assert_int_equal(rig_unmap(&rig, VCUT, A, &size), 0);
	set_limit(4 * PAGE);
	assert_int_equal(map_as(&rig, &next, VSET, A, LEN), 0);
	assert_int_equal(charged(&rig), 0);
	assert_int_equal(uvf_account_pages(next.mm), 4);
	assert_true(rig_is_mapped(&rig, A));
	assert_int_equal(rig_unmap(&rig, 0, A, &size), 0);
	end_process(&next);
	rig_close(&rig);
}

static void keep_pins(struct uvf_dma_user *user, struct uvf_range iova)
{
	(void)user;
	(void)iova;
}

/* An instance with an emulated group alone. */
static void open_emulated(struct rig *rig, struct uvf_dma_user *user)
{
	rig_open_bare(rig, VFIO_TYPE1v2_IOMMU, NULL, &rig_host);
	rig->member.is_emulated = true;
	user->dma_unmap = keep_pins;
	assert_int_equal(rig_attach(rig, &rig->member, &rig->as), 0);
	assert_null(rig->as);
	rig->backend->register_user(rig->state, user);
}

static void close_emulated(struct rig *rig, struct uvf_dma_user *user)
{
	rig->backend->unregister_user(rig->state, user);
	rig_close(rig);
}

static int pin(struct rig *rig, uint64_t iova, size_t count, uint32_t prot)
{
	void *pages[UVF_PIN_MAX];

	return rig->backend->pin_pages(rig->state, &rig->member, iova, count,
				       prot, pages);
}

/* Shows M5, M28. */
static void emulated_groups_look_at_memory_when_they_use_it(void **state)
{
	struct uvf_range ranges[RIG_RANGES];
	struct uvf_dma_user user;
	uint64_t size = LEN;
	uint8_t byte = 0;
	struct rig rig;

	(void)state;
	open_emulated(&rig, &user);
	limit_rig(&rig, 0);
	assert_int_equal(rig_valid(&rig, ranges), 0);
	assert_int_equal(rig_page_sizes(&rig), ~(PAGE - 1));
	assert_int_equal(rig.backend->check_extension(rig.state, &rig.host,
						      VFIO_UPDATE_VADDR),
			 0);
	/* No address is bad, and none is taken. */
	assert_int_equal(rig_map(&rig, RW, (void *)PAGE, A, PAGE), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, 0xfee00000, LEN), 0);
	assert_int_equal(rig_map(&rig, RW, rig_memory, -LEN, LEN), 0);
	assert_int_equal(charged(&rig), 0);
	assert_int_equal(rig_unmap(&rig, VCUT, A, &size), -EBUSY);
	assert_int_equal(rig.backend->rw(rig.state, A, &byte, 1, false),
			 -EFAULT);
	assert_int_equal(
		rig.backend->rw(rig.state, 0xfee00000, &byte, 1, false), 0);
	set_limit(LEN);
	assert_int_equal(pin(&rig, A, 1, UVF_PROT_READ), -EFAULT);
	assert_int_equal(charged(&rig), 0);
	close_emulated(&rig, &user);
}

static void each_pinned_page_is_charged_once(void **state)
{
	struct uvf_dma_user user;
	struct rig rig;

	(void)state;
	open_emulated(&rig, &user);
	limit_rig(&rig, 2);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(pin(&rig, A, 3, UVF_PROT_READ), -ENOMEM);
	assert_int_equal(charged(&rig), 0);
	assert_int_equal(pin(&rig, A, 2, UVF_PROT_READ), 2);
	assert_int_equal(pin(&rig, A, 1, UVF_PROT_ALL), 1);
	assert_int_equal(charged(&rig), 2);
	assert_int_equal(pin(&rig, A + 2 * PAGE, 1, UVF_PROT_READ), -ENOMEM);
	rig.backend->unpin_pages(rig.state, A, 1);
	assert_int_equal(charged(&rig), 2);
	rig.backend->unpin_pages(rig.state, A, 2);
	assert_int_equal(charged(&rig), 0);
	/* Whoever had the right when it was mapped has it. */
	has_ipc_lock = true;
	assert_int_equal(rig_map(&rig, RW, rig_memory, B, LEN), 0);
	has_ipc_lock = false;
	assert_int_equal(pin(&rig, B, 4, UVF_PROT_READ), 4);
	assert_int_equal(charged(&rig), 4);
	rig.backend->unpin_pages(rig.state, B, 4);
	close_emulated(&rig, &user);
}

/* Shows M38, M40. */
static void a_group_with_dma_makes_all_of_it_locked(void **state)
{
	struct uvf_iommu_member backed;
	struct uvf_dma_user user;
	struct uvf_aspace *as;
	uint64_t size = PAGE;
	struct rig rig;

	(void)state;
	open_emulated(&rig, &user);
	limit_rig(&rig, 5);
	rig_member(&backed, NULL);
	assert_int_equal(rig_map(&rig, RW, rig_memory, A, LEN), 0);
	assert_int_equal(rig_map(&rig, RW, (void *)PAGE, B, PAGE), 0);
	assert_int_equal(pin(&rig, A + PAGE, 1, UVF_PROT_READ), 1);
	assert_int_equal(charged(&rig), 1);
	/* A bad address, and then too much: neither leaves a trace. */
	assert_int_equal(rig_attach(&rig, &backed, &as), -EFAULT);
	assert_int_equal(charged(&rig), 1);
	assert_int_equal(rig_unmap(&rig, 0, B, &size), 0);
	set_limit(3 * PAGE);
	assert_int_equal(rig_attach(&rig, &backed, &as), -ENOMEM);
	assert_int_equal(charged(&rig), 1);
	/* The page that is pinned is paid for already. */
	set_limit(4 * PAGE);
	assert_int_equal(rig_attach(&rig, &backed, &as), 0);
	assert_int_equal(charged(&rig), 4);
	assert_int_equal(uvf_aspace_write(as, A, "x", 1, NULL), 0);
	assert_int_equal(pin(&rig, A, 1, UVF_PROT_READ), 1);
	assert_int_equal(charged(&rig), 4);
	/* Without it the mappings stay, and the pinned pages count. */
	rig.backend->detach_group(rig.state, &backed);
	assert_int_equal(charged(&rig), 2);
	assert_int_equal(rig_available(&rig), 65534);
	rig.backend->unpin_pages(rig.state, A, 2);
	assert_int_equal(charged(&rig), 0);
	close_emulated(&rig, &user);
}

/* What a group that joins pins, it lets go when it cannot. */
static void a_replay_that_fails_unpins_what_it_pinned(void **state)
{
	struct uvf_iommu_member backed;
	struct uvf_dma_user user;
	struct uvf_aspace *as;
	unsigned long nth = 0;
	struct rig rig;
	int ret;

	(void)state;
	open_emulated(&rig, &user);
	limit_rig(&rig, 12);
	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(
			rig_map(&rig, RW, rig_memory, A + i * LEN, LEN), 0);
	do {
		rig_member(&backed, NULL);
		uvf_alloc_fail_nth(++nth);
		ret = rig_attach(&rig, &backed, &as);
		uvf_alloc_fail_nth(0);
		assert_true(!ret || ret == -ENOMEM);
		assert_int_equal(charged(&rig), ret ? 0 : 12);
	} while (ret);
	assert_true(nth > 9);
	rig.backend->detach_group(rig.state, &backed);
	assert_int_equal(charged(&rig), 0);
	close_emulated(&rig, &user);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exactly_the_limit_may_be_mapped),
		cmocka_unit_test(the_first_page_that_is_wrong_decides),
		cmocka_unit_test(the_process_that_mapped_is_credited),
		cmocka_unit_test(containers_of_a_process_share_its_limit),
		cmocka_unit_test(
			a_new_address_of_another_process_moves_the_charge),
		cmocka_unit_test(
			emulated_groups_look_at_memory_when_they_use_it),
		cmocka_unit_test(each_pinned_page_is_charged_once),
		cmocka_unit_test(a_group_with_dma_makes_all_of_it_locked),
		cmocka_unit_test(a_replay_that_fails_unpins_what_it_pinned),
	};

	return cmocka_run_group_tests_name("memlock", tests, NULL, NULL);
}
