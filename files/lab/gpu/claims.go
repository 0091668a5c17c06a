package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"reflect"

	dra "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/dynamic-resource-allocation/kubeletplugin"
	"k8s.io/dynamic-resource-allocation/resourceslice"
)

// claims gives devices away by Dynamic Resource Allocation.
type claims struct {
	names  vendorNames
	node   string
	helper *kubeletplugin.Helper
	known  []card
	told   bool
}

func startClaims(ctx context.Context, names vendorNames, node string) (*claims, error) {
	if node == "" {
		return nil, errors.New("NODE_NAME is not set, wanted the name of the node")
	}
	config, err := rest.InClusterConfig()
	if err != nil {
		return nil, err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(kubeletplugin.KubeletPluginsDir, names.driver)
	if err := os.MkdirAll(data, 0o750); err != nil {
		return nil, err
	}
	mine := &claims{names: names, node: node}
	mine.helper, err = kubeletplugin.Start(ctx, mine,
		kubeletplugin.DriverName(names.driver),
		kubeletplugin.NodeName(node),
		kubeletplugin.KubeClient(client),
		kubeletplugin.PluginDataDirectoryPath(data),
	)
	return mine, err
}

// offer publishes the cards as one slice of the node's pool; without cards there is no slice.
func (c *claims) offer(ctx context.Context, cards []card) error {
	if c.told && reflect.DeepEqual(cards, c.known) {
		return nil
	}
	pools := map[string]resourceslice.Pool{}
	if len(cards) > 0 {
		var devices []dra.Device
		for _, each := range cards {
			devices = append(devices, c.device(each))
		}
		pools[c.node] = resourceslice.Pool{Slices: []resourceslice.Slice{{Devices: devices}}}
	}
	if err := c.helper.PublishResources(ctx, resourceslice.DriverResources{Pools: pools}); err != nil {
		return err
	}
	log.Printf("%s publishes %d devices on %s", c.names.driver, len(cards), c.node)
	c.known, c.told = cards, true
	return nil
}

func (c *claims) end() {
	c.helper.Stop()
}

func (c *claims) device(each card) dra.Device {
	return dra.Device{
		Name:       each.name,
		Attributes: attributes(c.names, each),
		Capacity: map[dra.QualifiedName]dra.DeviceCapacity{
			"memory": {Value: resource.MustParse(each.model.memory)},
		},
	}
}

// attributes returns what the vendor's own driver says of a card, under the names that it uses.
func attributes(names vendorNames, each card) map[dra.QualifiedName]dra.DeviceAttribute {
	texts := map[dra.QualifiedName]string{
		"resource.kubernetes.io/pciBusID": each.slot,
		"simulatedBy":                     "slipway",
	}
	switch names.driver {
	case "gpu.intel.com":
		texts["model"], texts["family"] = each.model.name, each.model.family
		texts["driver"], texts["pciId"], texts["health"] = each.driver, each.id, "Healthy"
	case "gpu.amd.com":
		texts["type"], texts["productName"], texts["family"] = "amdgpu", each.model.name, each.model.family
	case "gpu.nvidia.com":
		texts["type"], texts["productName"], texts["architecture"] = "gpu", each.model.name, each.model.family
	}
	found := map[dra.QualifiedName]dra.DeviceAttribute{}
	for name, text := range texts {
		found[name] = dra.DeviceAttribute{StringValue: &text}
	}
	return found
}

// PrepareResourceClaims names the devices of each claim to the container runtime, a monitor's as any other's.
func (c *claims) PrepareResourceClaims(_ context.Context, all []*dra.ResourceClaim) (map[types.UID]kubeletplugin.PrepareResult, error) {
	results := map[types.UID]kubeletplugin.PrepareResult{}
	for _, claim := range all {
		results[claim.UID] = c.prepare(claim)
	}
	return results, nil
}

func (c *claims) prepare(claim *dra.ResourceClaim) kubeletplugin.PrepareResult {
	if claim.Status.Allocation == nil {
		return kubeletplugin.PrepareResult{Err: fmt.Errorf("claim %s/%s has no allocation", claim.Namespace, claim.Name)}
	}
	var result kubeletplugin.PrepareResult
	for _, each := range claim.Status.Allocation.Devices.Results {
		if each.Driver != c.names.driver || each.Pool != c.node {
			continue
		}
		result.Devices = append(result.Devices, kubeletplugin.Device{
			Requests:     []string{each.Request},
			PoolName:     each.Pool,
			DeviceName:   each.Device,
			CDIDeviceIDs: []string{cdiName(c.names, each.Device)},
		})
	}
	return result
}

// UnprepareResourceClaims has nothing to undo: what a device means does not depend on the claim.
func (c *claims) UnprepareResourceClaims(_ context.Context, all []kubeletplugin.NamespacedObject) (map[types.UID]error, error) {
	results := map[types.UID]error{}
	for _, claim := range all {
		results[claim.UID] = nil
	}
	return results, nil
}

// HandleError tells what went wrong in the background; it is tried again there.
func (c *claims) HandleError(_ context.Context, err error, msg string) {
	log.Printf("%s: %v", msg, err)
}
