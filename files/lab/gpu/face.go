package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// host is a machine's own file tree, as its first process has it: mounts that come later are seen, too.
type host struct {
	root string
}

// card is one GPU of a host's face.
type card struct {
	name   string
	slot   string
	id     string
	driver string
	model  model
	nodes  []string
}

// integrated says whether this is a processor's own graphics, by where Intel puts them on the bus.
func (c card) integrated() bool {
	return strings.HasSuffix(c.slot, ":00:02.0")
}

func (h host) path(parts ...string) string {
	return filepath.Join(append([]string{h.root}, parts...)...)
}

// cards returns the vendor's GPUs that a driver is bound to and that have their device nodes, in the bus' order.
func (h host) cards(names vendorNames) ([]card, error) {
	bus := h.path("sys/bus/pci/devices")
	entries, err := os.ReadDir(bus)
	if err != nil {
		return nil, fmt.Errorf("the host shows no PCI bus: %w", err)
	}
	var bound []card
	for _, entry := range entries {
		device := filepath.Join(bus, entry.Name())
		class := line(device, "class")
		isGPU := strings.HasPrefix(class, "0x03") || strings.HasPrefix(class, "0x12")
		link, err := os.Readlink(filepath.Join(device, "driver"))
		driver := filepath.Base(link)
		if _, mine := names.resources[driver]; err != nil || !mine || !isGPU || line(device, "vendor") != names.pciVendor {
			continue
		}
		id := line(device, "device")
		known, isKnown := names.models[id]
		if !isKnown {
			known = unknown
		}
		name := "gpu-" + strings.NewReplacer(":", "-", ".", "-").Replace(entry.Name())
		bound = append(bound, card{name: name, slot: entry.Name(), id: id, driver: driver, model: known})
	}
	return h.usable(bound), nil
}

// usable returns the cards that have device nodes: DRM's by the slot, and what a vendor's driver makes beside them.
func (h host) usable(bound []card) []card {
	numbered, _ := filepath.Glob(h.path("dev/nvidia[0-9]*"))
	sort.Strings(numbered)
	var found []card
	for place, each := range bound {
		entries, _ := os.ReadDir(h.path("sys/bus/pci/devices", each.slot, "drm"))
		for _, entry := range entries {
			each.nodes = append(each.nodes, "/dev/dri/"+entry.Name())
		}
		switch {
		case each.driver == "nvidia" && place < len(numbered):
			each.nodes = append(each.nodes, "/dev/"+filepath.Base(numbered[place]))
		case each.driver == "nvidia":
			continue
		case each.driver == "amdgpu":
			each.nodes = append(each.nodes, "/dev/kfd")
		}
		if h.exist(each.nodes) {
			found = append(found, each)
		}
	}
	return found
}

// exist says whether there are device nodes, and all of them are there.
func (h host) exist(nodes []string) bool {
	for _, node := range nodes {
		if _, err := os.Stat(h.path(node)); err != nil {
			return false
		}
	}
	return len(nodes) > 0
}

// line returns a file of one line, nothing where it cannot be read.
func line(folder, name string) string {
	text, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
