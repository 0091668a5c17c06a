package main

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"
)

// password ties a node's name to this machine.
func password() (string, error) {
	const file = "/etc/rancher/node/password"
	if content, err := os.ReadFile(file); err == nil {
		return strings.TrimSpace(string(content)), nil
	}
	fresh := make([]byte, 16)
	rand.Read(fresh)
	word := hex.EncodeToString(fresh)
	return word, write(map[string]string{file: word + "\n"}, 0o600)
}

// join makes this host a node: containerd, kubelet, kube-proxy, flannel and who enforces NetworkPolicies, talking to
// the API at `api`.
func (n *node) join(c cluster, files map[string]string, api string) error {
	agent := pki{n.data("agent")}
	placed := map[string]string{}
	for name, text := range files {
		placed[agent.path(name)] = text
	}
	if err := write(placed, 0o600); err != nil {
		return err
	}
	credentials := map[string]string{}
	for name, certificate := range map[string]string{
		"kubelet": "client-kubelet", "kubeproxy": "client-kube-proxy", "k3scontroller": "client-k3s-controller",
	} {
		path, err := kubeconfig(agent.path(name+".kubeconfig"), api, agent.text("server-ca.crt"), agent, certificate, 0o600)
		if err != nil {
			return err
		}
		credentials[name] = path
	}
	if err := n.startContainerd(c); err != nil {
		return err
	}
	if err := n.startKubelet(c, credentials["kubelet"]); err != nil {
		return err
	}
	if err := until(2*time.Minute, "the node to register", func() bool { return n.asked(credentials["kubelet"], "name") != "" }); err != nil {
		return err
	}
	if !c.NoProxy {
		if err := n.startProxy(c, credentials["kubeproxy"]); err != nil {
			return err
		}
	}
	if c.Flannel != "none" {
		if err := n.startFlannel(c, credentials); err != nil {
			return err
		}
	}
	if c.NoPolicies {
		return nil
	}
	return n.startPolicies(c, credentials)
}

// asked returns a field of this node in the API; empty when it is not there yet.
func (n *node) asked(credentials, field string) string {
	said, _ := output(filepath.Join(n.home, "bin/kubectl"), "--kubeconfig="+credentials, "--request-timeout=5s",
		"get", "node", n.nodeName(), "-o", field)
	return said
}

