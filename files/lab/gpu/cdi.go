package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
)

// Where containerd looks for what a device means to a container. The folder is the host's to keep: a driver that
// made it by itself would hide that it is gone.
const cdiFolder = "/run/cdi"

// A container gets device nodes that open and hold nothing: /dev/null under the GPU's name.
const nullMajor, nullMinor = 1, 3

// spec is a file of the Container Device Interface (cncf-tags/container-device-interface, SPEC.md).
type spec struct {
	Version string   `json:"cdiVersion"`
	Kind    string   `json:"kind"`
	Devices []device `json:"devices"`
}

type device struct {
	Name  string `json:"name"`
	Edits edits  `json:"containerEdits"`
}

type edits struct {
	Env   []string `json:"env"`
	Nodes []node   `json:"deviceNodes"`
}

type node struct {
	Path  string `json:"path"`
	Type  string `json:"type"`
	Major int    `json:"major"`
	Minor int    `json:"minor"`
	Mode  int    `json:"fileMode"`
}

func cdiKind(names vendorNames) string {
	return "simulated." + names.driver + "/gpu"
}

func cdiName(names vendorNames, device string) string {
	return cdiKind(names) + "=" + device
}

// describe keeps the file that says what each card means to a container: whole or not at all.
func (h host) describe(names vendorNames, cards []card) error {
	path := h.path(cdiFolder, "simulated-"+names.driver+".json")
	if len(cards) == 0 {
		// a specification without devices is not valid
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	text, err := json.MarshalIndent(specOf(names, cards), "", "  ")
	if err != nil {
		return err
	}
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, text) {
		return nil
	}
	if err := os.WriteFile(path+".part", text, 0o644); err != nil {
		return fmt.Errorf("no container can get a device: %w", err)
	}
	return os.Rename(path+".part", path)
}

func specOf(names vendorNames, cards []card) spec {
	file := spec{Version: "0.6.0", Kind: cdiKind(names)}
	for _, each := range cards {
		own := edits{Env: []string{"SIMULATED_GPU=" + each.model.name}}
		for _, path := range each.nodes {
			own.Nodes = append(own.Nodes, node{path, "c", nullMajor, nullMinor, 0o666})
		}
		file.Devices = append(file.Devices, device{each.name, own})
	}
	return file
}
