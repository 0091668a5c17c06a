// cert-manager's own webhook, with its own flags.
package main

import (
	"context"
	"os"

	"github.com/cert-manager/cert-manager/internal/cmd/util"
	"github.com/cert-manager/cert-manager/internal/webhook"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/cert-manager/cert-manager/pkg/webhook/options"
	"github.com/spf13/pflag"
)

func main() {
	ctx, exit := util.SetupExitHandler(context.Background(), util.GracefulShutdown)
	defer exit()
	if err := serve(ctx); err != nil {
		logf.Log.Error(err, "the webhook ended")
		util.SetExitCode(err)
	}
}

func serve(ctx context.Context) error {
	configuration, err := options.NewWebhookConfiguration()
	if err != nil {
		return err
	}
	flags := pflag.NewFlagSet("webhook", pflag.ContinueOnError)
	options.AddConfigFlags(flags, configuration)
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	logf.InitLogs()
	if err := logf.ValidateAndApply(&configuration.Logging); err != nil {
		return err
	}
	server, err := webhook.NewCertManagerWebhookServer(logf.Log, *configuration)
	if err != nil {
		return err
	}
	return server.Run(logf.NewContext(ctx, logf.Log, "webhook"))
}
