// A stand-in for the k3s executable: k3s' commands, paths, files and refusals, with Kubernetes' own programs
// inside. It is for a lab where k3s itself cannot be had; what it proves is the installer, not k3s.
// README.md says what is as with k3s and what is not.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

func main() {
	words := os.Args[1:]
	if called := filepath.Base(os.Args[0]); called == "kubectl" || called == "ctr" {
		words = append([]string{called}, words...)
	}
	if len(words) == 0 {
		words = []string{"--help"}
	}
	if err := run(words[0], words[1:]); err != nil {
		log("fatal", err.Error())
		os.Exit(1)
	}
}

func run(command string, words []string) error {
	switch command {
	case "server", "agent":
		settings, err := load(command, words)
		if err != nil {
			return err
		}
		return serve(settings)
	case "kubectl":
		return hand("kubectl", words, "KUBECONFIG", defaults["write-kubeconfig"])
	case "ctr":
		return hand("ctr", words, "CONTAINERD_ADDRESS", containerdSocket, "CONTAINERD_NAMESPACE", "k8s.io")
	case "--version", "-v":
		version, err := bundled("version")
		fmt.Printf("k3s version %s (k3s stand-in)\ngo version %s\n", version, runtime.Version())
		return err
	case "--help", "-h", "help":
		fmt.Println("NAME:\n   k3s - Kubernetes, but small and simple (k3s stand-in)\n\n" +
			"USAGE:\n   k3s server|agent|kubectl|ctr|--version")
		return nil
	}
	return fmt.Errorf("k3s %s is not in the k3s stand-in", command)
}

// hand becomes one of the programs inside, with what k3s would set in its environment.
func hand(program string, words []string, environment ...string) error {
	home, err := unpacked(defaults["data-dir"])
	if err != nil {
		return err
	}
	for place := 0; place < len(environment); place += 2 {
		if os.Getenv(environment[place]) == "" {
			os.Setenv(environment[place], environment[place+1])
		}
	}
	return syscall.Exec(filepath.Join(home, "bin", program), append([]string{program}, words...), os.Environ())
}

func log(level, message string) {
	fmt.Fprintf(os.Stderr, "time=%q level=%s msg=%q\n", now().Format("2006-01-02T15:04:05Z"), level, strings.TrimSpace(message))
}
