package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// packaged is what the stand-in deploys: manifest -> the name by which it is disabled.
var packaged = map[string]string{"coredns": "coredns", "rolebindings": ""}

// absent is what k3s would deploy, too.
var absent = []string{"traefik", "servicelb", "local-storage", "metrics-server", "runtimes"}

// placeManifests lays out what is packaged and applies everything in server/manifests, now and when it changes.
func (s *server) placeManifests() error {
	folder, disabled := s.data("server/manifests"), s.list("disable")
	for _, name := range absent {
		if !slices.Contains(disabled, name) {
			log("warning", fmt.Sprintf("the k3s stand-in has no %s; k3s would deploy it unless --disable=%s", name, name))
		}
	}
	values := strings.NewReplacer("%{CLUSTER_DNS}%", s.cluster.DNS, "%{CLUSTER_DOMAIN}%", s.cluster.Domain)
	for name, called := range packaged {
		target := filepath.Join(folder, name+".yaml")
		if called != "" && slices.Contains(disabled, called) {
			if _, err := os.Stat(target); err == nil {
				s.kubectl("delete", "--ignore-not-found", "-f", target)
				os.Remove(target)
			}
			continue
		}
		text, err := bundled("manifests/" + name + ".yaml")
		if err != nil {
			return err
		}
		if err := write(map[string]string{target: values.Replace(text)}, 0o600); err != nil {
			return err
		}
	}
	// flannel needs its role before it starts
	roles := filepath.Join(folder, "rolebindings.yaml")
	err := until(time.Minute, "the roles of k3s' own parts", func() bool { return s.apply(roles) == nil })
	go s.applyForEver(folder)
	return err
}

func (s *server) apply(file string) error {
	_, err := s.kubectl("apply", "--server-side", "--force-conflicts", "--field-manager=deploy@"+s.nodeName(), "-f", file)
	return err
}

func (s *server) applyForEver(folder string) {
	applied := map[string]string{}
	for ; ; time.Sleep(3 * time.Second) {
		files, _ := filepath.Glob(folder + "/*.y*ml")
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil || applied[file] == string(content) {
				continue
			}
			if err := s.apply(file); err != nil {
				log("error", fmt.Sprintf("Failed to process config: failed to process %s: %v", file, err))
				continue
			}
			applied[file] = string(content)
		}
	}
}
