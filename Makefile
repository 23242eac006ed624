# SPDX-License-Identifier: BSD-3-Clause
# The commands of the README.  Each one installs what it misses, by Debian's
# packages, builds and runs; meson does the building.

BUILD := build

.PHONY: all demo demo-nvme check bench install oracle clean packages

all: packages
	@test -f $(BUILD)/build.ninja || meson setup $(BUILD) >/dev/null
	@ninja -C $(BUILD)

demo: all
	@scripts/demo

demo-nvme: all
	@scripts/guest-disk

check: all
	@scripts/check

bench: all
	@scripts/bench

install: all
	@meson install -C $(BUILD)

oracle: all
	@scripts/oracle

packages:
	@scripts/packages build $(filter demo demo-nvme check bench oracle,$(MAKECMDGOALS))

clean:
	rm -rf $(BUILD) build-*