func (n *node) startContainerd(c cluster) error {
	config, err := n.writeContainerd(c.Flannel != "none")
	if err != nil {
		return err
	}
	logged := n.data("agent/containerd/containerd.log")
	if err := os.MkdirAll(filepath.Dir(logged), 0o700); err != nil {
		return err
	}
	to, err := os.OpenFile(logged, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if err := n.start("containerd", to, "--config", config); err != nil {
		return err
	}
	ctr := func(words ...string) error {
		_, err := output(filepath.Join(n.home, "bin/ctr"), append([]string{"-a", containerdSocket, "-n", "k8s.io"}, words...)...)
		return err
	}
	if err := until(time.Minute, "containerd, see "+logged, func() bool { return ctr("version") == nil }); err != nil {
		return err
	}
	archives, _ := filepath.Glob(n.data("agent/images/*.tar*"))
	sort.Strings(archives)
	for _, archive := range archives {
		if err := ctr("images", "import", "--all-platforms", archive); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) startKubelet(c cluster, credentials string) error {
	folder := n.data("agent/etc/kubelet.conf.d")
	text, err := json.MarshalIndent(n.kubeletDefaults(c), "", "  ")
	if err != nil {
		return err
	}
	if err := write(map[string]string{filepath.Join(folder, "00-k3s-defaults.conf"): string(text)}, 0o600); err != nil {
		return err
	}
	if err := os.MkdirAll(n.data("agent/pod-manifests"), 0o700); err != nil {
		return err
	}
	words := []string{
		"--config-dir=" + folder, "--kubeconfig=" + credentials, "--hostname-override=" + n.nodeName(), "--node-ip=" + n.nodeIP(),
		"--node-labels=" + strings.Join(append([]string{"node.kubernetes.io/instance-type=k3s"}, n.list("node-label")...), ","),
	}
	if taints := n.list("node-taint"); len(taints) > 0 {
		words = append(words, "--register-with-taints="+strings.Join(taints, ","))
	}
	return n.start("kubelet", nil, append(words, arguments(n.list("kubelet-arg"))...)...)
}

func (n *node) kubeletDefaults(c cluster) map[string]any {
	enabled := map[string]any{"enabled": true}
	settings := map[string]any{
		"apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
		"address": "0.0.0.0", "healthzBindAddress": "127.0.0.1", "cgroupDriver": "systemd", "failSwapOn": false,
		"authentication": map[string]any{
			"anonymous": map[string]any{"enabled": false}, "webhook": enabled,
			"x509": map[string]any{"clientCAFile": n.data("agent/client-ca.crt")},
		},
		"authorization": map[string]any{"mode": "Webhook"}, "serializeImagePulls": false,
		"clusterDNS": []string{c.DNS}, "clusterDomain": c.Domain, "resolvConf": n.text("resolv-conf"),
		"containerRuntimeEndpoint": "unix://" + containerdSocket,
		"evictionHard":             map[string]any{"imagefs.available": "5%", "nodefs.available": "5%"},
		"evictionMinimumReclaim":   map[string]any{"imagefs.available": "10%", "nodefs.available": "10%"},
		"providerID":               "k3s://" + n.nodeName(), "staticPodPath": n.data("agent/pod-manifests"),
		"tlsCertFile": n.data("agent/serving-kubelet.crt"), "tlsPrivateKeyFile": n.data("agent/serving-kubelet.key"),
	}
	// for the lab's machine, found by looking and never asked for
	if _, err := os.Stat("/sys/fs/cgroup/cgroup.controllers"); err != nil {
		settings["failCgroupV1"] = false
	}
	if !mayLowerScore() {
		settings["oomScoreAdj"] = 0
	}
	return settings
}

func (n *node) startProxy(c cluster, credentials string) error {
	words := []string{
		"--kubeconfig=" + credentials, "--cluster-cidr=" + c.PodCIDR, "--hostname-override=" + n.nodeName(),
		"--healthz-bind-address=127.0.0.1", "--proxy-mode=iptables", "--conntrack-max-per-core=0",
		"--conntrack-tcp-timeout-close-wait=0s", "--conntrack-tcp-timeout-established=0s",
	}
	if !mayLowerScore() {
		words = append(words, "--oom-score-adj=0")
	}
	return n.start("kube-proxy", nil, append(words, arguments(n.list("kube-proxy-arg"))...)...)
}

func (n *node) startFlannel(c cluster, credentials map[string]string) error {
	err := until(2*time.Minute, "a pod network for the node", func() bool {
		return n.asked(credentials["kubelet"], "jsonpath={.spec.podCIDR}") != ""
	})
	if err != nil {
		return err
	}
	backend := map[string]string{"wireguard-native": "wireguard"}[c.Flannel]
	if backend == "" {
		backend = c.Flannel
	}
	net, subnet := n.data("agent/etc/flannel/net-conf.json"), "/run/flannel/subnet.env"
	conflist := map[string]any{"name": "cbr0", "cniVersion": "0.3.1", "plugins": []any{
		map[string]any{"type": "flannel", "delegate": map[string]any{"hairpinMode": true, "forceAddress": true, "isDefaultGateway": true}},
		map[string]any{"type": "portmap", "capabilities": map[string]any{"portMappings": true}},
	}}
	if err := place(net, map[string]any{"Network": c.PodCIDR, "Backend": map[string]any{"Type": backend}}); err != nil {
		return err
	}
	iface := n.text("flannel-iface")
	if iface == "" {
		iface = n.nodeIP()
	}
	if err := n.start("flanneld", nil, "--kube-subnet-mgr", "--kubeconfig-file="+credentials["k3scontroller"],
		"--net-config-path="+net, "--subnet-file="+subnet, "--ip-masq", "--iface="+iface); err != nil {
		return err
	}
	// only now may the node call itself Ready: a pod before this would fail, and wait for its next try
	if err := until(time.Minute, "flannel's subnet", func() bool { _, err := os.Stat(subnet); return err == nil }); err != nil {
		return err
	}
	return place(n.data("agent/etc/cni/net.d/10-flannel.conflist"), conflist)
}

// startPolicies has NetworkPolicies enforced on this node, as k3s does unless it is told not to.
func (n *node) startPolicies(c cluster, credentials map[string]string) error {
	err := until(time.Minute, "an address of the node", func() bool {
		return n.asked(credentials["kubelet"], "jsonpath={.status.addresses}") != ""
	})
	if err != nil {
		return err
	}
	return n.start("netpol", nil, "--kubeconfig="+credentials["k3scontroller"], "--hostname-override="+n.nodeName(),
		"--service-cluster-ip-range="+c.ServiceCIDR, "--service-node-port-range="+c.ServiceNodePorts)
}

func place(path string, content map[string]any) error {
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return err
	}
	return write(map[string]string{path: string(text)}, 0o644)
}

// mayLowerScore says whether we have CAP_SYS_RESOURCE, which a host in a container may lack.
func mayLowerScore() bool {
	status, _ := os.ReadFile("/proc/self/status")
	var effective uint64
	for _, line := range strings.Split(string(status), "\n") {
		fmt.Sscanf(line, "CapEff: %x", &effective)
	}
	return effective>>24&1 == 1
}
