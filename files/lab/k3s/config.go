package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"sigs.k8s.io/yaml"
)

// flagData is what k3s documents, the file that slipway validates inventories by.
type flagData struct {
	Server      map[string]string `json:"server"`
	Node        map[string]string `json:"node"`
	Agent       map[string]string `json:"agent"`
	Since       map[string]string `json:"since"`
	Environment map[string]string `json:"environment"`
}

// honoured is what the stand-in does something about. What k3s has beside it is refused by name.
var honoured = strings.Fields(`
	cluster-cidr cluster-dns cluster-domain cluster-init config data-dir debug default-runtime disable
	disable-cloud-controller disable-helm-controller disable-kube-proxy disable-network-policy flannel-backend
	flannel-iface https-listen-port kube-apiserver-arg kube-controller-manager-arg kube-proxy-arg kube-scheduler-arg
	kubelet-arg node-ip node-label node-name node-taint nonroot-devices pause-image private-registry resolv-conf server
	service-cidr service-node-port-range snapshotter tls-san token token-file write-kubeconfig write-kubeconfig-mode`)

var defaults = map[string]string{
	"cluster-cidr":            "10.42.0.0/16",
	"cluster-domain":          "cluster.local",
	"data-dir":                "/var/lib/rancher/k3s",
	"default-runtime":         "runc",
	"flannel-backend":         "vxlan",
	"https-listen-port":       "6443",
	"pause-image":             "rancher/mirrored-pause:3.6",
	"private-registry":        "/etc/rancher/k3s/registries.yaml",
	"resolv-conf":             "/etc/resolv.conf",
	"service-cidr":            "10.43.0.0/16",
	"service-node-port-range": "30000-32767",
	"snapshotter":             "overlayfs",
	"write-kubeconfig":        "/etc/rancher/k3s/k3s.yaml",
	"write-kubeconfig-mode":   "0600",
}

// settings are what a server or agent was told, by option.
type settings struct {
	role   string
	values map[string][]string
}

func (s settings) list(key string) []string { return s.values[key] }

func (s settings) text(key string) string {
	if given := s.values[key]; len(given) > 0 {
		return given[len(given)-1]
	}
	return defaults[key]
}

func (s settings) on(key string) bool { return s.text(key) == "true" }

func (s settings) data(parts ...string) string {
	return filepath.Join(append([]string{s.text("data-dir")}, parts...)...)
}

func (s settings) nodeName() string {
	name := s.text("node-name")
	if name == "" {
		name, _ = os.Hostname()
	}
	return strings.ToLower(name)
}

// nodeIP is the address towards the default route, unless one is given; nothing is sent.
func (s settings) nodeIP() string {
	if given := s.text("node-ip"); given != "" {
		return given
	}
	probe, err := net.Dial("udp", "192.0.2.1:9")
	if err != nil {
		return ""
	}
	defer probe.Close()
	return probe.LocalAddr().(*net.UDPAddr).IP.String()
}

func (s settings) token() (string, error) {
	if file := s.text("token-file"); s.text("token") == "" && file != "" {
		content, err := os.ReadFile(file)
		return strings.TrimSpace(string(content)), err
	}
	return s.text("token"), nil
}

// load merges environment, configuration files and command line, the last the strongest.
func load(role string, words []string) (settings, error) {
	known, environment, err := documented(role)
	if err != nil {
		return settings{}, err
	}
	line, err := parsed(role, known, words)
	if err != nil {
		return settings{}, err
	}
	merged := map[string][]string{}
	for variable, key := range environment {
		if value := os.Getenv(variable); value != "" && known[key] != "" {
			merged[key] = []string{value}
		}
	}
	file := "/etc/rancher/k3s/config.yaml"
	if given := append(merged["config"], line["config"]...); len(given) > 0 {
		file = given[len(given)-1]
	}
	filed, err := read(file)
	if err != nil {
		return settings{}, err
	}
	for key, values := range filed {
		if known[key] == "" && role == "agent" {
			return settings{}, undefined(role, key)
		}
		if known[key] == "" {
			log("warning", fmt.Sprintf("Unknown flag --%s found in config.yaml, skipping\n", key))
			continue
		}
		merged[key] = values
	}
	for key, values := range line {
		merged[key] = values
	}
	for key := range merged {
		if !slices.Contains(honoured, key) {
			return settings{}, fmt.Errorf("--%s is an option of k3s that the k3s stand-in does not have", key)
		}
	}
	return settings{role, merged}, nil
}

// documented returns the options of a role in this version, and the environment that k3s reads.
func documented(role string) (map[string]string, map[string]string, error) {
	text, err := bundled("flags.yaml")
	if err != nil {
		return nil, nil, err
	}
	version, err := bundled("version")
	if err != nil {
		return nil, nil, err
	}
	var data flagData
	if err := yaml.Unmarshal([]byte(text), &data); err != nil {
		return nil, nil, err
	}
	known := data.Node
	own := data.Agent
	if role == "server" {
		own = data.Server
	}
	for key, kind := range own {
		known[key] = kind
	}
	for key, minor := range data.Since {
		if older(version, minor) {
			delete(known, key)
		}
	}
	return known, data.Environment, nil
}

func older(version, minor string) bool {
	var major, number, wantedMajor, wanted int
	fmt.Sscanf(version, "v%d.%d", &major, &number)
	fmt.Sscanf(minor, "%d.%d", &wantedMajor, &wanted)
	return major < wantedMajor || (major == wantedMajor && number < wanted)
}

func parsed(role string, known map[string]string, words []string) (map[string][]string, error) {
	given := map[string][]string{}
	for place := 0; place < len(words); place++ {
		key, value, inline := strings.Cut(strings.TrimLeft(words[place], "-"), "=")
		if !strings.HasPrefix(words[place], "-") || known[key] == "" {
			return nil, undefined(role, key)
		}
		if !inline && known[key] == "bool" {
			value = "true"
		} else if !inline && place+1 < len(words) {
			place++
			value = words[place]
		}
		given[key] = append(given[key], value)
	}
	return given, nil
}

// read merges config.yaml and config.yaml.d: a later file replaces a key, "key+" adds to it.
func read(main string) (map[string][]string, error) {
	more, _ := filepath.Glob(main + ".d/*.y*ml")
	sort.Strings(more)
	merged := map[string][]string{}
	for _, file := range append([]string{main}, more...) {
		content, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue
		}
		var given map[string]any
		if err == nil {
			err = yaml.Unmarshal(content, &given)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		for key, value := range given {
			plain, adds := strings.CutSuffix(key, "+")
			if !adds {
				merged[plain] = nil
			}
			merged[plain] = append(merged[plain], texts(value)...)
		}
	}
	return merged, nil
}

func texts(value any) []string {
	items, several := value.([]any)
	if !several {
		return []string{fmt.Sprint(value)}
	}
	written := []string{}
	for _, item := range items {
		written = append(written, fmt.Sprint(item))
	}
	return written
}

func undefined(role, key string) error {
	fmt.Printf("Incorrect Usage: flag provided but not defined: -%s\n\nUSAGE:\n   k3s %s [OPTIONS]\n\n", key, role)
	return fmt.Errorf("flag provided but not defined: -%s", key)
}
