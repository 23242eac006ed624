# SPDX-License-Identifier: BSD-3-Clause
# Turns "NAME VALUE" files into a table with ratios.
FILENAME ~ /outside$/ { out[$1] = $2; next }
FILENAME ~ /inside$/ { in_[$1] = $2; next }
{ other[$1] = $2 }

function row(what, value, unit, base, base_value, reach) {
	printf "%-44s %10s %-4s  %-26s %8s  %s\n", what, value, unit, base,
		base_value, reach
}

function ratio(what, value, base, base_value, reach) {
	row(what, sprintf("%.0f", value), "ns", base,
		sprintf("%.0f", base_value),
		sprintf("%.1fx (to reach %s)", value / base_value, reach))
}

function added(name, what, calls) {
	row(what, sprintf("%.0f", in_[name]), "ns", "the same outside",
		sprintf("%.0f", out[name]),
		sprintf("%+.0f ns a call (to reach +60)",
			(in_[name] - out[name]) / calls))
}

END {
	row("what", "measured", "", "baseline", "", "ratio")
	ratio("trapped ioctl, VFIO_GET_API_VERSION", in_["api_version"],
		"ioctl on /dev/null", out["ioctl_null"], "30x")
	ratio("trapped MMIO load, supervisor asleep",
		other["pinned_mmio_load"], "pread on /dev/null",
		out["pread_null"], "35x")
	ratio("trapped MMIO store, supervisor asleep",
		other["pinned_mmio_store"], "pread on /dev/null",
		out["pread_null"], "35x")
	ratio("trapped MMIO load, in a burst", in_["mmio_load"],
		"pread on /dev/null", out["pread_null"], "16x")
	ratio("trapped MMIO store, in a burst", in_["mmio_store"],
		"pread on /dev/null", out["pread_null"], "16x")
	row("doorbell seen and answered", sprintf("%.0f", other["doorbell"]),
		"ns", "", "", "(to be seen in 500)")
	ratio("pread of 4 bytes of a BAR", in_["bar_pread"],
		"pread on /dev/null", out["pread_null"], "-")
	added("getppid", "getppid", 1)
	added("ioctl_other", "ioctl of another type", 1)
	added("pread_null", "pread of 4096 bytes", 1)
	added("read_zero", "read of 4096 bytes", 1)
	added("open_close", "open and close, two calls", 2)
	added("mmap_munmap", "mmap and munmap, two calls", 2)
	row("testpmd io forwarding, 64-byte frames",
		sprintf("%.2f", other["testpmd_pps"] / 1e6), "Mpps", "", "",
		"(to reach 1.5)")
	row("uvfio run -d edu -- /bin/true",
		sprintf("%.1f", other["spawn_run"]), "ms", "plain /bin/true",
		sprintf("%.1f", other["spawn_plain"]),
		sprintf("%+.1f ms (to reach +10)",
			other["spawn_run"] - other["spawn_plain"]))
}
