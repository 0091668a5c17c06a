// cert-manager's own answer to a challenge of ACME, with the flags that its controllers pass.
package main

import (
	"os"

	"github.com/cert-manager/cert-manager/pkg/issuer/acme/http/solver"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/spf13/pflag"
)

func main() {
	one := solver.HTTP01Solver{}
	pflag.IntVar(&one.ListenPort, "listen-port", 8089, "the port that it listens on")
	pflag.StringVar(&one.Domain, "domain", "", "the domain that is proven")
	pflag.StringVar(&one.Token, "token", "", "the challenge's token")
	pflag.StringVar(&one.Key, "key", "", "what it answers")
	pflag.Parse()
	logf.InitLogs()
	if err := one.Listen(logf.Log); err != nil {
		logf.Log.Error(err, "the solver ended")
		os.Exit(1)
	}
}
