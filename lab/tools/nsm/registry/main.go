// SPDX-License-Identifier: Apache-2.0

// Command registry is a registry of network services and endpoints in memory: the library's own chain behind a main.
// Names with a domain (service@domain) it hands to the proxy at NSM_PROXY_REGISTRY_URL.
package main

import (
	"context"

	"github.com/networkservicemesh/sdk/pkg/registry/chains/memory"
	"github.com/networkservicemesh/sdk/pkg/registry/common/authorize"

	"meshops.mesh/lab/tools/nsm/internal/program"
)

func main() {
	program.Run(func(ctx context.Context, p *program.Program) error {
		at := p.URLs("LISTEN_ON", "tcp://:5002")
		proxy := p.URL("PROXY_REGISTRY_URL", "nsmgr-proxy:5004")
		expiry := p.Duration("EXPIRE_PERIOD", "1m")
		if err := p.Err(); err != nil {
			return err
		}
		registry := memory.NewServer(ctx, p.Token,
			memory.WithDefaultExpiration(expiry),
			memory.WithProxyRegistryURL(proxy),
			memory.WithDialOptions(p.DialOptions()...),
			memory.WithAuthorizeNSRegistryServer(
				authorize.NewNetworkServiceRegistryServer(authorize.WithPolicies(p.ServerPolicies...))),
			memory.WithAuthorizeNSERegistryServer(
				authorize.NewNetworkServiceEndpointRegistryServer(authorize.WithPolicies(p.ServerPolicies...))),
			memory.WithAuthorizeNSRegistryClient(
				authorize.NewNetworkServiceRegistryClient(authorize.WithPolicies(p.ClientPolicies...))),
			memory.WithAuthorizeNSERegistryClient(
				authorize.NewNetworkServiceEndpointRegistryClient(authorize.WithPolicies(p.ClientPolicies...))),
		)
		return p.Serve(ctx, at, registry.Register)
	})
}
