package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// renewal is when k3s makes a certificate anew at a start.
const renewal = 120 * 24 * time.Hour

// pki is a folder of certificates and keys, as k3s lays them out.
type pki struct{ folder string }

func (p pki) path(name string) string { return filepath.Join(p.folder, name) }

func (p pki) text(name string) string {
	content, _ := os.ReadFile(p.path(name))
	return string(content)
}

func (p pki) authority(name string) error {
	if _, err := os.Stat(p.path(name + ".crt")); err == nil {
		return nil
	}
	return p.certify(name, nil, &x509.Certificate{
		Subject:               pkix.Name{CommonName: fmt.Sprintf("k3s-%s@%d", name, now().Unix())},
		NotAfter:              now().Add(10 * 365 * 24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	})
}

// issue makes a client's certificate, or a server's too when it is given names; one that is still right is kept.
func (p pki) issue(name string, authority pki, ca, commonName, group string, names ...string) error {
	wanted := &x509.Certificate{
		Subject:     pkix.Name{CommonName: commonName},
		NotAfter:    now().Add(365 * 24 * time.Hour),
		KeyUsage:    x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	if group != "" {
		wanted.Subject.Organization = []string{group}
	}
	for _, each := range names {
		if address := net.ParseIP(each); address != nil {
			wanted.IPAddresses = append(wanted.IPAddresses, address)
		} else {
			wanted.DNSNames = append(wanted.DNSNames, each)
		}
	}
	if len(names) > 0 {
		wanted.ExtKeyUsage = append(wanted.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	if p.fits(name, wanted) {
		return nil
	}
	signer := &signer{certificate: parse(authority.text(ca + ".crt")), pem: authority.text(ca + ".crt")}
	block, _ := pem.Decode([]byte(authority.text(ca + ".key")))
	key, err := x509.ParseECPrivateKey(block.Bytes)
	if err != nil {
		return err
	}
	signer.key = key
	return p.certify(name, signer, wanted)
}

type signer struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	pem         string
}

func (p pki) fits(name string, wanted *x509.Certificate) bool {
	found := parse(p.text(name + ".crt"))
	return found != nil && found.NotAfter.After(now().Add(renewal)) && found.Subject.String() == wanted.Subject.String() &&
		slices.Equal(found.DNSNames, wanted.DNSNames) &&
		slices.EqualFunc(found.IPAddresses, wanted.IPAddresses, func(one, other net.IP) bool { return one.Equal(other) })
}

func parse(text string) *x509.Certificate {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil
	}
	found, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return nil
	}
	return found
}

func (p pki) certify(name string, by *signer, wanted *x509.Certificate) error {
	if err := os.MkdirAll(p.folder, 0o700); err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if wanted.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return err
	}
	wanted.NotBefore = now().Add(-time.Minute)
	if by == nil {
		by = &signer{certificate: wanted, key: key}
	}
	content, err := x509.CreateCertificate(rand.Reader, wanted, by.certificate, &key.PublicKey, by.key)
	if err != nil {
		return err
	}
	encoded, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	chain := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: content})) + by.pem
	return write(map[string]string{
		p.path(name + ".key"): string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: encoded})),
		p.path(name + ".crt"): chain,
	}, 0o600)
}

func (p pki) serviceKey() error {
	if _, err := os.Stat(p.path("service.key")); err == nil {
		return nil
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	return write(map[string]string{p.path("service.key"): string(pem.EncodeToMemory(block))}, 0o600)
}

// kubeconfig writes credentials for an API server, all in one file.
func kubeconfig(target, server, authority string, of pki, name string, mode os.FileMode) (string, error) {
	data := func(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }
	return target, write(map[string]string{target: strings.Join([]string{
		"apiVersion: v1", "kind: Config", "current-context: default",
		"clusters: [{name: default, cluster: {server: " + server + ", certificate-authority-data: " + data(authority) + "}}]",
		"users: [{name: default, user: {client-certificate-data: " + data(of.text(name+".crt")) +
			", client-key-data: " + data(of.text(name+".key")) + "}}]",
		"contexts: [{name: default, context: {cluster: default, user: default}}]", ""}, "\n")}, mode)
}

// write puts files in place with their folders; each is whole or as it was.
func write(files map[string]string, mode os.FileMode) error {
	for path, content := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		part := path + ".part"
		if err := os.WriteFile(part, []byte(content), mode); err != nil {
			return err
		}
		if err := os.Chmod(part, mode); err != nil {
			return err
		}
		if err := os.Rename(part, path); err != nil {
			return err
		}
	}
	return nil
}
