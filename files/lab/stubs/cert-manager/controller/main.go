// cert-manager's own controllers of Certificates, their requests, and issuers that sign by themselves or with a CA,
// with the flags that its chart passes. Those of ACME, Vault, Venafi, Ingresses and Gateways are left out.
package main

import (
	"context"
	"os"
	"time"

	"github.com/cert-manager/cert-manager/internal/cmd/util"
	"github.com/cert-manager/cert-manager/pkg/controller"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/approver"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/ca"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificaterequests/selfsigned"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/issuing"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/keymanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/readiness"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/requestmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/revisionmanager"
	_ "github.com/cert-manager/cert-manager/pkg/controller/certificates/trigger"
	_ "github.com/cert-manager/cert-manager/pkg/controller/clusterissuers"
	_ "github.com/cert-manager/cert-manager/pkg/controller/issuers"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/ca"
	_ "github.com/cert-manager/cert-manager/pkg/issuer/selfsigned"
	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"github.com/spf13/pflag"
	"golang.org/x/sync/errgroup"
	logsapi "k8s.io/component-base/logs/api/v1"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/healthz"
	"sigs.k8s.io/controller-runtime/pkg/manager"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

// cert-manager's defaults (pkg/apis/config/controller/v1alpha1)
const (
	workers              = 5
	queries, burst       = 20, 50
	leastWait, mostWait  = time.Hour, 32 * time.Hour
	copied, kubectlsOwn  = "*", "-kubectl.kubernetes.io/"
	fluxsOwn, argocdsOwn = "-fluxcd.io/", "-argocd.argoproj.io/"
)

func main() {
	ctx, exit := util.SetupExitHandler(context.Background(), util.GracefulShutdown)
	defer exit()
	if err := manage(ctx); err != nil {
		logf.Log.Error(err, "the controllers ended")
		util.SetExitCode(err)
	}
}

func manage(ctx context.Context) error {
	logging, options := logsapi.NewLoggingConfiguration(), controller.ContextOptions{
		KubernetesAPIQPS:   queries,
		KubernetesAPIBurst: burst,
		CertificateOptions: controller.CertificateOptions{
			CopiedAnnotationPrefixes:                 []string{copied, kubectlsOwn, fluxsOwn, argocdsOwn},
			CertificateRequestMinimumBackoffDuration: leastWait,
			CertificateRequestMaximumBackoffDuration: mostWait,
		},
	}
	flags := pflag.NewFlagSet("controller", pflag.ContinueOnError)
	elections := flags.String("leader-election-namespace", "kube-system", "where the Lease is")
	flags.StringVar(&options.ClusterResourceNamespace, "cluster-resource-namespace", "kube-system", "of Secrets")
	flags.StringVar(&options.HTTP01SolverImage, "acme-http01-solver-image", "", "which nothing here starts")
	flags.IntVar(&options.MaxConcurrentChallenges, "max-concurrent-challenges", 0, "which nothing here makes")
	logf.AddFlags(logging, flags)
	if err := flags.Parse(os.Args[1:]); err != nil {
		return err
	}
	logf.InitLogs()
	if err := logf.ValidateAndApply(logging); err != nil {
		return err
	}
	ctrl.SetLogger(logf.Log)
	config, err := ctrl.GetConfig()
	if err != nil {
		return err
	}
	elected, err := ctrl.NewManager(config, ctrl.Options{
		LeaderElection:          true,
		LeaderElectionID:        "cert-manager-controller",
		LeaderElectionNamespace: *elections,
		Metrics:                 metrics.Options{BindAddress: ":9402"},
		HealthProbeBindAddress:  ":9403",
		LivenessEndpointName:    "/livez",
	})
	if err != nil {
		return err
	}
	if err := elected.AddHealthzCheck("ping", healthz.Ping); err != nil {
		return err
	}
	if err := elected.Add(manager.RunnableFunc(func(ctx context.Context) error {
		return started(logf.NewContext(ctx, logf.Log), options)
	})); err != nil {
		return err
	}
	return elected.Start(ctx)
}

func started(ctx context.Context, options controller.ContextOptions) error {
	factory, err := controller.NewContextFactory(ctx, options)
	if err != nil {
		return err
	}
	shared, err := factory.Build()
	if err != nil {
		return err
	}
	running, ctx := errgroup.WithContext(ctx)
	for name, constructed := range controller.Known() {
		one, err := constructed(factory)
		if err != nil {
			return err
		}
		running.Go(func() error { return one.Run(workers, logf.NewContext(ctx, logf.Log, name)) })
	}
	shared.SharedInformerFactory.Start(ctx.Done())
	shared.KubeSharedInformerFactory.Start(ctx.Done())
	return running.Wait()
}
