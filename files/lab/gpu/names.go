package main

// vendorNames is what a vendor's driver calls things, and the cards whose names it knows.
type vendorNames struct {
	pciVendor string
	driver    string
	resources map[string]string // kernel driver -> extended resource
	models    map[string]model  // PCI device id -> model
}

// model is what a driver says of a card; memory is a little below what the card is sold with.
type model struct {
	name   string
	family string
	memory string
}

// what is said of a card that is not in the table, as processors' own graphics are not
var unknown = model{"Unknown", "Unknown", "0"}

var vendors = map[string]vendorNames{
	"intel": {
		pciVendor: "0x8086",
		driver:    "gpu.intel.com",
		resources: map[string]string{"i915": "gpu.intel.com/i915", "xe": "gpu.intel.com/xe"},
		models: map[string]model{
			"0x56a0": {"A770", "Arc A-Series", "16288Mi"},
			"0xe20b": {"B580", "Arc B-Series", "12216Mi"},
		},
	},
	"amd": {
		pciVendor: "0x1002",
		driver:    "gpu.amd.com",
		resources: map[string]string{"amdgpu": "amd.com/gpu"},
		models:    map[string]model{"0x74a1": {"AMD_Instinct_MI300X_OAM", "AI", "196592Mi"}},
	},
	"nvidia": {
		pciVendor: "0x10de",
		driver:    "gpu.nvidia.com",
		resources: map[string]string{"nvidia": "nvidia.com/gpu"},
		models:    map[string]model{"0x2330": {"NVIDIA H100 80GB HBM3", "Hopper", "81559Mi"}},
	},
}
