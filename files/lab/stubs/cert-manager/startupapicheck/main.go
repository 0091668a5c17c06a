// cert-manager's own check that its API is served and its webhooks are asked; `check api --wait=1m` are its arguments.
package main

import (
	"context"
	"os"
	"time"

	"github.com/cert-manager/cert-manager/internal/cmd/util"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/util/cmapichecker"
	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/wait"
	ctrl "sigs.k8s.io/controller-runtime"
)

const pause = 5 * time.Second

func main() {
	ctx, exit := util.SetupExitHandler(context.Background(), util.AlwaysErrCode)
	defer exit()
	if err := check(ctx); err != nil {
		logf.Log.Error(err, "the API is not ready")
		util.SetExitCode(err)
	}
}

func check(ctx context.Context) error {
	flags := pflag.NewFlagSet("check api", pflag.ContinueOnError)
	patience := flags.Duration("wait", 0, "how long it is tried")
	flags.BoolP("verbose", "v", false, "says more")
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	logf.InitLogs()
	ctrl.SetLogger(logf.Log)
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	checker, err := cmapichecker.New(config, os.Getenv("POD_NAMESPACE"))
	if err != nil {
		return err
	}
	return wait.PollUntilContextTimeout(ctx, pause, *patience, true, func(ctx context.Context) (bool, error) {
		err := checker.Check(ctx)
		if err != nil {
			logf.Log.Error(err, "not yet")
		}
		return err == nil, nil
	})
}
