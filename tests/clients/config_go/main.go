// SPDX-License-Identifier: BSD-3-Clause

// Opens the group of a device, reads its config space and its liveness
// register through a mapping, with the Go runtime's own system calls.
package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"unsafe"
)

const (
	getDeviceInfo   = 0x3b6b
	getRegionInfo   = 0x3b6c
	groupGetStatus  = 0x3b67
	groupSetContain = 0x3b68
	groupGetDevice  = 0x3b6a
	setIOMMU        = 0x3b66
	type1v2         = 3
	configRegion    = 7
)

type regionInfo struct {
	argsz, flags, index, capOffset uint32
	size, offset                   uint64
}

func die(what string, err error) {
	fmt.Fprintf(os.Stderr, "config_go: %s: %v\n", what, err)
	os.Exit(1)
}

func ioctl(what string, fd int, cmd uintptr, arg uintptr) int {
	ret, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(fd), cmd, arg)
	if errno != 0 {
		die(what, errno)
	}
	return int(ret)
}

func open(path string) int {
	fd, err := syscall.Open(path, syscall.O_RDWR|syscall.O_CLOEXEC, 0)
	if err != nil {
		die(path, err)
	}
	return fd
}

func openDevice(address string) int {
	link, err := os.Readlink("/sys/bus/pci/devices/" + address + "/iommu_group")
	if err != nil {
		die("iommu_group", err)
	}
	container := open("/dev/vfio/vfio")
	group := open("/dev/vfio/" + filepath.Base(link))
	status := [2]uint32{8, 0}
	ioctl("GET_STATUS", group, groupGetStatus, uintptr(unsafe.Pointer(&status)))
	fd32 := int32(container)
	ioctl("SET_CONTAINER", group, groupSetContain, uintptr(unsafe.Pointer(&fd32)))
	ioctl("SET_IOMMU", container, setIOMMU, type1v2)
	name := append([]byte(address), 0)
	device := ioctl("GET_DEVICE_FD", group, groupGetDevice,
		uintptr(unsafe.Pointer(&name[0])))
	runtime.KeepAlive(name)
	return device
}

func region(device int, index uint32) regionInfo {
	info := regionInfo{argsz: 32, index: index}
	ioctl("GET_REGION_INFO", device, getRegionInfo, uintptr(unsafe.Pointer(&info)))
	return info
}

func main() {
	address := "0000:00:03.0"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	device := openDevice(address)
	config := make([]byte, 4)
	offset := int64(region(device, configRegion).offset)
	if _, err := syscall.Pread(device, config, offset); err != nil {
		die("config space", err)
	}
	fmt.Printf("vendor %04x device %04x\n", binary.LittleEndian.Uint16(config),
		binary.LittleEndian.Uint16(config[2:]))
	bar := region(device, 0)
	regs, err := syscall.Mmap(device, int64(bar.offset), int(bar.size),
		syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	if err != nil {
		die("mapping BAR 0", err)
	}
	liveness := (*uint32)(unsafe.Pointer(&regs[4]))
	atomic.StoreUint32(liveness, 0x12345678)
	if got := *liveness; got != ^uint32(0x12345678) {
		die("liveness", fmt.Errorf("read %#x", got))
	}
	// The runtime's own handler still works beside the agent's.
	defer func() {
		fmt.Printf("liveness works, recovered: %v\n", recover() != nil)
	}()
	var nothing *uint32
	fmt.Println(*nothing)
}
