# SPDX-License-Identifier: BSD-3-Clause
# Debian's kernels for machines that are emulated; to be sourced.  They are
# downloaded with apt-get once and kept in UVFIO_ORACLE_CACHE.
kernel_cache=${UVFIO_ORACLE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/uvfio-oracle}

# The newest package of a kernel series that apt knows.
kernel_newest_package() # SERIES
{
	local pattern

	case $1 in
	6.1) pattern='^linux-image-6\.1\.0-[0-9]+-amd64-unsigned$' ;;
	6.12) pattern='^linux-image-6\.12\.[0-9]+.*-amd64-unsigned$' ;;
	*) return 0 ;;
	esac
	apt-cache pkgnames linux-image-6 | grep -E "$pattern" |
		grep -v -e -cloud- -e -rt- | sort -V | tail -n 1
}

# Unpacks the kernel of a series into the cache, once, and names its folder.
kernel_fetch() # SERIES
{
	local package dir deb

	package=$(kernel_newest_package "$1")
	[ -n "$package" ] || {
		echo "apt knows no kernel $1 (apt-get update?)" >&2
		return 1
	}
	dir=$kernel_cache/$package
	if [ ! -e "$dir/complete" ]; then
		mkdir -p "$kernel_cache/deb-$1"
		rm -rf "$dir" "$kernel_cache/deb-$1"/*
		(cd "$kernel_cache/deb-$1" &&
			apt-get -q download "$package") >&2 || return 1
		deb=$(echo "$kernel_cache/deb-$1"/*.deb)
		dpkg-deb -x "$deb" "$dir" || return 1
		rm -r "$kernel_cache/deb-$1"
		touch "$dir/complete"
	fi
	echo "$dir"
}

kernel_release() # KERNEL
{
	local name

	name=$(basename "$1"/boot/vmlinuz-*)
	echo "${name#vmlinuz-}"
}

# Modules and what they need, in the order in which they are to be loaded:
# the files into ROOT/lib, their names into ROOT/modules.
kernel_copy_modules() # KERNEL ROOT MODULE...
{
	local kernel=$1 root=$2 release file name

	shift 2
	release=$(kernel_release "$kernel")
	touch "$root/modules"
	[ -d "$kernel/lib/modules/$release" ] || return 0 # all are built in
	depmod -b "$kernel" "$release" 2> /dev/null
	for name in "$@"; do
		modprobe -q -d "$kernel" -S "$release" --show-depends "$name" ||
			true
	done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' |
		while read -r file; do
			name=$(basename "$file")
			name=${name%%.ko*}
			case $file in
			*.xz) xz -dc "$file" > "$root/lib/$name.ko" ;;
			*) cp "$file" "$root/lib/$name.ko" ;;
			esac
			echo "$name" >> "$root/modules"
		done
}
