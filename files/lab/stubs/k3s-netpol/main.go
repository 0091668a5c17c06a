// What enforces NetworkPolicies on a node of k3s: kube-router's firewall, with as much of its configuration as k3s
// gives it (k3s-io/k3s pkg/agent/netpol), and nothing else of kube-router.
package main

import (
	"flag"
	"log"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/cloudnativelabs/kube-router/v2/pkg/controllers/netpol"
	"github.com/cloudnativelabs/kube-router/v2/pkg/healthcheck"
	"github.com/cloudnativelabs/kube-router/v2/pkg/options"
	"github.com/cloudnativelabs/kube-router/v2/pkg/utils"
	"github.com/cloudnativelabs/kube-router/v2/pkg/version"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	config := options.NewKubeRouterConfig()
	config.EnableIPv4, config.RunFirewall = true, true
	credentials := flag.String("kubeconfig", "", "credentials for the API")
	services := flag.String("service-cluster-ip-range", "", "the addresses of Services")
	flag.StringVar(&config.NodePortRange, "service-node-port-range", config.NodePortRange, "FIRST-LAST")
	flag.StringVar(&config.HostnameOverride, "hostname-override", "", "the node's name")
	flag.Parse()
	config.ClusterIPCIDRs = []string{*services}
	if err := enforce(*credentials, config); err != nil {
		log.Fatal(err)
	}
}

func skip(why error, stop <-chan struct{}) error {
	log.Printf("Skipping network policy controller start, ipset unavailable: %v", why)
	<-stop
	return nil
}

// enforce keeps the host's rules as the policies say until a signal ends it; the rules stay, as those of k3s do.
func enforce(credentials string, config *options.KubeRouterConfig) error {
	access, err := clientcmd.BuildConfigFromFlags("", credentials)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(access)
	if err != nil {
		return err
	}
	stop := make(chan struct{})
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	go func() { <-ended; close(stop) }()

	// k3s goes on without it, where the kernel has no sets of addresses
	if sets, err := utils.NewIPSet(false); err != nil {
		return skip(err, stop)
	} else if err := sets.Save(); err != nil {
		return skip(err, stop)
	}

	known := informers.NewSharedInformerFactory(client, 0)
	pods, namespaces := known.Core().V1().Pods().Informer(), known.Core().V1().Namespaces().Informer()
	policies := known.Networking().V1().NetworkPolicies().Informer()
	known.Start(stop)
	known.WaitForCacheSync(stop)

	tables, sets, err := netpol.NewIPTablesHandlers(config)
	if err != nil {
		return err
	}
	firewall, err := netpol.NewNetworkPolicyController(client, config, pods, policies, namespaces, &sync.Mutex{}, tables, sets)
	if err != nil {
		return err
	}
	for informer, handler := range map[cache.SharedIndexInformer]cache.ResourceEventHandler{
		pods: firewall.PodEventHandler, namespaces: firewall.NamespaceEventHandler, policies: firewall.NetworkPolicyEventHandler,
	} {
		if _, err := informer.AddEventHandler(handler); err != nil {
			return err
		}
	}
	log.Printf("Starting network policy controller version %s", version.Version)
	// nobody asks for its health; it waits for somebody to take each beat
	beats := make(chan *healthcheck.ControllerHeartbeat)
	go func() {
		for range beats {
		}
	}()
	var running sync.WaitGroup
	running.Add(1)
	firewall.Run(beats, stop, &running)
	running.Wait()
	return nil
}
