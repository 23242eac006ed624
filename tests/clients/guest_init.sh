#!/bin/busybox sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The first program of the guest that scripts/guest boots.  For each adapter
# it says what it got: address, file, kind of interrupt, lspci.  Shows V70.
export PATH=/bin
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev
dmesg -n 1
stty -onlcr -echo < /dev/console
echo
cat > /tmp/bound << 'EOF'
#!/bin/sh
[ "$1" = bound ] || exit 0
ip addr add $ip/24 dev $interface
echo "GUEST address $ip router $router"
EOF
chmod +x /tmp/bound
# The third gets no messages.
echo 0 > /sys/bus/pci/devices/0000:00:03.0/msi_bus
for module in $(cat /modules); do
	insmod "/lib/$module.ko" || echo "GUEST no $module"
done
for slot in 01 02 03; do
	device=0000:00:$slot.0
	name=$(ls /sys/bus/pci/devices/$device/net)
	echo "GUEST device $slot"
	ip link set "$name" up
	udhcpc -i "$name" -n -q -s /tmp/bound > /tmp/dhcp || cat /tmp/dhcp
	grep ^GUEST /tmp/dhcp
	wget -q -O /tmp/file "http://10.0.2.2:$port/file"
	echo "GUEST file $(md5sum < /tmp/file)"
	# The kinds of those that came.
	grep "$name" /proc/interrupts | awk '{
		for (i = 2; $i ~ /^[0-9]+$/; i++)
			count += $i
		if (count)
			print "GUEST interrupt", $i
	}' | sort -u
	echo "GUEST lspci"
	lspci -nvvv -s "$slot.0" 2> /dev/null
	echo "GUEST wait"
	read -r answer
	ip addr flush dev "$name"
	ip link set "$name" down
done
dmesg | grep -E 'igb.*([Hh]ang|[Ee]rror|[Ff]ail)|BUG:|WARNING:|Oops' |
	sed 's/^/GUEST complains /'
echo 'GUEST end'
read -r answer
[ "$answer" != again ] || reboot -f
poweroff -f
