/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Source: vfio_pci_validate_vf_token() and vfio_pci_core_match(), Linux 6.12.
 */
#include "pci/vf_token.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include "base/parse.h"
#include "base/profile.h"
#include "core/feature.h"
#include "pci/sriov.h"

#define OPTION "vf_token="

static_assert(sizeof(((struct uvf_pci_vf_token *)NULL)->uuid) ==
		      UVF_VF_TOKEN_SIZE,
	      "a UUID");

bool uvf_vf_token_is_known(const struct uvf_pci *pci)
{
	return pci->profile->vfio_has_vfs;
}

static bool has_token(const struct uvf_pci *pci)
{
	return uvf_sriov_is_pf(pci) && uvf_vf_token_is_known(pci);
}

/* Whose token counts for a VF; NULL: its PF is not with vfio-pci. */
static struct uvf_pci *pf_of(const struct uvf_pci *vf)
{
	return vf->physfn && atomic_load(&vf->physfn->is_registered)
		       ? vf->physfn
		       : NULL;
}

void uvf_vf_token_init(struct uvf_pci *pci)
{
	struct uvf_pci_vf_token *token = &pci->vf_token;

	pci->token_pf = pf_of(pci);
	if (!has_token(pci))
		return;
	uvf_lock(&token->lock);
	/* A process that has begun to run has no lack of it. */
	while (getrandom(token->uuid, sizeof(token->uuid), 0) < 0)
		;
	uvf_unlock(&token->lock);
}

static void add_users(struct uvf_pci *vf, int more)
{
	if (!vf->token_pf)
		return;
	uvf_lock(&vf->token_pf->vf_token.lock);
	vf->token_pf->vf_token.users += (unsigned int)more;
	uvf_unlock(&vf->token_pf->vf_token.lock);
}

void uvf_vf_token_use(struct uvf_pci *pci)
{
	add_users(pci, 1);
}

void uvf_vf_token_unuse(struct uvf_pci *pci)
{
	add_users(pci, -1);
}

static bool is_equal_locked(const struct uvf_pci_vf_token *token,
			    const uint8_t *uuid) UVF_REQUIRES(token->lock)
{
	return uuid && !memcmp(token->uuid, uuid, sizeof(token->uuid));
}

static int check_vf(const struct uvf_pci *vf, const uint8_t *uuid)
{
	struct uvf_pci_vf_token *token;
	bool is_equal;

	if (!vf->token_pf)
		return uuid ? -EINVAL : 0;
	token = &vf->token_pf->vf_token;
	uvf_lock(&token->lock);
	is_equal = is_equal_locked(token, uuid);
	uvf_unlock(&token->lock);
	return is_equal ? 0 : -EACCES;
}

int uvf_vf_token_check(struct uvf_pci *pci, const uint8_t *uuid)
{
	struct uvf_pci_vf_token *token = &pci->vf_token;
	int ret = 0;

	if (pci->physfn)
		return check_vf(pci, uuid);
	if (!has_token(pci))
		return uuid ? -EINVAL : 0;
	uvf_lock(&token->lock);
	if (!token->users && uuid)
		memcpy(token->uuid, uuid, sizeof(token->uuid));
	else if (token->users && !is_equal_locked(token, uuid))
		ret = -EACCES;
	uvf_unlock(&token->lock);
	return ret;
}

static uint8_t digit(char c)
{
	return (uint8_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
}

static void read_uuid(const char *text, uint8_t ret_uuid[UVF_VF_TOKEN_SIZE])
{
	for (unsigned int i = 0; i < UVF_VF_TOKEN_SIZE; i++, text += 2) {
		if (*text == '-')
			text++;
		ret_uuid[i] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	}
}

int uvf_vf_token_match(struct uvf_pci *pci, const char *name)
{
	uint8_t uuid[UVF_VF_TOKEN_SIZE];
	size_t len = strlen(pci->bus.name);
	bool is_given = false;

	if (strncmp(name, pci->bus.name, len))
		return 0;
	name += len;
	if (*name && *name != ' ')
		return 0;
	while (*name) {
		if (*name == ' ') {
			name++;
			continue;
		}
		if (is_given || strncmp(name, OPTION, strlen(OPTION)))
			return -EINVAL;
		name += strlen(OPTION);
		if (!uvf_parse_is_uuid(name, strlen(name)))
			return -EINVAL;
		read_uuid(name, uuid);
		name += UVF_UUID_LENGTH;
		is_given = true;
	}
	return uvf_vf_token_check(pci, is_given ? uuid : NULL) ?: 1;
}

int uvf_vf_token_feature(struct uvf_pci *pci, struct uvf_caller *caller,
			 uint32_t flags, uint64_t data, size_t data_size)
{
	uint8_t uuid[UVF_VF_TOKEN_SIZE];
	int ret;

	if (!has_token(pci))
		return -ENOTTY;
	ret = uvf_feature_check(flags, VFIO_DEVICE_FEATURE_SET, data_size,
				sizeof(uuid));
	if (ret != 1)
		return ret;
	if (uvf_copy_in(caller, uuid, data, sizeof(uuid)))
		return -EFAULT;
	uvf_lock(&pci->vf_token.lock);
	memcpy(pci->vf_token.uuid, uuid, sizeof(uuid));
	uvf_unlock(&pci->vf_token.lock);
	return 0;
}
