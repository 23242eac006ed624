/* SPDX-License-Identifier: BSD-3-Clause */
#include "pci/reset_method.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "pci/domain.h"
#include "pci/reset.h"

/* In the order in which they are tried. */
static const struct {
	const char *name;
	unsigned int bit;
	enum uvfio_reset_kind kind;
} methods[] = {
	{"flr", UVF_PCI_RESET_FLR, UVFIO_RESET_FLR},
	{"af_flr", UVF_PCI_RESET_AF_FLR, UVFIO_RESET_FLR},
	{"pm", UVF_PCI_RESET_PM, UVFIO_RESET_PM},
	{"bus", UVF_PCI_RESET_BUS, UVFIO_RESET_HOT},
};
#define METHOD_COUNT (sizeof(methods) / sizeof(methods[0]))

static bool is_possible(const struct uvf_pci *pci, size_t i)
{
	if (methods[i].bit == UVF_PCI_RESET_BUS)
		return uvf_domain_is_alone(pci);
	return pci->reset_bits & methods[i].bit;
}

void uvf_reset_methods_init(struct uvf_pci *pci)
{
	uint8_t *chosen = pci->user.reset_methods;
	size_t n = 0;

	memset(chosen, 0, sizeof(pci->user.reset_methods));
	for (size_t i = 0; i < METHOD_COUNT; i++)
		if (is_possible(pci, i))
			chosen[n++] = (uint8_t)(i + 1);
}

const char *uvf_reset_method_name(unsigned int method)
{
	return methods[method - 1].name;
}

/* The number of a method that the function has, or 0. */
static uint8_t find_method(const struct uvf_pci *pci, const char *name)
{
	for (size_t i = 0; i < METHOD_COUNT; i++)
		if (!strcmp(methods[i].name, name) && is_possible(pci, i))
			return (uint8_t)(i + 1);
	return 0;
}

int uvf_reset_methods_parse(const struct uvf_pci *pci, char *text,
			    uint8_t ret_methods[UVF_PCI_RESET_METHODS])
{
	char *rest = text, *name;
	size_t n = 0;

	while ((name = strsep(&rest, " "))) {
		uint8_t method;

		if (uvf_parse_equal(name, ""))
			continue;
		name[strcspn(name, "\t\n\v\f\r")] = '\0';
		method = find_method(pci, name);
		if (!method || n == UVF_PCI_RESET_METHODS - 1)
			return -EINVAL;
		ret_methods[n++] = method;
	}
	return 0;
}

/* A bus may have got more functions since the method was chosen. */
int uvf_reset_by_methods_locked(struct uvf_pci *pci, enum uvfio_reset_kind why)
{
	const uint8_t *chosen = pci->user.reset_methods;

	uvf_assert_held(&pci->model.lock);
	if (*chosen)
		uvf_reset_set_power_locked(pci, 0);
	for (; *chosen; chosen++) {
		size_t i = *chosen - 1u;

		if (!is_possible(pci, i))
			continue;
		uvf_reset_function_locked(
			pci, why == UVFIO_RESET_FLR ? methods[i].kind : why);
		return 0;
	}
	return -ENOTTY;
}
