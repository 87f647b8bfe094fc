// SPDX-License-Identifier: Apache-2.0

// Command forwarder is a forwarder without a data plane: a manager hands it requests, and it hands them on to an
// endpoint of the service, or to who leads there. It makes neither interfaces nor tunnels, so no packet flows.
package main

import (
	"context"
	"fmt"

	"github.com/networkservicemesh/api/pkg/api/registry"
	"github.com/networkservicemesh/sdk/pkg/networkservice/chains/client"
	"github.com/networkservicemesh/sdk/pkg/networkservice/chains/endpoint"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/authorize"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/connect"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/discover"
	"github.com/networkservicemesh/sdk/pkg/networkservice/common/roundrobin"
	registryclient "github.com/networkservicemesh/sdk/pkg/registry/chains/client"
	"github.com/networkservicemesh/sdk/pkg/registry/common/recvfd"
	"github.com/networkservicemesh/sdk/pkg/tools/log"

	"meshops.mesh/lab/tools/nsm/internal/program"
	"meshops.mesh/lab/tools/nsm/internal/registration"
)

func main() {
	program.Run(run)
}

func run(ctx context.Context, p *program.Program) error {
	name := p.Text("NAME", "forwarder")
	at := p.URLs("LISTEN_ON", "unix:///listen.on.sock")
	manager := p.URL("CONNECT_TO", "unix:///var/lib/networkservicemesh/nsm.io.sock")
	dialing := p.Duration("DIAL_TIMEOUT", "750ms")
	service := p.Text("NSNAME", "forwarder")
	labels := p.Labels("LABELS", ":")
	if len(labels) == 0 {
		labels = map[string]string{"p2p": "true"}
	}
	if err := p.Err(); err != nil {
		return err
	}
	clients := registration.New(ctx, p, manager, dialing)
	finding := registryclient.NewNetworkServiceEndpointRegistryClient(ctx,
		registryclient.WithClientURL(manager),
		registryclient.WithDialTimeout(dialing),
		registryclient.WithDialOptions(p.DialOptions()...),
		// Endpoints on sockets come as open files.
		registryclient.WithNSEAdditionalFunctionality(recvfd.NewNetworkServiceEndpointRegistryClient()),
	)
	server := endpoint.NewServer(ctx, p.Token,
		endpoint.WithName(name),
		endpoint.WithAuthorizeServer(authorize.NewServer()),
		endpoint.WithAdditionalFunctionality(
			discover.NewServer(clients.Services, finding),
			roundrobin.NewServer(),
			connect.NewServer(client.NewClient(ctx,
				client.WithName(name),
				client.WithoutRefresh(),
				client.WithDialTimeout(dialing),
				client.WithDialOptions(p.DialOptions()...),
			)),
		),
	)
	failed, err := p.Listen(ctx, at, server.Register)
	if err != nil {
		return err
	}
	registered, err := clients.Endpoints.Register(ctx, &registry.NetworkServiceEndpoint{
		Name:                 name,
		NetworkServiceNames:  []string{service},
		NetworkServiceLabels: map[string]*registry.NetworkServiceLabels{service: {Labels: labels}},
		Url:                  at[0].String(),
	})
	if err != nil {
		return fmt.Errorf("forwarder %s is not registered: %w", name, err)
	}
	log.FromContext(ctx).Infof("registered as %s", registered.GetName())
	return program.Wait(ctx, failed)
}
