package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
)

// apiHost is where the API server itself listens: the door's port, so that the Service `kubernetes` names the door.
const apiHost = "127.0.0.2"

const etcd = "http://127.0.0.1:2379"

const rejected = "Node password rejected, duplicate hostname or contents of '/etc/rancher/node/password' may not match " +
	"server node-passwd entry, try enabling a unique node name with the --with-node-id flag"

// cluster is what a server tells every node.
type cluster struct {
	PodCIDR, DNS, Domain, Flannel string
	ServiceCIDR, ServiceNodePorts string
	NoProxy, NoPolicies           bool
}

// server is a node that is the control plane, too.
type server struct {
	*node
	pki      pki
	cluster  cluster
	api      string
	admin    string
	password string
}

func (n *node) serveServer() error {
	if n.text("server") != "" {
		return fmt.Errorf("--server: the k3s stand-in has one server")
	}
	if !n.on("cluster-init") {
		return fmt.Errorf("the k3s stand-in keeps its state in etcd only: give it --cluster-init")
	}
	dns, kubernetes, err := serviceAddresses(n.text("service-cidr"))
	if err != nil {
		return err
	}
	if given := n.text("cluster-dns"); given != "" {
		dns = given
	}
	s := &server{node: n, pki: pki{n.data("server/tls")}, api: "https://" + net.JoinHostPort(apiHost, n.text("https-listen-port"))}
	s.cluster = cluster{
		PodCIDR: n.text("cluster-cidr"), DNS: dns, Domain: n.text("cluster-domain"), Flannel: n.text("flannel-backend"),
		ServiceCIDR: n.text("service-cidr"), ServiceNodePorts: n.text("service-node-port-range"),
		NoProxy: n.on("disable-kube-proxy"), NoPolicies: n.on("disable-network-policy"),
	}
	for _, step := range []func() error{
		func() error { return s.certify(kubernetes) }, s.makeToken, s.startAPI, s.startControllers, s.openDoor,
		s.placeManifests, s.beNode,
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// serviceAddresses returns the addresses that DNS and the API have among the Services: the tenth and the first.
func serviceAddresses(cidr string) (string, string, error) {
	_, network, err := net.ParseCIDR(cidr)
	if err != nil {
		return "", "", err
	}
	nth := func(number byte) string {
		address := append(net.IP{}, network.IP.To4()...)
		address[3] += number
		return address.String()
	}
	return nth(10), nth(1), nil
}

func (s *server) certify(kubernetes string) error {
	for _, name := range []string{"server-ca", "client-ca", "request-header-ca"} {
		if err := s.pki.authority(name); err != nil {
			return err
		}
	}
	if err := s.pki.serviceKey(); err != nil {
		return err
	}
	for _, each := range [][4]string{
		{"client-admin", "client-ca", "system:admin", "system:masters"},
		{"client-controller", "client-ca", "system:kube-controller-manager", ""},
		{"client-scheduler", "client-ca", "system:kube-scheduler", ""},
		{"client-kube-apiserver", "client-ca", "system:apiserver", "system:masters"},
		{"client-auth-proxy", "request-header-ca", "system:auth-proxy", ""},
	} {
		if err := s.pki.issue(each[0], s.pki, each[1], each[2], each[3]); err != nil {
			return err
		}
	}
	names := append([]string{
		"kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc." + s.cluster.Domain,
		"localhost", "127.0.0.1", apiHost, s.nodeIP(), s.nodeName(), kubernetes}, s.list("tls-san")...)
	if err := s.pki.issue("serving-kube-apiserver", s.pki, "server-ca", "kube-apiserver", "", unique(names)...); err != nil {
		return err
	}
	for _, name := range []string{"admin", "controller", "scheduler"} {
		path, err := kubeconfig(s.data("server/cred", name+".kubeconfig"), s.api, s.pki.text("server-ca.crt"), s.pki, "client-"+name, 0o600)
		if err != nil {
			return err
		}
		if name == "admin" {
			s.admin = path
		}
	}
	return nil
}

func unique(names []string) []string {
	seen, kept := map[string]bool{}, []string{}
	for _, name := range names {
		if !seen[name] {
			kept = append(kept, name)
		}
		seen[name] = true
	}
	return kept
}

// makeToken writes K10, the CA's digest and the password that was given, kept or made now.
func (s *server) makeToken() error {
	given, err := s.token()
	if err != nil {
		return err
	}
	if before, err := os.ReadFile(s.data("server/token")); given == "" && err == nil {
		given = strings.TrimSpace(string(before))
	}
	if given == "" {
		fresh := make([]byte, 16)
		rand.Read(fresh)
		given = hex.EncodeToString(fresh)
	}
	s.password = given[strings.LastIndex(given, ":")+1:]
	digest := sha256.Sum256([]byte(s.pki.text("server-ca.crt")))
	full := fmt.Sprintf("K10%x::server:%s\n", digest, s.password)
	if err := write(map[string]string{s.data("server/token"): full}, 0o600); err != nil {
		return err
	}
	for _, name := range []string{"node-token", "agent-token"} {
		if err := link(s.data("server", name), s.data("server/token")); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) startAPI() error {
	if err := s.start("etcd", nil, "--name="+s.nodeName(), "--data-dir="+s.data("server/db/etcd"), "--log-level=warn",
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd, "--listen-peer-urls=http://127.0.0.1:2380",
		"--initial-advertise-peer-urls=http://127.0.0.1:2380", "--initial-cluster="+s.nodeName()+"=http://127.0.0.1:2380",
		"--unsafe-no-fsync"); err != nil {
		return err
	}
	tls, issuer := s.pki.folder, "https://kubernetes.default.svc."+s.cluster.Domain
	if err := s.start("kube-apiserver", nil, append([]string{
		"--etcd-servers=" + etcd, "--bind-address=" + apiHost, "--secure-port=" + s.text("https-listen-port"),
		"--permit-port-sharing=true", "--advertise-address=" + s.nodeIP(), "--allow-privileged=true",
		"--anonymous-auth=false", "--authorization-mode=Node,RBAC", "--enable-admission-plugins=NodeRestriction",
		"--enable-bootstrap-token-auth=true", "--enable-aggregator-routing=true", "--profiling=false",
		"--service-cluster-ip-range=" + s.text("service-cidr"), "--service-node-port-range=" + s.text("service-node-port-range"),
		"--service-account-issuer=" + issuer, "--api-audiences=" + issuer + ",k3s",
		"--service-account-key-file=" + tls + "/service.key", "--service-account-signing-key-file=" + tls + "/service.key",
		"--client-ca-file=" + tls + "/client-ca.crt", "--tls-cert-file=" + tls + "/serving-kube-apiserver.crt",
		"--tls-private-key-file=" + tls + "/serving-kube-apiserver.key",
		"--kubelet-certificate-authority=" + tls + "/server-ca.crt",
		"--kubelet-client-certificate=" + tls + "/client-kube-apiserver.crt",
		"--kubelet-client-key=" + tls + "/client-kube-apiserver.key",
		"--kubelet-preferred-address-types=InternalIP,ExternalIP,Hostname",
		"--proxy-client-cert-file=" + tls + "/client-auth-proxy.crt", "--proxy-client-key-file=" + tls + "/client-auth-proxy.key",
		"--requestheader-client-ca-file=" + tls + "/request-header-ca.crt", "--requestheader-allowed-names=system:auth-proxy",
		"--requestheader-username-headers=X-Remote-User", "--requestheader-group-headers=X-Remote-Group",
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
	}, arguments(s.list("kube-apiserver-arg"))...)...); err != nil {
		return err
	}
	return until(2*time.Minute, "the API server", func() bool { _, err := s.kubectl("get", "--raw=/readyz"); return err == nil })
}

// arguments are a component's customised flags as it takes them.
func arguments(given []string) []string {
	flags := []string{}
	for _, each := range given {
		flags = append(flags, "--"+strings.TrimLeft(each, "-"))
	}
	return flags
}

func (s *server) startControllers() error {
	tls := s.pki.folder
	common := func(name string) []string {
		path := s.data("server/cred", name+".kubeconfig")
		return []string{"--kubeconfig=" + path, "--authentication-kubeconfig=" + path, "--authorization-kubeconfig=" + path,
			"--bind-address=127.0.0.1", "--leader-elect=false", "--profiling=false"}
	}
	words := append(common("controller"), "--controllers=*,tokencleaner", "--allocate-node-cidrs=true",
		"--cluster-cidr="+s.cluster.PodCIDR, "--service-cluster-ip-range="+s.text("service-cidr"),
		"--root-ca-file="+tls+"/server-ca.crt", "--service-account-private-key-file="+tls+"/service.key",
		"--use-service-account-credentials=true")
	for name, ca := range map[string]string{
		"kube-apiserver-client": "client-ca", "kubelet-client": "client-ca", "kubelet-serving": "server-ca", "legacy-unknown": "client-ca",
	} {
		words = append(words, fmt.Sprintf("--cluster-signing-%s-cert-file=%s/%s.crt", name, tls, ca),
			fmt.Sprintf("--cluster-signing-%s-key-file=%s/%s.key", name, tls, ca))
	}
	if err := s.start("kube-controller-manager", nil, append(words, arguments(s.list("kube-controller-manager-arg"))...)...); err != nil {
		return err
	}
	return s.start("kube-scheduler", nil, append(common("scheduler"), arguments(s.list("kube-scheduler-arg"))...)...)
}

func (s *server) openDoor() error {
	if err := s.open(); err != nil {
		return err
	}
	mode, err := strconv.ParseUint(s.text("write-kubeconfig-mode"), 8, 32)
	if err != nil {
		return fmt.Errorf("write-kubeconfig-mode: %w", err)
	}
	url := "https://" + net.JoinHostPort("127.0.0.1", s.text("https-listen-port"))
	_, err = kubeconfig(s.text("write-kubeconfig"), url, s.pki.text("server-ca.crt"), s.pki, "client-admin", os.FileMode(mode))
	return err
}

func (s *server) beNode() error {
	word, err := password()
	if err != nil {
		return err
	}
	if err := s.admit(s.nodeName(), word); err != nil {
		return err
	}
	files, err := s.nodeFiles(s.nodeName(), s.nodeIP())
	if err != nil {
		return err
	}
	if err := s.join(s.cluster, files, s.api); err != nil {
		return err
	}
	_, err = s.kubectl("label", "--overwrite", "node", s.nodeName(), "node-role.kubernetes.io/control-plane=true")
	return err
}

func (s *server) kubectl(words ...string) (string, error) {
	return output(s.home+"/bin/kubectl", append([]string{"--kubeconfig=" + s.admin, "--request-timeout=20s"}, words...)...)
}

// answer serves the supervisor's own paths.
func (s *server) answer(to http.ResponseWriter, request *http.Request) {
	if request.URL.Path == "/ping" {
		fmt.Fprint(to, "pong")
		return
	}
	if request.URL.Path == "/cacerts" {
		fmt.Fprint(to, s.pki.text("server-ca.crt"))
		return
	}
	_, word, _ := request.BasicAuth()
	if !hmac.Equal([]byte(word), []byte(s.password)) {
		http.Error(to, "Unauthorized", http.StatusUnauthorized)
		return
	}
	if request.URL.Path != "/v1-k3s/config" {
		http.NotFound(to, request)
		return
	}
	name := request.Header.Get("k3s-Node-Name")
	if err := s.admit(name, request.Header.Get("k3s-Node-Password")); err != nil {
		http.Error(to, err.Error(), http.StatusForbidden)
		return
	}
	files, err := s.nodeFiles(name, request.Header.Get("k3s-Node-IP"))
	if err != nil {
		http.Error(to, err.Error(), http.StatusInternalServerError)
		return
	}
	json.NewEncoder(to).Encode(joining{s.cluster, files})
}

// admit remembers a node's first password; who comes later under that name must know it.
func (s *server) admit(name, word string) error {
	secret := []string{"-n", "kube-system", "get", "secret", "--ignore-not-found", name + ".node-password.k3s", "-o", "jsonpath={.data.hash}"}
	known, err := s.kubectl(secret...)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(name + ":" + word))
	hash := hex.EncodeToString(digest[:])
	if known == "" {
		_, err = s.kubectl("-n", "kube-system", "create", "secret", "generic", name+".node-password.k3s", "--from-literal=hash="+hash)
		return err
	}
	if found, _ := base64.StdEncoding.DecodeString(known); string(found) != hash {
		return fmt.Errorf("%s", rejected)
	}
	return nil
}

// nodeFiles makes what a node needs to be one, and returns it by file name.
func (s *server) nodeFiles(name, address string) (map[string]string, error) {
	own := pki{s.data("server/tls/nodes", name)}
	names := []string{name, "localhost", "127.0.0.1", address}
	for _, err := range []error{
		own.issue("client-kubelet", s.pki, "client-ca", "system:node:"+name, "system:nodes"),
		own.issue("serving-kubelet", s.pki, "server-ca", name, "", names...),
		own.issue("client-kube-proxy", s.pki, "client-ca", "system:kube-proxy", ""),
		own.issue("client-k3s-controller", s.pki, "client-ca", "system:k3s-controller", ""),
	} {
		if err != nil {
			return nil, err
		}
	}
	files := map[string]string{"server-ca.crt": s.pki.text("server-ca.crt"), "client-ca.crt": s.pki.text("client-ca.crt")}
	for _, certificate := range []string{"client-kubelet", "serving-kubelet", "client-kube-proxy", "client-k3s-controller"} {
		for _, end := range []string{".crt", ".key"} {
			files[certificate+end] = own.text(certificate + end)
		}
	}
	return files, nil
}
