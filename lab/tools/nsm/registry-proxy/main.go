// SPDX-License-Identifier: Apache-2.0

// Command registry-proxy finds the registries of other domains by DNS: the library's own chain behind a main, with
// the resolver of the machine. For service@domain it asks for SRV and address records at registry.nsm-system.domain
// and nsmgr-proxy.nsm-system.domain.
package main

import (
	"context"
	"net"

	"github.com/networkservicemesh/sdk/pkg/registry/chains/proxydns"
	"github.com/networkservicemesh/sdk/pkg/registry/common/authorize"

	"meshops.mesh/lab/tools/nsm/internal/program"
)

func main() {
	program.Run(func(ctx context.Context, p *program.Program) error {
		at := p.URLs("LISTEN_ON", "tcp://:5005")
		if err := p.Err(); err != nil {
			return err
		}
		registry := proxydns.NewServer(ctx, p.Token, net.DefaultResolver,
			proxydns.WithDialOptions(p.DialOptions()...),
			proxydns.WithAuthorizeNSRegistryServer(
				authorize.NewNetworkServiceRegistryServer(authorize.WithPolicies(p.ServerPolicies...))),
			proxydns.WithAuthorizeNSERegistryServer(
				authorize.NewNetworkServiceEndpointRegistryServer(authorize.WithPolicies(p.ServerPolicies...))),
			proxydns.WithAuthorizeNSRegistryClient(
				authorize.NewNetworkServiceRegistryClient(authorize.WithPolicies(p.ClientPolicies...))),
			proxydns.WithAuthorizeNSERegistryClient(
				authorize.NewNetworkServiceEndpointRegistryClient(authorize.WithPolicies(p.ClientPolicies...))),
		)
		return p.Serve(ctx, at, registry.Register)
	})
}
