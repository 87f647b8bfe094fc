// SPDX-License-Identifier: Apache-2.0

// Package program is what all programs over the library of Network Service Mesh begin with: an identity from the
// SPIFFE Workload API, mutual TLS and signed tokens on every hop, the library's own policies, and an orderly end.
package program

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/edwarnicke/grpcfd"
	"github.com/networkservicemesh/sdk/pkg/tools/grpcutils"
	"github.com/networkservicemesh/sdk/pkg/tools/log"
	"github.com/networkservicemesh/sdk/pkg/tools/log/logruslogger"
	"github.com/networkservicemesh/sdk/pkg/tools/spiffejwt"
	"github.com/networkservicemesh/sdk/pkg/tools/token"
	"github.com/sirupsen/logrus"
	"github.com/spiffe/go-spiffe/v2/spiffetls/tlsconfig"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"meshops.mesh/lab/tools/nsm/internal/settings"
)

const (
	policies         = "etc/nsm/opa/common/.*.rego"
	serverPolicies   = "etc/nsm/opa/server/.*.rego"
	registryPolicies = "etc/nsm/opa/registry/.*.rego"
	clientPolicies   = "etc/nsm/opa/client/.*.rego"
)

// Program is one that runs: its settings, and what its identity allows.
type Program struct {
	*settings.Reader
	// Token signs who speaks to whom, in every request.
	Token token.GeneratorFunc
	// ServerPolicies and ClientPolicies say what a registry demands of its callers, and a caller of a registry.
	ServerPolicies, ClientPolicies []string

	source *workloadapi.X509Source
}

// Run gives the work a program whose context ends with SIGTERM or SIGINT, and ends the process with it: 0 when all
// went well, 1 and one line on standard error when it did not.
func Run(work func(ctx context.Context, p *Program) error) {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, work)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, work func(ctx context.Context, p *Program) error) error {
	reader := &settings.Reader{}
	level, err := logrus.ParseLevel(reader.Text("LOG_LEVEL", "INFO"))
	if err != nil {
		return fmt.Errorf("NSM_LOG_LEVEL: %w", err)
	}
	logrus.SetLevel(level)
	log.EnableTracing(level >= logrus.TraceLevel)
	ctx = log.WithLog(ctx, logruslogger.New(ctx))
	lifetime := reader.Duration("MAX_TOKEN_LIFETIME", "10m")
	p := &Program{
		Reader:         reader,
		ServerPolicies: reader.List("REGISTRY_SERVER_POLICIES", policies+","+registryPolicies+","+serverPolicies),
		ClientPolicies: reader.List("REGISTRY_CLIENT_POLICIES", policies+","+registryPolicies+","+clientPolicies),
	}
	if err = reader.Err(); err != nil {
		return err
	}
	log.FromContext(ctx).Infof("waiting for an identity at %s", os.Getenv("SPIFFE_ENDPOINT_SOCKET"))
	// Asks until there is one: the entry that gives it may come later than the program.
	if p.source, err = workloadapi.NewX509Source(ctx); err != nil {
		return fmt.Errorf("no identity at %s: %w", os.Getenv("SPIFFE_ENDPOINT_SOCKET"), err)
	}
	defer func() { _ = p.source.Close() }()
	svid, err := p.source.GetX509SVID()
	if err != nil {
		return fmt.Errorf("no identity: %w", err)
	}
	log.FromContext(ctx).Infof("runs as %s", svid.ID)
	p.Token = spiffejwt.TokenGeneratorFunc(p.source, lifetime)
	return work(ctx, p)
}

// DialOptions are for talking to other programs; whoever has an identity of a trust domain that ours knows will do.
func (p *Program) DialOptions() []grpc.DialOption {
	authority := tlsconfig.MTLSClientConfig(p.source, p.source, tlsconfig.AuthorizeAny())
	return []grpc.DialOption{
		grpc.WithTransportCredentials(grpcfd.TransportCredentials(credentials.NewTLS(authority))),
		grpc.WithDefaultCallOptions(
			grpc.WaitForReady(true),
			grpc.PerRPCCredentials(token.NewPerRPCCredentials(p.Token)),
		),
		grpcfd.WithChainStreamInterceptor(),
		grpcfd.WithChainUnaryInterceptor(),
	}
}

// Listen serves at all these addresses; a port 0 becomes the one that was free. What it returns tells when one fails.
func (p *Program) Listen(ctx context.Context, at []*url.URL, register func(*grpc.Server)) (<-chan error, error) {
	authority := tlsconfig.MTLSServerConfig(p.source, p.source, tlsconfig.AuthorizeAny())
	failed := make(chan error, len(at))
	for _, address := range at {
		server := grpc.NewServer(grpc.Creds(grpcfd.TransportCredentials(credentials.NewTLS(authority))))
		register(server)
		results := grpcutils.ListenAndServe(ctx, address, server)
		select {
		case err := <-results:
			return nil, fmt.Errorf("cannot listen at %s: %w", address, err)
		case <-time.After(settlingTime):
		}
		go func() {
			if err := <-results; err != nil {
				failed <- err
			}
		}()
		log.FromContext(ctx).Infof("listens at %s", address)
	}
	return failed, nil
}

// An address that is taken is known by then.
const settlingTime = 50 * time.Millisecond

// Serve is Listen for a program that does nothing else, and returns when it is told to end.
func (p *Program) Serve(ctx context.Context, at []*url.URL, register func(*grpc.Server)) error {
	failed, err := p.Listen(ctx, at, register)
	if err != nil {
		return err
	}
	return Wait(ctx, failed)
}

// Wait returns when the program is told to end, or when one of its servers failed.
func Wait(ctx context.Context, failed <-chan error) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
}
