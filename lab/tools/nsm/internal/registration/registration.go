// SPDX-License-Identifier: Apache-2.0

// Package registration tells a registry, or a manager, of an endpoint, again and again until it is told to stop.
package registration

import (
	"context"
	"net/url"
	"time"

	"github.com/networkservicemesh/api/pkg/api/registry"
	"github.com/networkservicemesh/sdk/pkg/registry/chains/client"
	"github.com/networkservicemesh/sdk/pkg/registry/common/authorize"
	"github.com/networkservicemesh/sdk/pkg/registry/common/sendfd"

	"meshops.mesh/lab/tools/nsm/internal/program"
)

// An endpoint that is told to end has this long to say so.
const farewell = 3 * time.Second

// Clients talk to one registry or manager.
type Clients struct {
	Services  registry.NetworkServiceRegistryClient
	Endpoints registry.NetworkServiceEndpointRegistryClient
}

// New gives clients of the registry or manager at an address. Endpoints on a socket are sent along as that socket.
func New(ctx context.Context, p *program.Program, at *url.URL, dialing time.Duration) Clients {
	options := []client.Option{
		client.WithClientURL(at),
		client.WithDialTimeout(dialing),
		client.WithDialOptions(p.DialOptions()...),
		client.WithAuthorizeNSRegistryClient(
			authorize.NewNetworkServiceRegistryClient(authorize.WithPolicies(p.ClientPolicies...))),
		client.WithAuthorizeNSERegistryClient(
			authorize.NewNetworkServiceEndpointRegistryClient(authorize.WithPolicies(p.ClientPolicies...))),
		client.WithNSEAdditionalFunctionality(sendfd.NewNetworkServiceEndpointRegistryClient()),
	}
	return Clients{
		Services:  client.NewNetworkServiceRegistryClient(ctx, options...),
		Endpoints: client.NewNetworkServiceEndpointRegistryClient(ctx, options...),
	}
}

// Leave takes an endpoint out of the registry; the context must not have ended with the program.
func (c Clients) Leave(ctx context.Context, endpoint *registry.NetworkServiceEndpoint) error {
	ctx, cancel := context.WithTimeout(ctx, farewell)
	defer cancel()
	_, err := c.Endpoints.Unregister(ctx, endpoint)
	return err
}
