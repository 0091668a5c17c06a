package main

import (
	"context"
	"fmt"
	"log"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	api "k8s.io/kubelet/pkg/apis/deviceplugin/v1beta1"
)

const (
	socket     = "simulated-gpus.sock"
	askKubelet = 5 * time.Second
)

// plugin gives devices away by number, under one extended resource.
type plugin struct {
	api.UnimplementedDevicePluginServer
	names   vendorNames
	server  *grpc.Server
	mutex   sync.Mutex
	cards   []card
	changed chan struct{}
}

// offer tells the kubelet what there is; one that started anew has forgotten its plugins, and removed the socket.
func (p *plugin) offer(ctx context.Context, cards []card) error {
	cards = slices.DeleteFunc(slices.Clone(cards), card.integrated)
	p.know(cards)
	if _, err := os.Stat(filepath.Join(api.DevicePluginPath, socket)); err == nil && p.server != nil {
		return nil
	}
	if len(cards) == 0 {
		return nil
	}
	if err := p.serve(); err != nil {
		return err
	}
	resource := p.names.resources[cards[0].driver]
	if err := register(ctx, resource); err != nil {
		p.server.Stop()
		p.server = nil
		return fmt.Errorf("the kubelet takes no plugin: %w", err)
	}
	log.Printf("%s: %d devices", resource, len(cards))
	return nil
}

func (p *plugin) end() {
	if p.server != nil {
		p.server.Stop()
	}
}

func (p *plugin) know(cards []card) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if p.changed == nil {
		p.changed = make(chan struct{})
	}
	if reflect.DeepEqual(cards, p.cards) {
		return
	}
	p.cards = cards
	close(p.changed)
	p.changed = make(chan struct{})
}

func (p *plugin) serve() error {
	if p.server != nil {
		p.server.Stop()
	}
	path := filepath.Join(api.DevicePluginPath, socket)
	_ = os.Remove(path)
	listener, err := net.Listen("unix", path)
	if err != nil {
		return err
	}
	p.server = grpc.NewServer()
	api.RegisterDevicePluginServer(p.server, p)
	go func(server *grpc.Server) { _ = server.Serve(listener) }(p.server)
	return nil
}

func register(ctx context.Context, resource string) error {
	ctx, cancel := context.WithTimeout(ctx, askKubelet)
	defer cancel()
	kubelet, err := grpc.NewClient("unix://"+api.KubeletSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer kubelet.Close()
	_, err = api.NewRegistrationClient(kubelet).Register(ctx, &api.RegisterRequest{
		Version: api.Version, Endpoint: socket, ResourceName: resource,
	})
	return err
}

func (p *plugin) seen() ([]card, chan struct{}) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.cards, p.changed
}

// ListAndWatch tells the kubelet which devices there are, again whenever that changes.
func (p *plugin) ListAndWatch(_ *api.Empty, stream api.DevicePlugin_ListAndWatchServer) error {
	for {
		cards, changed := p.seen()
		response := &api.ListAndWatchResponse{}
		for _, each := range cards {
			response.Devices = append(response.Devices, &api.Device{ID: each.name, Health: api.Healthy})
		}
		if err := stream.Send(response); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return nil
		}
	}
}

// Allocate names the devices of each container to the container runtime.
func (p *plugin) Allocate(_ context.Context, all *api.AllocateRequest) (*api.AllocateResponse, error) {
	response := &api.AllocateResponse{}
	for _, each := range all.ContainerRequests {
		own := &api.ContainerAllocateResponse{}
		for _, id := range each.DevicesIds {
			own.CdiDevices = append(own.CdiDevices, &api.CDIDevice{Name: cdiName(p.names, id)})
		}
		response.ContainerResponses = append(response.ContainerResponses, own)
	}
	return response, nil
}

// GetDevicePluginOptions says that nothing special is wanted.
func (p *plugin) GetDevicePluginOptions(context.Context, *api.Empty) (*api.DevicePluginOptions, error) {
	return &api.DevicePluginOptions{}, nil
}
