package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// node is a running server or agent: its settings, its programs, and the first thing that went wrong.
type node struct {
	settings
	home     string
	broken   chan error
	mutex    sync.Mutex
	children []*exec.Cmd
}

// serve runs until a signal says stop or a part breaks; then it leaves, and containers live on in their shims.
func serve(s settings) error {
	syscall.Umask(0o022)
	version, err := bundled("version")
	if err != nil {
		return err
	}
	log("info", fmt.Sprintf("Starting k3s %s (k3s stand-in)", version))
	home, err := unpacked(s.data())
	if err != nil {
		return err
	}
	n := &node{settings: s, home: home, broken: make(chan error, 16)}
	prepareKernel()
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		start := n.serveServer
		if s.role == "agent" {
			start = n.serveAgent
		}
		if err := start(); err != nil {
			n.broken <- err
			return
		}
		notify("READY=1")
		log("info", fmt.Sprintf("k3s %s is up and running", s.role))
	}()
	select {
	case <-stop:
	case err = <-n.broken:
	}
	n.stop()
	return err
}

func prepareKernel() {
	for _, module := range []string{"overlay", "nf_conntrack", "br_netfilter"} {
		exec.Command("modprobe", module).Run()
	}
	for _, name := range []string{"net/ipv4/ip_forward", "net/bridge/bridge-nf-call-iptables"} {
		if err := os.WriteFile("/proc/sys/"+name, []byte("1"), 0o644); err != nil {
			log("error", fmt.Sprintf("Failed to set sysctl: %v", err))
		}
	}
}

// start runs a program that lives and dies with k3s: when it ends, so do we. It logs to `to`, or where we log.
func (n *node) start(name string, to *os.File, words ...string) error {
	log("info", fmt.Sprintf("Running %s %s", name, strings.Join(words, " ")))
	command := exec.Command(filepath.Join(n.home, "bin", name), words...)
	command.Stdout, command.Stderr = os.Stderr, os.Stderr
	if to != nil {
		command.Stdout, command.Stderr = to, to
	}
	bin := filepath.Join(n.home, "bin")
	// as k3s: what it brings beside its own programs is used where the host has none
	command.Env = append(environment(), "PATH="+bin+":"+os.Getenv("PATH")+":"+bin+"/aux", "NODE_NAME="+n.nodeName())
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	// the death signal is of the thread that starts the child: this one must not end
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			n.broken <- fmt.Errorf("%s exited: %v", name, command.Wait())
			select {}
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	n.children = append(n.children, command)
	return nil
}

// environment is ours without what only we shall read: a child that says READY would speak for k3s.
func environment() []string {
	kept := []string{}
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "NOTIFY_SOCKET=") && !strings.HasPrefix(variable, "K3S_TOKEN=") &&
			!strings.HasPrefix(variable, "PATH=") {
			kept = append(kept, variable)
		}
	}
	return kept
}

func (n *node) stop() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, child := range n.children {
		child.Process.Signal(syscall.SIGTERM)
	}
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		alive := false
		for _, child := range n.children {
			alive = alive || child.Process.Signal(syscall.Signal(0)) == nil
		}
		if !alive {
			return
		}
	}
}

func notify(state string) {
	if socket := os.Getenv("NOTIFY_SOCKET"); socket != "" {
		if connection, err := net.Dial("unixgram", socket); err == nil {
			defer connection.Close()
			connection.Write([]byte(state))
		}
	}
}

// output runs a program to its end and returns what it printed.
func output(program string, words ...string) (string, error) {
	limit, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	command := exec.CommandContext(limit, program, words...)
	command.Env = append(environment(), "PATH="+os.Getenv("PATH"))
	var said, complained bytes.Buffer
	command.Stdout, command.Stderr = &said, &complained
	if err := command.Run(); err != nil {
		return "", fmt.Errorf("%s: %s", filepath.Base(program), strings.TrimSpace(complained.String()))
	}
	return strings.TrimSpace(said.String()), nil
}

// until asks until the answer is yes.
func until(limit time.Duration, what string, question func() bool) error {
	for end := time.Now().Add(limit); !question(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("timed out after %s: %s", limit, what)
		}
	}
	return nil
}
