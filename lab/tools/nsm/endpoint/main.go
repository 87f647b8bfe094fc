// SPDX-License-Identifier: Apache-2.0

// Command endpoint is an endpoint of network services without a data plane: it registers, gives each client a pair of
// addresses, and answers requests, but makes no interface. So it shows who finds and reaches whom, and no packet flows.
package main

import (
	"context"
	"fmt"
	"net"

	"github.com/networkservicemesh/api/pkg/api/networkservice"
	"github.com/networkservicemesh/api/pkg/api/networkservice/mechanisms/kernel"
	"github.com/networkservicemesh/api/pkg/api/networkservice/payload"
	"github.com/networkservicemesh/api/pkg/api/registry"
	"github.com/networkservicemesh/sdk/pkg/networkservice/chains/endpoint"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/authorize"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/mechanisms"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/null"
	"github.com/networkservicemesh/sdk/pkg/networkservice/ipam/point2pointipam"
	"github.com/networkservicemesh/sdk/pkg/tools/log"

	"meshops.mesh/lab/tools/nsm/internal/program"
	"meshops.mesh/lab/tools/nsm/internal/registration"
)

func main() {
	program.Run(run)
}

func run(ctx context.Context, p *program.Program) error {
	name := p.Text("NAME", "endpoint")
	at := p.URLs("LISTEN_ON", "unix:///tmp/endpoint.sock")
	manager := p.URL("CONNECT_TO", "unix:///var/lib/networkservicemesh/nsm.io.sock")
	dialing := p.Duration("DIAL_TIMEOUT", "5s")
	services := p.List("SERVICE_NAMES", "icmp-responder")
	kind := p.Text("PAYLOAD", payload.Ethernet)
	labels := p.Labels("LABELS", ":")
	prefix := p.Text("CIDR_PREFIX", "169.254.0.0/16")
	registers := p.Switch("REGISTER_SERVICE", true)
	leaves := p.Switch("UNREGISTER_ITSELF", false)
	if err := p.Err(); err != nil {
		return err
	}
	_, pool, err := net.ParseCIDR(prefix)
	if err != nil {
		return fmt.Errorf("NSM_CIDR_PREFIX: %w", err)
	}
	// It takes its leave after it has been told to end, and is there until then.
	lasting, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	server := endpoint.NewServer(lasting, p.Token,
		endpoint.WithName(name),
		endpoint.WithAuthorizeServer(authorize.NewServer()),
		endpoint.WithAdditionalFunctionality(
			point2pointipam.NewServer(pool),
			mechanisms.NewServer(map[string]networkservice.NetworkServiceServer{
				kernel.MECHANISM: null.NewServer(), // no interface
			}),
		),
	)
	failed, err := p.Listen(lasting, at, server.Register)
	if err != nil {
		return err
	}
	clients := registration.New(lasting, p, manager, dialing)
	if registers {
		for _, service := range services {
			if _, err = clients.Services.Register(ctx, &registry.NetworkService{Name: service, Payload: kind}); err != nil {
				return fmt.Errorf("network service %s is not registered: %w", service, err)
			}
		}
	}
	registered, err := clients.Endpoints.Register(ctx, describe(name, services, labels, at[0].String()))
	if err != nil {
		return fmt.Errorf("endpoint %s is not registered: %w", name, err)
	}
	log.FromContext(ctx).Infof("registered as %s", registered.GetName())
	err = program.Wait(ctx, failed)
	if leaves {
		return clients.Leave(lasting, registered)
	}
	return err
}

func describe(name string, services []string, labels map[string]string, at string) *registry.NetworkServiceEndpoint {
	labelled := map[string]*registry.NetworkServiceLabels{}
	for _, service := range services {
		labelled[service] = &registry.NetworkServiceLabels{Labels: labels}
	}
	return &registry.NetworkServiceEndpoint{
		Name: name, NetworkServiceNames: services, NetworkServiceLabels: labelled, Url: at,
	}
}
