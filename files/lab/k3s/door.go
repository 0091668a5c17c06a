package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"syscall"
)

const reusePort = 0xf // SO_REUSEPORT: the API server has the same port on an address of its own

// open listens on k3s' one port: the supervisor's paths are answered here, everything else by the API server.
// TLS ends here, so a client's certificate travels on as X-Remote-User and -Group, which the API server takes
// from the holder of the front proxy's certificate only.
func (s *server) open() error {
	clients, servers := x509.NewCertPool(), x509.NewCertPool()
	clients.AppendCertsFromPEM([]byte(s.pki.text("client-ca.crt")))
	servers.AppendCertsFromPEM([]byte(s.pki.text("server-ca.crt")))
	serving, err := tls.LoadX509KeyPair(s.pki.path("serving-kube-apiserver.crt"), s.pki.path("serving-kube-apiserver.key"))
	if err != nil {
		return err
	}
	proxying, err := tls.LoadX509KeyPair(s.pki.path("client-auth-proxy.crt"), s.pki.path("client-auth-proxy.key"))
	if err != nil {
		return err
	}
	target, err := url.Parse(s.api)
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(target)
			request.Out.Host = request.In.Host
			vouch(request)
		},
		Transport: &http.Transport{
			TLSClientConfig:     &tls.Config{RootCAs: servers, Certificates: []tls.Certificate{proxying}},
			ForceAttemptHTTP2:   false,
			MaxIdleConnsPerHost: 64,
		},
	}
	door := &http.Server{
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{serving}, ClientCAs: clients, ClientAuth: tls.VerifyClientCertIfGiven},
		Handler: http.HandlerFunc(func(to http.ResponseWriter, request *http.Request) {
			path := request.URL.Path
			if path == "/ping" || path == "/cacerts" || strings.HasPrefix(path, "/v1-k3s/") {
				s.answer(to, request)
				return
			}
			proxy.ServeHTTP(to, request)
		}),
	}
	listening := net.ListenConfig{Control: func(_, _ string, connection syscall.RawConn) error {
		var failed error
		err := connection.Control(func(socket uintptr) {
			failed = syscall.SetsockoptInt(int(socket), syscall.SOL_SOCKET, reusePort, 1)
		})
		if err != nil {
			return err
		}
		return failed
	}}
	listener, err := listening.Listen(context.Background(), "tcp4", net.JoinHostPort("0.0.0.0", s.text("https-listen-port")))
	if err != nil {
		return err
	}
	go func() { s.broken <- door.ServeTLS(listener, "", "") }()
	return nil
}

func vouch(request *httputil.ProxyRequest) {
	for name := range request.Out.Header {
		if strings.HasPrefix(name, "X-Remote-") {
			request.Out.Header.Del(name)
		}
	}
	if state := request.In.TLS; state != nil && len(state.VerifiedChains) > 0 {
		subject := state.PeerCertificates[0].Subject
		request.Out.Header.Set("X-Remote-User", subject.CommonName)
		for _, group := range subject.Organization {
			request.Out.Header.Add("X-Remote-Group", group)
		}
	}
}
