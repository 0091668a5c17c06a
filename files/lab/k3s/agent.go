package main

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// ownDoor is an agent's way to the server, on itself.
const ownDoor = "127.0.0.1:6444"

// joining is what a server hands to a node that it lets in.
type joining struct {
	Cluster cluster
	Files   map[string]string
}

func (n *node) serveAgent() error {
	token, err := n.token()
	if err != nil {
		return err
	}
	if n.text("server") == "" {
		return fmt.Errorf("--server is required")
	}
	if token == "" {
		return fmt.Errorf("--token is required")
	}
	where, err := url.Parse(n.text("server"))
	if err != nil || where.Scheme != "https" {
		return fmt.Errorf("Invalid server url, failed to parse: %s", n.text("server"))
	}
	// as k3s: an agent that is refused says so and tries again, for ever
	var got joining
	for {
		if got, err = n.ask(where, token); err == nil {
			break
		}
		log("error", fmt.Sprintf("Failed to validate connection to cluster at %s: %v", where, err))
		time.Sleep(3 * time.Second)
	}
	if err := n.forward(where.Host); err != nil {
		return err
	}
	return n.join(got.Cluster, got.Files, "https://"+ownDoor)
}

// ask checks the server's CA against the token before it shows the token.
func (n *node) ask(where *url.URL, token string) (joining, error) {
	digest, credential, full := strings.Cut(token, "::")
	if !full {
		digest, credential = "", token
	}
	user, word, named := strings.Cut(credential, ":")
	if !named {
		user, word = "node", credential
	}
	blind := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	authority, err := get(blind, where.JoinPath("cacerts"), func(*http.Request) {})
	if err != nil {
		return joining{}, err
	}
	found := sha256.Sum256(authority)
	if digest == "" {
		log("warning", "Cluster CA certificate is not trusted by the host CA bundle, but the token does not include a CA hash. "+
			"Use the full token from the server's node-token file to enable Cluster CA validation.")
	} else if wanted := strings.TrimPrefix(digest, "K10"); wanted != hex.EncodeToString(found[:]) {
		return joining{}, fmt.Errorf("token CA hash does not match the Cluster CA certificate hash: %s != %x", wanted, found)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(authority)
	client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
	own, err := password()
	if err != nil {
		return joining{}, err
	}
	content, err := get(client, where.JoinPath("v1-k3s/config"), func(request *http.Request) {
		request.SetBasicAuth(user, word)
		request.Header.Set("k3s-Node-Name", n.nodeName())
		request.Header.Set("k3s-Node-Password", own)
		request.Header.Set("k3s-Node-IP", n.nodeIP())
	})
	if err != nil {
		return joining{}, err
	}
	var got joining
	return got, json.Unmarshal(content, &got)
}

func get(client *http.Client, where *url.URL, prepare func(*http.Request)) ([]byte, error) {
	request, err := http.NewRequest(http.MethodGet, where.String(), nil)
	if err != nil {
		return nil, err
	}
	prepare(request)
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s (%s)", where, response.Status, strings.TrimSpace(string(content)))
	}
	return content, err
}

// forward hands connections of this node on to the server.
func (n *node) forward(server string) error {
	listener, err := net.Listen("tcp", ownDoor)
	if err != nil {
		return err
	}
	go func() {
		for {
			from, err := listener.Accept()
			if err != nil {
				n.broken <- err
				return
			}
			go func() {
				defer from.Close()
				to, err := net.DialTimeout("tcp", server, 5*time.Second)
				if err != nil {
					log("error", fmt.Sprintf("server %s: %v", server, err))
					return
				}
				defer to.Close()
				ended := make(chan struct{}, 2)
				go func() { io.Copy(to, from); ended <- struct{}{} }()
				go func() { io.Copy(from, to); ended <- struct{}{} }()
				<-ended
			}()
		}
	}()
	return nil
}
