package main

import (
	"archive/zip"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func now() time.Time { return time.Now().UTC() }

// open returns the archive at the end of this executable: `version`, `payload`, `flags.yaml`, bin/, cni/, manifests/.
func open() (*zip.ReadCloser, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return zip.OpenReader(self)
}

// bundled returns a small file of the archive.
func bundled(name string) (string, error) {
	archive, err := open()
	if err != nil {
		return "", err
	}
	defer archive.Close()
	file, err := archive.Open(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	content, err := io.ReadAll(file)
	return string(content), err
}

// unpacked lays out the programs as k3s does, in data/HASH, and returns that folder.
func unpacked(data string) (string, error) {
	payload, err := bundled("payload")
	if err != nil {
		return "", err
	}
	home := filepath.Join(data, "data", payload)
	if _, err := os.Stat(home); err == nil {
		return home, linked(data, home)
	}
	part := home + "-tmp"
	if err := os.RemoveAll(part); err != nil {
		return "", err
	}
	archive, err := open()
	if err != nil {
		return "", err
	}
	defer archive.Close()
	for _, file := range archive.File {
		if strings.HasPrefix(file.Name, "bin/") || strings.HasPrefix(file.Name, "cni/") {
			if err := extract(file, filepath.Join(part, file.Name)); err != nil {
				return "", err
			}
		}
	}
	for _, name := range components {
		if err := os.Symlink("kubernetes", filepath.Join(part, "bin", name)); err != nil {
			return "", err
		}
	}
	if err := os.Rename(part, home); err != nil {
		return "", err
	}
	return home, linked(data, home)
}

// components are the names by which the one executable of Kubernetes' commands is called.
var components = []string{"kubectl", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"}

// linked points data/current and data/cni at the programs of this version.
func linked(data, home string) error {
	if err := link(filepath.Join(data, "data/current"), home); err != nil {
		return err
	}
	plugins, err := os.ReadDir(filepath.Join(home, "cni"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(data, "data/cni"), 0o755); err != nil {
		return err
	}
	for _, plugin := range plugins {
		if err := link(filepath.Join(data, "data/cni", plugin.Name()), filepath.Join(home, "cni", plugin.Name())); err != nil {
			return err
		}
	}
	return nil
}

func link(place, target string) error {
	if found, err := os.Readlink(place); err == nil && found == target {
		return nil
	}
	fresh := place + ".new"
	os.Remove(fresh)
	if err := os.Symlink(target, fresh); err != nil {
		return err
	}
	return os.Rename(fresh, place)
}

func extract(file *zip.File, target string) error {
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	from, err := file.Open()
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.OpenFile(target, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o755)
	if err != nil {
		return err
	}
	defer to.Close()
	_, err = io.Copy(to, from)
	return err
}
